import * as z from 'zod'
import * as CloudAccount from '../accounts/cloud-account.ts'
import type { Context } from '../effects/context.ts'
import { change, command } from '../guard/command.ts'
import { Fault } from '../kernel/fault.ts'
import { Page, paged } from '../effects/paged.ts'
import * as Ledger from './ledger.ts'
import * as Source from './source.ts'
import * as Sync from './sync.ts'

const ById = z.strictObject({
  id: z.string().min(1).max(256).describe("The account's id in the product or in the cloud."),
})

async function load(ctx: Context, id: string): Promise<CloudAccount.Info> {
  const account = await CloudAccount.load(ctx, id)
  if (account.removedAt !== undefined) throw new Fault('not_found', `There is no cloud account ${id}.`)
  return account
}

export const LedgerDay = z.object({ day: z.string(), calls: Ledger.Entry, usd: z.string() })

const ledgerDays = 31

/** What is collected from an account, how it went, and what the calls cost. */
export const list = command(
  'cloud-accounts.syncs',
  ById.extend(Page.shape),
  'read:accounts',
  async (ctx, { id, ...page }) => {
    const account = await load(ctx, id)
    const prefix = `${account.id}/`
    const [sources, { items, pagination }, days] = await Promise.all([
      Source.ofAccount(ctx, account.id),
      paged(ctx.tables.syncs, ctx.orgId, page, { prefix, descending: true }),
      ctx.tables.ledgers.list(ctx.orgId, { prefix, descending: true, limit: ledgerDays }),
    ])
    return {
      sources: sources.map(Source.publicOf),
      syncs: items.map((sync) => Sync.Info.parse(sync)),
      ledger: days.items.map(({ day, calls }) => ({ day, calls, usd: Ledger.usdOf(calls) })),
      pagination,
    }
  },
)

/** Asks for a collection now. One that runs already is not begun again. */
export const sync = change(
  'cloud-accounts.sync',
  ById.extend({
    kinds: z
      .array(Source.Kind)
      .min(1)
      .default([...Source.kinds])
      .describe('By default all.'),
  }),
  'write:accounts',
  async (ctx, { id, kinds }, note) => {
    const account = await load(ctx, id)
    note({ resourceType: 'cloud_account', resourceId: account.id, after: { kinds } })
    const requested: Source.Kind[] = []
    for (const { id: sourceId, kind } of await Source.ofAccount(ctx, account.id)) {
      if (!kinds.includes(kind)) continue
      if (kind === 'bills') await ctx.tables.sources.update(ctx.orgId, sourceId, Source.retried)
      if (await Source.request(ctx, sourceId, Source.isFree)) requested.push(kind)
    }
    const sources = await Source.ofAccount(ctx, account.id)
    return { requested, sources: sources.map(Source.publicOf) }
  },
)

const isIdle = ({ ticket, syncId }: Source.Info) => ticket === undefined && syncId === undefined

const Minutes = (kind: Source.Kind) =>
  z
    .int()
    .min(Source.leastMinutes[kind], `must be at least ${Source.leastMinutes[kind]}`)
    .max(7 * 24 * 60)
    .optional()

/** Changes how often the sources of an account are looked at. */
export const setFreshness = change(
  'cloud-accounts.freshness',
  ById.extend({
    bills: Minutes('bills'),
    costs: Minutes('costs'),
    inventory: Minutes('inventory'),
    utilization: Minutes('utilization'),
  }),
  'write:accounts',
  async (ctx, { id, ...minutes }, note) => {
    const account = await load(ctx, id)
    note({ resourceType: 'cloud_account', resourceId: account.id, after: minutes })
    for (const { id: sourceId, kind } of await Source.ofAccount(ctx, account.id)) {
      const everyMinutes = minutes[kind]
      if (everyMinutes === undefined) continue
      const dueAt = new Date(ctx.now().getTime() + everyMinutes * 60_000).toISOString()
      await ctx.tables.sources.update(ctx.orgId, sourceId, (source) => ({
        ...source,
        everyMinutes,
        // An earlier look stays.
        ...(isIdle(source) && source.dueAt !== undefined && source.dueAt > dueAt && { dueAt }),
      }))
    }
    return { sources: (await Source.ofAccount(ctx, account.id)).map(Source.publicOf) }
  },
)
