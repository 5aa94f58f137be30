import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { Page, Pagination, paginationOf } from '../effects/paged.ts'
import { event } from '../effects/relay.ts'
import { walk } from '../effects/tables.ts'
import { change, command } from '../guard/command.ts'
import { Day } from '../kernel/calendar.ts'
import { clouds } from '../kernel/cloud.ts'
import { invalid } from '../kernel/fault.ts'
import * as Money from '../kernel/money.ts'
import { levels, type RateOf } from '../rules/index.ts'
import * as Dismissals from './dismissals.ts'
import { categories, type Category, type Info, prefixOf, statuses } from './recommendation.ts'
import { load, loadFound } from './load.ts'
import { ratesOf, worthOf } from './rates.ts'
import { nameOf, Preview, previewOf, Public, publicOf } from './shown.ts'

export { Applied, apply } from './apply.ts'
export { categories, nameOf, Preview, Public, statuses }

export const sorts = ['priority', 'savings', 'age', 'risk'] as const

const text = z.string().min(1).max(256)

const Filter = Page.extend({
  status: z.enum(statuses).default('active'),
  category: z.enum(categories).optional(),
  riskLevel: z.enum(levels).optional(),
  minSavings: z.number().min(0).optional().describe('A month, in the currency of each recommendation.'),
  provider: z.enum(clouds).optional(),
  accountId: text.optional(),
  region: text.optional(),
  rule: text.optional(),
  resourceId: z.string().min(1).max(1024).optional(),
  sortBy: z
    .enum(sorts)
    .default('priority')
    .describe('The highest priority or savings, the oldest, or the lowest risk first.'),
})

const Sums = z.array(z.object({ currency: z.string(), monthly: z.number(), monthlyExact: z.string() }))

export const List = z.object({
  recommendations: z.array(Public),
  summary: z.object({
    count: z.int(),
    savings: Sums.describe('Of all that match, in each currency, without those that are at most so much.'),
    savingsAtMost: Sums.describe('Of those that are at most so much.'),
    categories: z.array(z.object({ category: z.enum(categories), count: z.int(), savings: Sums })),
    insufficientData: z.int().describe('Resources that rules could not judge: `status=insufficient_data` lists them.'),
    analyzedAt: z.string().nullable().describe('When resources were judged last; null if never.'),
    resources: z.int().describe('Resources that were judged.'),
    leftOut: z.int().describe('Findings of the least priority, beyond the number that is kept.'),
  }),
  pagination: Pagination,
})

/** The most important first, unless asked otherwise. */
export const list = command(
  'recommendations.list',
  Filter,
  'read:recommendations',
  async (ctx, input): Promise<z.infer<typeof List>> => {
    const stored: Info['status'] = input.status === 'dismissed' ? 'active' : input.status
    const [rows, dismissals, analysis, lacking] = await Promise.all([
      rowsOf(ctx, stored),
      Dismissals.held(ctx),
      ctx.tables.analyses.get(ctx.orgId, 'resources'),
      ctx.tables.recommendations.count(ctx.orgId, 'insufficient_data'),
    ])
    const wanted = rows
      // One that is dismissed no more competes again with the next analysis.
      .filter((row) => row.isChosen || input.status === 'dismissed')
      .filter((row) => isWanted(row, input))
      .toSorted(input.sortBy === 'savings' ? bySavings(await ratesOf(ctx, ctx.currency)) : orders[input.sortBy])
      .map((row) => publicOf(row, dismissals))
      .filter(({ status }) => status === input.status)
    const skipped = (input.page - 1) * input.pageSize
    const byCategory = Map.groupBy(wanted, ({ category }) => category)
    return {
      recommendations: wanted.slice(skipped, skipped + input.pageSize),
      summary: {
        count: wanted.length,
        savings: sumsOf(wanted),
        savingsAtMost: sumsOf(wanted, true),
        categories: categories.flatMap((category: Category) => {
          const own = byCategory.get(category)
          return own ? [{ category, count: own.length, savings: sumsOf(own) }] : []
        }),
        insufficientData: lacking,
        analyzedAt: analysis?.report?.at ?? null,
        resources: analysis?.report?.resources ?? 0,
        leftOut: analysis?.report?.leftOut ?? 0,
      },
      pagination: paginationOf(input, wanted.length),
    }
  },
)

/** Those that compete for their resource by the last analysis; dismissed ones are among them. */
export async function activeOnes(ctx: Context): Promise<Info[]> {
  return (await rowsOf(ctx, 'active')).filter(({ isChosen }) => isChosen)
}

async function rowsOf({ tables, orgId, now }: Context, status: Info['status']): Promise<Info[]> {
  const seconds = now().getTime() / 1000
  const rows: Info[] = []
  for await (const row of walk((page) => tables.recommendations.byStatus(orgId, status, page)))
    // The index lags behind the item.
    if (row.status === status && (row.expiresAt ?? Infinity) > seconds) rows.push(row)
  return rows
}

function isWanted(row: Info, input: z.output<typeof Filter>): boolean {
  const { category, riskLevel, minSavings, provider, accountId, region, rule, resourceId } = input
  const amount = row.found?.saving.amount
  return (
    (category === undefined || row.category === category) &&
    (riskLevel === undefined || row.found?.risk === riskLevel) &&
    (minSavings === undefined || (amount !== undefined && Money.parse(amount).gte(String(minSavings)))) &&
    (provider === undefined || row.cloud === provider) &&
    (accountId === undefined || row.accountId === accountId) &&
    (region === undefined || row.region === region) &&
    (rule === undefined || row.rule === rule) &&
    (resourceId === undefined || row.resources.some(({ id }) => id.toLowerCase() === resourceId.toLowerCase()))
  )
}

