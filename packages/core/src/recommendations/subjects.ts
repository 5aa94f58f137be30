import { completeUntil, filesFor } from '../costs/scope.ts'
import type { Context } from '../effects/context.ts'
import type { Queries, ResourceRow } from '../effects/queries.ts'
import { addDays, addMonths, daysIn, monthOf, monthSpan } from '../kernel/calendar.ts'
import { clouds, isOfCloud } from '../kernel/cloud.ts'
import { keyOfKind } from '../kernel/partition.ts'
import { resourceKinds, type Resource, type ResourceKind } from '../kernel/resource.ts'
import * as Snapshot from '../lake/snapshot.ts'
import * as View from '../resources/resource-view.ts'
import {
  type Charge,
  commitmentCost,
  committedUseOf,
  isOffHour,
  knownShare,
  leastHours,
  monthlyCost,
  type OwnPrice,
  ownPrices,
  type Settings,
  type Subject,
  type Utilization,
  variantOf,
} from '../rules/index.ts'
import { hoursRun, type HoursRun, resizedAt, stateSince } from './running.ts'

/** Of the rows that the lake answers; more are left out, the cheapest first. */
const mostCharges = 500_000
const mostResources = 200_000
const mostChanges = 500_000
/** Of an account; see `compare` of the lake. */
const keptChanges = 50_000
/** Resources whose hours are sorted at once. */
const bucketSize = 5000
const windowHours = 14 * 24
const hourMs = 3_600_000

/** What the rules look at. */
export interface Judged {
  subjects: Subject[]
  own: OwnPrice[]
  unread: NonNullable<Settings['unread']>
}

/** Which resources, by default all, and whether their histories and their utilization are read. */
interface Wanted {
  kinds?: readonly ResourceKind[]
  /** Ids or aliases in lower case. */
  ids?: readonly string[]
  history?: boolean
  utilization?: boolean
}

/** Resources of the organization, with their utilization of 14 days and their costs of 30. */
export async function subjectsOf(ctx: Context, wanted: Wanted = {}): Promise<Judged> {
  const { kinds = resourceKinds, ids: named, history = true, utilization = true } = wanted
  const filter = { kinds, ...(named && { ids: [...named] }) }
  const { rows, total } = await View.resourcesOf(ctx, filter, { limit: mostResources, offset: 0 })
  if (total > rows.length) ctx.log.warn('resources were left out of the analysis', { count: total - rows.length })
  const accounts = await accountsOf(ctx, rows)
  const until = Math.floor(ctx.now().getTime() / hourMs) * hourMs
  const organization = await ctx.tables.organizations.get(ctx.orgId, ctx.orgId)
  const window = windowUntil(until, organization?.timeZone)
  const { histories, cutAccounts } =
    history || utilization ? await historiesOf(ctx, window.end) : { histories: noHistories, cutAccounts: new Set() }
  const runs = new Map<string, ({ id: string } & HoursRun)[]>()
  for (const row of rows) {
    const run = hoursRun(row.status, histories.get(keyOf(row)) ?? [], window)
    if (run) listIn(runs, accountKey(row)).push({ id: row.id.toLowerCase(), ...run })
  }
  const measured = utilization ? await utilizationOf(ctx, accounts, window, runs) : new Map<string, Levels>()
  const charges = await chargesOf(ctx)
  const byName = Map.groupBy(charges, billedKey)
  const ids = new Set(rows.map(keyOf))
  const billOfCommitment = await commitmentBillsOf(ctx, rows)
  const variants = new Map<string, string>()
  const subjects = rows.map((row): Subject => {
    const { provider: cloud, accountId, status } = row
    const key = keyOf(row)
    const resource = resourceOf(row)
    const variant = variantOf({ ...resource, cloud, accountId })
    // Names such as that of a database are unique for one kind only: an id wins.
    const aliases = (resource.aliases ?? []).map((id) => keyOf({ ...row, id })).filter((alias) => !ids.has(alias))
    const names = [...new Set([key, ...aliases])]
    if (variant !== undefined) for (const name of names) variants.set(name, variant)
    const billed: Billed =
      row.kind === 'commitment'
        ? billOfCommitment({ ...resource, accountId })
        : { cost: monthlyCost(names.flatMap((name) => byName.get(name) ?? []).map(chargeOf)) }
    const account = accountKey(row)
    const connectedAt = cutAccounts.has(account) ? undefined : accounts.get(account)?.connectedAt
    const since = stateSince(histories.get(key), connectedAt, ctx.now())
    const resized = resizedAt(histories.get(key))
    const { all, off } = measured.get(key) ?? {}
    return {
      ...resource,
      cloud,
      accountId,
      status,
      ...since,
      ...(resized !== undefined && { resizedAt: resized }),
      ...(all && { utilization: all }),
      ...(off && { offHours: off }),
      ...(billed.cost && { cost: billed.cost }),
      ...(billed.unused && { unused: billed.unused }),
    }
  })
  const own = ownPrices(
    charges.map((row) => {
      const variant = variants.get(billedKey(row))
      return { ...chargeOf(row), ...(variant !== undefined && { variant }) }
    }),
  )
  return { subjects, own, unread: await unreadOf(ctx) }
}

