import * as z from 'zod'
import * as CloudAccount from '../accounts/cloud-account.ts'
import type { Access } from '../effects/clouds.ts'
import { type Context, expiryIn } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Found, Given } from './collection.ts'
import { collectBills, collectCosts } from './bills.ts'
import { collectInventory } from './inventory.ts'
import * as Ledger from './ledger.ts'
import { createMeter } from './meter.ts'
import * as Source from './source.ts'
import type * as Sync from './sync.ts'
import { collectUtilization } from './utilization.ts'

export const Input = z.object({ sourceId: z.string(), ticket: z.string() })

const collectors: Record<Source.Kind, (ctx: Context, given: Given) => Promise<Found>> = {
  bills: collectBills,
  costs: collectCosts,
  inventory: collectInventory,
  utilization: collectUtilization,
}

const timeLimitMs = 14 * 60_000
const keptSeconds = 90 * 24 * 3600

/** One collection. A failed one keeps the last good data, and is repeated later and later. */
export async function run(ctx: Context, { sourceId, ticket }: z.output<typeof Input>): Promise<void> {
  const begun = await begin(ctx, sourceId, ticket)
  if (!begun) return
  const { source, account } = begun
  const startedAt = ctx.now().toISOString()
  const syncId = source.syncId ?? ''
  const signal = AbortSignal.timeout(timeLimitMs)
  const meter = createMeter(ctx, signal)
  const regions = isAllDue(ctx, source) ? undefined : source.regions
  const problems: Source.Problem[] = []
  const report: Access['report'] = (problem) => void problems.push(problem)
  let found: Found = { isNew: false, rows: 0, imports: [] }
  let hasFailed = false
  try {
    const credentials = await CloudAccount.credentialsOf(ctx, account)
    const access: Access = { credentials, meter, report, signal, now: ctx.now, ...(regions && { regions }) }
    found = await collectors[source.kind](ctx, { account, source, syncId, access, problems })
  } catch (error) {
    hasFailed = true
    problems.push(problemOf(source, error, signal))
    if (!(error instanceof Fault || signal.aborted)) ctx.log.error('a collection failed', { sourceId, error })
  }
  const calls = meter.calls()
  const status = hasFailed ? 'failed' : problems.length > 0 ? 'partial' : 'succeeded'
  const sync: Sync.Info = {
    id: `${account.id}/${syncId}`,
    provider: source.provider,
    kind: source.kind,
    startedAt,
    endedAt: ctx.now().toISOString(),
    status,
    rows: found.rows,
    bytes: Object.values(calls).reduce((sum, { bytes }) => sum + bytes, 0),
    calls,
    usd: Ledger.usdOf(calls),
    imports: found.imports,
    ...(found.lakeVersion !== undefined && { lakeVersion: found.lakeVersion }),
    problems: sorted(problems),
  }
  await end(ctx, source, sync, { ...found, isWide: regions === undefined })
}

const mostProblems = 100

/** Each once and in one order, so that the same problems are the same. */
function sorted(problems: readonly Source.Problem[]): Source.Problem[] {
  const byKey = new Map(problems.map((problem) => [`${problem.part} ${problem.state} ${problem.message}`, problem]))
  const keys = [...byKey.keys()].toSorted().slice(0, mostProblems)
  return keys.flatMap((key) => byKey.get(key) ?? [])
}

const allRegionsMs = 24 * 3600 * 1000

/** A region without resources is read once a day. */
function isAllDue(ctx: Context, { allRegionsAt }: Source.Info): boolean {
  return allRegionsAt === undefined || ctx.now().getTime() - Date.parse(allRegionsAt) >= allRegionsMs
}

/** Claims the source for this message. */
async function begin(ctx: Context, sourceId: string, ticket: string) {
  const { sources, cloudAccounts } = ctx.tables
  const known = await sources.get(ctx.orgId, sourceId)
  if (!known) return undefined
  const account = await cloudAccounts.get(ctx.orgId, known.cloudAccountId)
  if (!account || account.removedAt !== undefined) {
    await sources.remove(ctx.orgId, sourceId)
    return undefined
  }
  const syncId = ctx.newId('syn')
  const { before, after } = await sources.update(ctx.orgId, sourceId, ({ ticket: expected, ...source }) => {
    if (expected !== ticket) return undefined
    // The process of the last collection was killed.
    const failures = source.syncId === undefined ? source.failures : source.failures + 1
    return { ...source, failures, syncId, dueAt: Source.givenUpAt(ctx, { failures }) }
  })
  return before === after ? undefined : { source: after, account }
}

