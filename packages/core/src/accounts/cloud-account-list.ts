import * as z from 'zod'
import { isOfCloud, isSameAccount, type Cloud, clouds } from '../kernel/cloud.ts'
import { may } from '../kernel/actor.ts'
import { monthOf, monthSpan } from '../kernel/calendar.ts'
import * as CloudAccount from './cloud-account.ts'
import { command } from '../guard/command.ts'
import type { Context } from '../effects/context.ts'
import { question } from '../costs/answers.ts'
import { shared } from '../costs/ask.ts'
import { filesFor, lastDays } from '../costs/scope.ts'
import { type Amount, exactly, parse, withExact, zero } from '../kernel/money.ts'
import { paged, Page } from '../effects/paged.ts'

const Input = Page.extend({
  provider: z.enum(clouds).optional(),
  status: z.enum(['active', 'error', 'pending']).optional(),
})

export const Listed = CloudAccount.Public.extend({
  ...exactly(
    'monthlySpend',
    "The effective cost in the month of its cloud's last charge: of an account that pays bills, all of these bills, " +
      "with its members' costs, which their accounts show too; of every other account, its own. 0, without a " +
      'currency, if no bill of that month names the account, or the caller must not read costs.',
  ),
  spendMonth: z.string().nullable(),
  currency: z
    .string()
    .nullable()
    .describe(
      "The organization's currency if the account is billed in it, otherwise the currency of the largest amount.",
    ),
})

export const list = command(
  'cloud-accounts.list',
  Input,
  'read:accounts',
  async (ctx, { provider, status, ...page }) => {
    const where = { removedAt: undefined, ...(provider && { provider }), ...(status && { status }) }
    const { items, pagination } = await paged(ctx.tables.cloudAccounts, ctx.orgId, page, { where })
    const spent = await spentOn(ctx, new Set(items.map((account) => account.provider)))
    const accounts = items.map((account): z.infer<typeof Listed> => ({
      ...CloudAccount.Public.parse(account),
      ...spendOf(ctx, account, spent.get(account.provider)),
    }))
    return { accounts, total: pagination.total, pagination }
  },
)

/** Each cloud has its own last month, because bills come on different days. Accounts are spelled as on the bills. */
const ofCloud = question(
  'cloud-accounts.spend',
  z.strictObject({ provider: z.enum(clouds), asOf: shared.asOf }),
  'read:costs',
  async (ctx, asked, whole) => {
    const view = { ...whole, snapshots: whole.snapshots.filter(({ provider }) => isOfCloud(provider, asked.provider)) }
    const last = [...lastDays(view).values()].toSorted().at(-1)
    if (last === undefined) return { month: null, costs: { account: [], billing_account: [] } }
    const month = monthOf(last)
    const span = monthSpan(month)
    const files = filesFor(ctx.orgId, view, span)
    const by = async (groupBy: 'account' | 'billing_account') => {
      const rows = await ctx.runtime.lake.query('costOverview', files, {
        metric: 'effective',
        basis: 'charge',
        filters: [],
        ...span,
        previousStart: span.start,
        groupBy,
      })
      return rows.flatMap(({ part, key, currency, cost }) =>
        part === 'dimension' && key !== null ? [{ account: key, currency, cost }] : [],
      )
    }
    const [account, paid] = await Promise.all([by('account'), by('billing_account')])
    return { month, costs: { account, billing_account: paid } }
  },
)

type Spent = Awaited<ReturnType<typeof ofCloud>>

async function spentOn(ctx: Context, providers: ReadonlySet<Cloud>): Promise<ReadonlyMap<Cloud, Spent>> {
  if (!may(ctx.actor, 'read:costs')) return new Map()
  const spent = [...providers].map(async (provider) => [provider, await ofCloud(ctx, { provider })] as const)
  return new Map(await Promise.all(spent))
}

/** Amounts of different currencies are never added. */
function spendOf(ctx: Context, { accountId }: CloudAccount.Info, spent: Spent | undefined) {
  const amounts = new Map<string, Amount>()
  const { account: own = [], billing_account: bills = [] } = spent?.costs ?? {}
  const paid = bills.filter(({ account }) => isSameAccount(account, accountId))
  const named = paid.length > 0 ? paid : own.filter(({ account }) => isSameAccount(account, accountId))
  for (const { currency, cost } of named) amounts.set(currency, (amounts.get(currency) ?? zero).plus(parse(cost)))
  const [most] = [...amounts].toSorted(([, a], [, b]) => b.abs().cmp(a.abs()))
  const found = [...amounts].find(([currency]) => currency === ctx.currency) ?? most
  if (!found) return { ...withExact('monthlySpend', zero), spendMonth: null, currency: null }
  const [currency, amount] = found
  return { ...withExact('monthlySpend', amount), spendMonth: spent?.month ?? null, currency }
}