interface Window {
  start: string
  end: string
  /** Those outside of working time, in ISO time. */
  offHours: ReadonlySet<string>
}

function windowUntil(end: number, timeZone: string | undefined): Window {
  const start = end - windowHours * hourMs
  const hours = Array.from({ length: windowHours }, (_, hour) => new Date(start + hour * hourMs).toISOString())
  const offHours = new Set(hours.filter((hour) => isOffHour(hour, timeZone)))
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString(), offHours }
}

type Named = Pick<ResourceRow, 'provider' | 'accountId' | 'id'>

const keyOf = ({ provider, accountId, id }: Named) => `${provider} ${accountId} ${id}`.toLowerCase()
const accountKey = ({ provider, accountId }: Omit<Named, 'id'>) => `${provider}/${accountId}`
const billedKey = (row: ChargeRow) =>
  keyOf({ provider: cloudOf(row.provider) ?? 'aws', accountId: row.account, id: row.id ?? '' })

function listIn<Item>(lists: Map<string, Item[]>, key: string): Item[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

const cloudOf = (provider: string) => clouds.find((cloud) => isOfCloud(provider, cloud))

type ChargeRow = Queries['resourceCharges']['row']

function chargeOf(row: ChargeRow): Charge {
  const { provider, region, meter, service, currency, effective, list, quantity, commitmentId, commitmentStatus } = row
  return {
    cloud: cloudOf(provider) ?? 'aws',
    region: region ?? '',
    meter: meter ?? '',
    service: service ?? '',
    currency,
    effectiveCost: effective,
    listCost: list,
    quantity,
    commitmentId,
    commitmentStatus,
  }
}

type Billed = { [Name in 'cost' | 'unused']?: Subject[Name] | undefined }

/** By the id of a commitment, in the currency of the most, in the last month that the bills have in full. */
async function commitmentBillsOf(
  ctx: Context,
  resources: readonly ResourceRow[],
): Promise<(commitment: Resource & { accountId: string }) => Billed> {
  const view = await Snapshot.view(ctx)
  const end = completeUntil(view)
  const commitments = resources.filter(({ kind }) => kind === 'commitment')
  if (end === null || commitments.length === 0) return () => ({})
  const month = monthSpan(addMonths(monthOf(addDays(end, 1)), -1))
  const files = filesFor(ctx.orgId, view, month)
  const byId = Map.groupBy(await ctx.runtime.lake.query('commitmentCosts', files, month), ({ id }) => id)
  const isNeeded = commitments.some(({ provider }) => provider === 'gcp')
  const committed = isNeeded ? await ctx.runtime.lake.query('committedUse', files, month) : []
  const committedUse = committedUseOf(
    committed.map(({ fee, accounts, ...row }) => ({
      ...row,
      isFee: fee === 1,
      accounts: JSON.parse(accounts) as string[],
    })),
  )
  return (commitment) => {
    for (const id of [commitment.id, ...(commitment.aliases ?? [])]) {
      const [first] = byId.get(id.toLowerCase()) ?? []
      const cloud = first && cloudOf(first.provider)
      const cost = cloud && commitmentCost(cloud, first, daysIn(month))
      if (cost) return { cost }
    }
    return committedUse(commitment) ?? {}
  }
}

async function chargesOf(ctx: Context): Promise<ChargeRow[]> {
  const view = await Snapshot.view(ctx)
  const end = completeUntil(view)
  if (end === null) return []
  const span = { start: addDays(end, 1 - View.costDays), end }
  const asked = { ...span, most: mostCharges }
  const rows = await ctx.runtime.lake.query('resourceCharges', filesFor(ctx.orgId, view, span), asked)
  const known = rows.filter(({ provider }) => cloudOf(provider) !== undefined)
  if (rows.length === mostCharges) ctx.log.warn('charges were left out of the analysis', { count: mostCharges })
  return known
}

function resourceOf(row: ResourceRow): Resource {
  const { id, kind, status, region, name, type, zone, createdAt, sizeGb, iops, attachedTo, tags } = row
  const known = Object.entries({ name, type, zone, createdAt, sizeGb, iops, attachedTo }).filter(
    ([, value]) => value !== null,
  )
  const aliases = View.listOf(row.aliases)
  return {
    id,
    kind,
    status,
    region,
    ...(Object.fromEntries(known) as Partial<Resource>),
    ...(aliases.length > 0 && { aliases }),
    ...(tags !== null && { tags: JSON.parse(tags) as Record<string, string> }),
    configuration: JSON.parse(row.configuration) as Record<string, unknown>,
  }
}

interface Account {
  provider: ResourceRow['provider']
  accountId: string
  resources: number
  connectedAt?: string
}

async function accountsOf(ctx: Context, rows: readonly ResourceRow[]): Promise<Map<string, Account>> {
  const connected = await ctx.tables.cloudAccounts.all(ctx.orgId)
  const grouped = Map.groupBy(rows, accountKey)
  return new Map(
    [...grouped].flatMap(([key, own]) => {
      const [first] = own
      if (!first) return []
      const { provider, accountId } = first
      const connectedAt = connected.find(
        (each) => each.provider === provider && each.accountId === accountId,
      )?.createdAt
      const account = { provider, accountId, resources: own.length, ...(connectedAt !== undefined && { connectedAt }) }
      return [[key, account] as const]
    }),
  )
}

interface Histories {
  /** By `keyOf`, the newest first. */
  histories: Map<string, Queries['resourceChanges']['row'][]>
  /** Accounts that had more changes than are kept: without a change, nobody knows since when a state has lasted. */
  cutAccounts: Set<string>
}

const noHistories: Histories['histories'] = new Map()

/** The changes of each resource in the last 90 days. */
async function historiesOf(ctx: Context, end: string): Promise<Histories> {
  const changes = await View.changesOf(ctx, { start: '', end, limit: mostChanges })
  const byAccount = Map.groupBy(changes, accountKey)
  const cut = [...byAccount].filter(([, own]) => own.length >= keptChanges || changes.length === mostChanges)
  return { histories: Map.groupBy(changes, keyOf), cutAccounts: new Set(cut.map(([account]) => account)) }
}

interface Levels {
  all?: Utilization
  off?: Utilization
}

async function utilizationOf(
  ctx: Context,
  accounts: ReadonlyMap<string, Account>,
  { start, end, offHours: off }: Window,
  runs: ReadonlyMap<string, readonly object[]>,
): Promise<Map<string, Levels>> {
  const offHours = JSON.stringify([...off])
  const found = new Map<string, Levels>()
  for (const [account, { provider, accountId, resources }] of accounts) {
    const expected = JSON.stringify(runs.get(account) ?? [])
    const view = await Snapshot.currentView(ctx, 'utilization', [keyOfKind('utilization', provider, accountId, '')])
    const snapshots = view.snapshots.filter(({ day }) => day >= start.slice(0, 10))
    const files = Snapshot.filesOf(ctx.orgId, view, snapshots)
    const buckets = Math.ceil(resources / bucketSize)
    for (let bucket = 0; bucket < buckets; bucket++) {
      const asked = { start, end, bucket, buckets, expected, hours: windowHours, offHours, knownShare }
      for (const row of await ctx.runtime.lake.query('utilizationLevels', files, asked))
        addLevel(found, keyOf({ provider, accountId, id: row.id }), row)
    }
  }
  return found
}

function addLevel(found: Map<string, Levels>, key: string, row: Queries['utilizationLevels']['row']): void {
  const { metric, off, average, p99, peakP99, maximum, hours, hoursExpected } = row
  const levels = found.get(key) ?? {}
  const own = off === 1 ? (levels.off ??= {}) : (levels.all ??= {})
  const isKnown = p99 !== null && peakP99 !== null && hoursExpected >= leastHours
  const known = isKnown ? { p99, peakP99 } : {}
  own[metric] = { average, ...known, maximum, hours, hoursExpected }
  found.set(key, levels)
}

/** What APIs are called that read the kinds whose lack rules find. */
export const neededParts: readonly (readonly [ResourceKind, RegExp])[] = [
  ['instance', /instances|virtualMachines/i],
  ['volume', /volumes|disks/i],
  ['image', /images/i],
  ['database', /rds:|sql|db/i],
]

async function unreadOf(ctx: Context): Promise<NonNullable<Settings['unread']>> {
  const sources = (await ctx.tables.sources.all(ctx.orgId)).filter(({ kind }) => kind === 'inventory')
  return sources.flatMap(({ accountId, problems }) =>
    neededParts
      // A region that cannot be read has the name of no API.
      .filter(([, pattern]) => problems.some(({ part }) => pattern.test(part) || !/[:/]/.test(part)))
      .map(([kind]) => ({ accountId, kind })),
  )
}