const exactOf = (text = '0') => Money.parse(text)
const byCost = (a: Info, b: Info) =>
  exactOf(b.resources[0]?.cost).cmp(exactOf(a.resources[0]?.cost)) || (a.id < b.id ? -1 : 1)
const byPriority = (a: Info, b: Info) => exactOf(b.found?.priority).cmp(exactOf(a.found?.priority)) || byCost(a, b)
const riskOf = ({ found }: Info) => (found ? levels.indexOf(found.risk) : levels.length)

/** In one currency. */
const bySavings = (rateOf: RateOf) => (a: Info, b: Info) =>
  worthOf(b, rateOf).cmp(worthOf(a, rateOf)) || byPriority(a, b)

const orders: Record<Exclude<z.output<typeof Filter>['sortBy'], 'savings'>, (a: Info, b: Info) => number> = {
  priority: byPriority,
  age: (a, b) => (a.foundAt === b.foundAt ? byPriority(a, b) : a.foundAt < b.foundAt ? -1 : 1),
  risk: (a, b) => riskOf(a) - riskOf(b) || byPriority(a, b),
}

function sumsOf(all: readonly Public[], areAtMost = false): z.infer<typeof Sums> {
  const priced = all.filter(
    ({ estimatedSavingsMonthlyExact: amount, savingsAreAtMost }) => amount !== null && savingsAreAtMost === areAtMost,
  )
  const byCurrency = Map.groupBy(priced, ({ currency }) => currency ?? '')
  return [...byCurrency]
    .filter(([currency]) => currency !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, own]) => {
      const sum = Money.sum(own.map(({ estimatedSavingsMonthlyExact }) => exactOf(estimatedSavingsMonthlyExact ?? '0')))
      return { currency, monthly: Money.toNumber(sum), monthlyExact: Money.plain(sum) }
    })
}

const ById = z.strictObject({ id: text })

export const get = command('recommendations.get', ById, 'read:recommendations', async (ctx, { id }) =>
  publicOf(await load(ctx, id), await Dismissals.held(ctx)),
)

export const preview = command('recommendations.preview', ById, 'read:recommendations', async (ctx, { id }) =>
  previewOf(await loadFound(ctx, id)),
)

const Dismissing = ById.extend({
  reason: z.string().min(1).max(2_000),
  permanent: z.boolean().default(false).describe('For ever. Otherwise until `until`, by default 90 days.'),
  until: Day.optional().describe('The first day on which it counts again.'),
  scope: z
    .enum(Dismissals.scopes)
    .default('resource')
    .describe('`rule_here`: its rule, in its account. `rule_everywhere`: its rule, in all accounts.'),
})

const defaultDays = 90
const dayMs = 86_400_000

export const dismiss = change(
  'recommendations.dismiss',
  Dismissing,
  'dismiss:recommendations',
  async (ctx, { id, reason, permanent, until, scope }, note): Promise<Public> => {
    const info = await loadFound(ctx, id)
    const now = ctx.now()
    const today = now.toISOString().slice(0, 10)
    if (permanent && until !== undefined) throw invalid('until', 'The day', 'cannot be given with permanent=true')
    if (until !== undefined && until <= today) throw invalid('until', 'The day', 'must lie in the future')
    const { rule, accountId, resourceId } = Dismissals.advised(info)
    const ends = until ?? new Date(now.getTime() + defaultDays * dayMs).toISOString().slice(0, 10)
    const made: Dismissals.Info = {
      id: ctx.newId('dis'),
      rule,
      ...(scope !== 'rule_everywhere' && { accountId }),
      ...(scope === 'resource' && { resourceId: resourceId.toLowerCase() }),
      reason,
      ...(!permanent && { until: ends }),
      createdAt: now.toISOString(),
      createdBy: ctx.actor.id,
    }
    await ctx.tables.dismissals.put(ctx.orgId, made, [event(ctx, 'judgement.changed', {})])
    note({ resourceType: 'recommendation', resourceId: id, after: { ...made } })
    // The newest of several is shown.
    return publicOf(info, [made])
  },
)

/** Removes all dismissals that cover it, also those of its whole rule. */
export const reopen = change(
  'recommendations.reopen',
  ById,
  'dismiss:recommendations',
  async (ctx, { id }, note): Promise<Public> => {
    const info = await load(ctx, id)
    const removed = Dismissals.covering(await Dismissals.held(ctx), Dismissals.advised(info))
    for (const dismissal of removed)
      await ctx.tables.dismissals.remove(ctx.orgId, dismissal.id, [event(ctx, 'judgement.changed', {})])
    note({ resourceType: 'recommendation', resourceId: id, before: { dismissals: removed.map((one) => one.id) } })
    return publicOf(info, [])
  },
)

/** The active ones on each of some resources. */
export async function ofResources(
  ctx: Context,
  resources: readonly Parameters<typeof prefixOf>[1][],
): Promise<Public[][]> {
  const dismissals = await Dismissals.held(ctx)
  return await Promise.all(
    resources.map(async (resource) => {
      const rows = await ctx.tables.recommendations.all(ctx.orgId, prefixOf(ctx.orgId, resource))
      return rows
        .filter(({ isChosen }) => isChosen)
        .toSorted(byPriority)
        .map((row) => publicOf(row, dismissals))
        .filter(({ status }) => status === 'active')
    }),
  )
}
