import { completeUntil, filesFor, usualCurrency } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import type { Queries, ResourceFilter, ResourceRow } from '../effects/queries.ts'
import { addDays, type Day, dayOf } from '../kernel/calendar.ts'
import { parse, plain, sum, toNumber } from '../kernel/money.ts'
import { keyOfKind } from '../kernel/partition.ts'
import { resourceKinds, type UtilizationMetric } from '../kernel/resource.ts'
import * as Snapshot from '../lake/snapshot.ts'

/** Days of costs, ending with the last complete one, and of utilization, ending today. */
export const costDays = 30
export const utilizationDays = 14

export interface ResourceCost {
  amount: string
  currency: string
}

export interface ResourceCosts {
  byId: ReadonlyMap<string, Queries['resourceCosts']['row'][]>
  span: { start: Day; end: Day } | undefined
  usual: string
  /** In lower case: ids of other resources that these have as names, such as a database that is called like a bucket. */
  taken: ReadonlySet<string>
}

/** A page of resources of all accounts, and their number. */
export async function resourcesOf(
  ctx: Context,
  filter: ResourceFilter,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ rows: ResourceRow[]; total: number }> {
  const view = await Snapshot.view(ctx, { kind: 'inventory' })
  const snapshots = view.snapshots.filter(
    ({ provider, accountId }) =>
      (filter.provider === undefined || provider === filter.provider) &&
      (filter.accountId === undefined || accountId === filter.accountId),
  )
  const files = Snapshot.filesOf(ctx.orgId, view, snapshots)
  const { lake } = ctx.runtime
  const [rows, counted] = await Promise.all([
    lake.query('resources', files, { ...filter, limit, offset }),
    lake.query('resourceCount', files, filter),
  ])
  return { rows, total: counted[0]?.count ?? 0 }
}

export async function snapshotCounts(ctx: Context, ids: string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const view = await Snapshot.view(ctx, { kind: 'inventory' })
  const rows = await ctx.runtime.lake.query('snapshotCounts', Snapshot.filesOf(ctx.orgId, view), { ids })
  return new Map(rows.map(({ id, count }) => [id, count]))
}

/** The effective costs of the last complete days; none for callers who must not read costs. */
export async function costsOf(ctx: Context, resources: readonly ResourceRow[], byDay = false): Promise<ResourceCosts> {
  const view = await Snapshot.view(ctx)
  const end = completeUntil(view)
  const usual = ctx.currency ?? usualCurrency(view)
  const ids = namesOf(resources)
  if (end === null || ids.length === 0) return { byId: new Map(), span: undefined, usual, taken: new Set() }
  const span = { start: addDays(end, 1 - costDays), end }
  const [rows, taken] = await Promise.all([
    ctx.runtime.lake.query('resourceCosts', filesFor(ctx.orgId, view, span), { ids, ...span, byDay }),
    takenBy(ctx, resources),
  ])
  return { byId: Map.groupBy(rows, ({ id }) => id), span, usual, taken }
}

const mostTaken = 10_000

/** Which of their other names are ids; a path or an ARN belongs to one resource. */
async function takenBy(ctx: Context, resources: readonly ResourceRow[]): Promise<Set<string>> {
  const own = new Set(resources.map(({ id }) => id.toLowerCase()))
  const ids = namesOf(resources).filter((name) => !own.has(name) && !/[/:]/.test(name))
  if (ids.length === 0) return own
  const { rows } = await resourcesOf(ctx, { kinds: resourceKinds, ids }, { limit: mostTaken, offset: 0 })
  return new Set([...own, ...rows.map(({ id }) => id.toLowerCase())])
}

/** Under its id, and the names that are no other's id. */
function rowsOf({ byId, taken }: ResourceCosts, resource: ResourceRow): Queries['resourceCosts']['row'][] {
  const id = resource.id.toLowerCase()
  return namesOf([resource]).flatMap((name) => (name === id || !taken.has(name) ? (byId.get(name) ?? []) : []))
}