/** Writes the collection, if it matters to people, then what follows for the source. */
async function end(
  ctx: Context,
  source: Source.Info,
  sync: Sync.Info,
  found: Found & { isWide: boolean },
): Promise<void> {
  const { sources, syncs, cloudAccounts } = ctx.tables
  // Another collection took over.
  if ((await sources.get(ctx.orgId, source.id))?.syncId !== source.syncId) return
  const isSame = JSON.stringify(sync.problems) === JSON.stringify(source.problems)
  const isRecorded = found.isNew || !isSame || source.lastSuccessAt === undefined
  const uncounted = Ledger.sum(source.uncounted, sync.calls)
  const isOtherDay = source.lookedAt?.slice(0, 10) !== sync.endedAt.slice(0, 10)
  const isCounted = isRecorded || isOtherDay
  if (isRecorded) await syncs.put(ctx.orgId, { ...sync, expiresAt: expiryIn(ctx, keptSeconds) })
  if (isCounted) await Ledger.add(ctx, source.cloudAccountId, sync.id, uncounted)
  const hasFailed = sync.status === 'failed'
  const isFirst = hasFailed && source.failingSince === undefined
  const failed = event(ctx, 'sync.failed', { sourceId: source.id, syncId: sync.id }, `sync.failed/${sync.id}`)
  // Resources can be judged as soon as their use is known.
  const isKnown = found.isNew && source.kind === 'utilization' && source.lastSuccessAt === undefined
  const known = event(ctx, 'judgement.changed', {}, `judgement.changed/${sync.id}`)
  await sources.update(
    ctx.orgId,
    source.id,
    (current) => {
      if (current.syncId !== source.syncId) return undefined
      const { syncId: _, dueAt: __, uncounted: ___, failingSince, ...kept } = current
      const failures = hasFailed ? kept.failures + 1 : 0
      return {
        ...kept,
        lookedAt: sync.endedAt,
        failures,
        problems: sync.problems,
        ...(hasFailed && { failingSince: failingSince ?? sync.startedAt }),
        ...(!hasFailed && !found.isTooEarly && { lastSuccessAt: sync.endedAt }),
        ...(found.deliveries && { deliveries: found.deliveries }),
        ...(found.unreadDays && { unreadDays: found.unreadDays }),
        ...(found.payerId !== undefined && { payerId: found.payerId }),
        ...regionsOf(kept, sync, found),
        ...(found.isLast !== true && { dueAt: nextAt(ctx, sync, kept, failures) }),
        ...(!isCounted && { uncounted }),
      }
    },
    isFirst ? [failed] : isKnown ? [known] : [],
  )
  if (hasFailed || !found.isNew) return
  await cloudAccounts.update(ctx.orgId, source.cloudAccountId, (account) =>
    account.removedAt === undefined ? { ...account, lastSync: sync.endedAt, version: account.version + 1 } : undefined,
  )
  // Utilization is measured of known resources, of which there were none before.
  if (source.kind === 'inventory' && source.lastSuccessAt === undefined)
    await Source.request(ctx, Source.idOf(source.cloudAccountId, 'utilization'), Source.isFree)
}

/** A region whose rows were kept, because it could not be read, stays among those that are read. */
function regionsOf({ regions: known = [] }: Partial<Source.Info>, sync: Sync.Info, found: Found & { isWide: boolean }) {
  if (!found.regions) return {}
  const isWhole = found.isWide && sync.problems.length === 0
  const regions = isWhole ? found.regions : [...new Set([...known, ...found.regions])].toSorted()
  return { regions, ...(found.isWide && { allRegionsAt: sync.startedAt }) }
}

const scheduleMinutes = 5
const mostBackoffMinutes = 24 * 60

// An account of which another account has the bill is asked less often whether it has an export now.
const noExportMinutes = 60

function nextAt(
  ctx: Context,
  { problems }: Sync.Info,
  { everyMinutes: asked, id }: Pick<Source.Info, 'everyMinutes' | 'id'>,
  failures: number,
): string {
  const hasNoExport = problems.some(({ state }) => state === 'no_export')
  const everyMinutes = hasNoExport ? Math.max(asked, noExportMinutes) : asked
  const minutes = Math.max(everyMinutes, Math.min(mostBackoffMinutes, everyMinutes * 2 ** Math.min(failures, 20)))
  // Spread over the period, so that accounts that were connected together are not collected together.
  const spread = (sumOf(id) % 100) / 100
  // Otherwise a source of 5 minutes just misses every second run of the schedule.
  const early = failures === 0 ? scheduleMinutes / 2 : 0
  const jitter = failures === 0 ? Math.min(everyMinutes, 60) * 0.05 * spread : minutes * 0.1 * spread
  return new Date(ctx.now().getTime() + (minutes + jitter - early) * 60_000).toISOString()
}

function sumOf(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => sum + byte, 0)
}

/** The reason of a failure, as the owner of the account reads it. */
function problemOf({ kind, provider }: Source.Info, error: unknown, signal: AbortSignal): Source.Problem {
  const part = `${provider}:${kind}`
  if (isFault(error, 'forbidden')) return { state: 'credentials_refused', part, message: error.message }
  if (isFault(error, 'rate_limited')) return { state: 'throttled', part, message: error.message }
  if (error instanceof Fault) return { state: 'unavailable', part, message: error.message }
  if (signal.aborted)
    return { state: 'throttled', part, message: 'The cloud took too long to answer. The collection is tried again.' }
  const message = 'The collection failed by an error of the product, and is tried again. The last good data stay.'
  return { state: 'unavailable', part, message }
}
