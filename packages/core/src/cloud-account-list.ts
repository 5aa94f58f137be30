import * as z from 'zod'
import { may } from './actor.ts'
import { dayOf, monthOf, monthSpan } from './calendar.ts'
import * as CloudAccount from './cloud-account.ts'
import { isSameAccount } from './cloud-accounts.ts'
import { command } from './command.ts'
import type { Context } from './context.ts'
import { overview } from './cost/overview.ts'
import { Page, paged } from './page.ts'
import { clouds } from './runtime.ts'
import * as Snapshot from './snapshot.ts'

const Input = Page.extend({ provider: z.enum(clouds).optional(), status: z.enum(['active', 'error', 'pending']).optional() })

/** An account with what it costs. */
export const Listed = CloudAccount.Public.extend({
  monthlySpend: z
    .number()
    .describe('What the account itself costs, effectively, in the month of the last charge. 0 where no bill names it, or the caller may not read costs.'),
  monthlySpendExact: z.string(),
  spendMonth: z.string().nullable(),
  currency: z.string().nullable(),
})

/** The connected accounts in the order in which they came, each with its spend. */
export const list = command('cloud-accounts.list', Input, 'read:accounts', async (ctx, { provider, status, ...page }) => {
  const all = (await ctx.runtime.tables.cloudAccounts.all(ctx.orgId)).filter(({ removedAt }) => removedAt === undefined)
  const wanted = all.filter((account) => (provider === undefined || account.provider === provider) && (status === undefined || account.status === status))
  const { items, pagination } = paged(wanted, page)
  const spend = items.length > 0 && may(ctx.actor, 'read:costs') ? await spendOf(ctx) : undefined
  const accounts = items.map((account): z.infer<typeof Listed> => {
    const line = spend?.breakdown.find(({ value }) => value !== null && isSameAccount(value, account.accountId))
    const of = { spendMonth: spend?.month ?? null, currency: spend?.currency ?? null }
    return { ...CloudAccount.shown(account), monthlySpend: line?.cost ?? 0, monthlySpendExact: line?.costExact ?? '0', ...of }
  })
  return { accounts, total: pagination.total, pagination }
})

async function spendOf(ctx: Context) {
  const { snapshots } = await Snapshot.view(ctx)
  if (snapshots.length === 0) return undefined
  const today = dayOf(ctx.now())
  const last = snapshots.reduce((newest, { days }) => (days.last > newest ? days.last : newest), '')
  const month = monthOf(last < today ? last : today)
  const { start: startDate, end: endDate } = monthSpan(month)
  const { breakdown, currency } = await overview(ctx, { startDate, endDate, groupBy: 'account', granularity: 'monthly', limit: 5000 })
  return { breakdown, currency, month }
}