/** The sum under all names of a resource, in the usual currency or the one that it is billed in. */
export function costOf(costs: ResourceCosts, resource: ResourceRow): ResourceCost {
  const { usual } = costs
  const rows = rowsOf(costs, resource)
  const found = Map.groupBy(rows, ({ currency }) => currency)
  const currency = found.has(usual) ? usual : ([...found.keys()].toSorted()[0] ?? usual)
  return { currency, amount: plain(sum((found.get(currency) ?? []).map(({ cost }) => parse(cost)))) }
}

export const costFields = ({ amount, currency }: ResourceCost) => ({
  monthlyCost: toNumber(parse(amount)),
  monthlyCostExact: amount,
  currency,
})

export type Utilization = ReadonlyMap<string, Queries['utilization']['row'][]>

/** Of the last days, by resource in lower case. */
export async function utilizationOf(
  ctx: Context,
  resources: readonly ResourceRow[],
  byHour = false,
): Promise<Utilization> {
  const accounts = new Set(resources.map((each) => keyOfKind('utilization', each.provider, each.accountId, '')))
  if (accounts.size === 0) return new Map()
  const first = addDays(dayOf(ctx.now()), 1 - utilizationDays)
  const view = await Snapshot.currentView(ctx, 'utilization', [...accounts])
  const snapshots = view.snapshots.filter(({ day }) => day >= first)
  const ids = resources.map(({ id }) => id.toLowerCase())
  const files = Snapshot.filesOf(ctx.orgId, view, snapshots)
  return Map.groupBy(await ctx.runtime.lake.query('utilization', files, { ids, byHour }), ({ id }) => id)
}

export function averageOf(rows: Queries['utilization']['row'][] | undefined, metric: UtilizationMetric): number | null {
  const found = rows?.find((row) => row.metric === metric)
  return found ? round(found.average) : null
}

const bytesPerGb = 1e9

/** Of all hours, in both directions. */
export function networkGb(rows: Queries['utilization']['row'][] | undefined): number | null {
  const found = rows?.filter(({ metric }) => metric === 'network_in' || metric === 'network_out') ?? []
  return found.length === 0
    ? null
    : round(found.reduce((all, { average, hours }) => all + average * hours, 0) / bytesPerGb)
}

export const round = (value: number): number => Math.round(value * 100) / 100

/** All names that bills may have for them, in lower case. */
function namesOf(resources: readonly ResourceRow[]): string[] {
  return resources.flatMap(({ id, aliases }) => [id, ...listOf(aliases)].map((name) => name.toLowerCase()))
}

export const listOf = (json: string | null): string[] =>
  json === null ? [] : ((JSON.parse(json) as string[] | null) ?? [])

/** The costs of each day. */
export function historyOf(costs: ResourceCosts, resource: ResourceRow) {
  return rowsOf(costs, resource)
    .flatMap(({ day, currency, cost }) =>
      day === null ? [] : [{ day, currency, cost: toNumber(parse(cost)), costExact: plain(parse(cost)) }],
    )
    .toSorted((a, b) => (a.day < b.day ? -1 : 1))
}

/** Changes of resources (default all), of some accounts or all, the newest first. */
export async function changesOf(
  ctx: Context,
  asked: Queries['resourceChanges']['parameters'],
  isAsked: (account: { provider: string; accountId: string }) => boolean = () => true,
): Promise<Queries['resourceChanges']['row'][]> {
  const view = await Snapshot.view(ctx, { kind: 'inventory' })
  const files = Snapshot.filesOf(ctx.orgId, view, view.snapshots.filter(isAsked))
  return await ctx.runtime.lake.query('resourceChanges', files, asked)
}

/** The visible inventory that describes the resource. */
export async function snapshotOf(ctx: Context, { provider, accountId }: ResourceRow) {
  const { snapshots } = await Snapshot.view(ctx, { kind: 'inventory' })
  const found = snapshots.find((each) => each.provider === provider && each.accountId === accountId)
  if (!found) return null
  const { partition, snapshotId: id, lakeVersion } = found
  return { partition, id, lakeVersion, files: Snapshot.allFiles(found) }
}
