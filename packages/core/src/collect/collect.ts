import * as z from 'zod'
import * as CloudAccount from '../accounts/cloud-account.ts'
import type { Access } from '../effects/clouds.ts'
import { type Context, expiryIn } from '../effects/context.ts'
import { event } from '../effects/relay.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Found, Given } from './collection.ts'
import { collectBills } from './bills.ts'
import { collectInventory } from './inventory.ts'
import * as Ledger from './ledger.ts'
import { createMeter } from './meter.ts'
import type * as Source from './source.ts'
import type * as Sync from './sync.ts'
import { collectUtilization } from './utilization.ts'

export const Input = z.object({ sourceId: z.string(), ticket: z.string() })

const collectors: Record<Source.Kind, (ctx: Context, given: Given) => Promise<Found>> = {
  bills: collectBills,
  costs: collectBills,
  inventory: collectInventory,
  utilization: collectUtilization,
}

// Longer than the time limit of the function.
const claimMs = 20 * 60_000
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
  const problems: Source.Problem[] = []
  const report: Access['report'] = (problem) => void problems.push(problem)
  let found: Found = { isNew: false, rows: 0, imports: [] }
  let hasFailed = false
  try {
    const credentials = await CloudAccount.credentialsOf(ctx, account)
    const access: Access = { credentials, meter, report, signal, now: ctx.now }
    found = await collectors[source.kind](ctx, { account, source, syncId, access, problems })
  } catch (error) {
    hasFailed = true
    problems.push(problemOf(source, error))
    if (!(error instanceof Fault)) ctx.log.error('a collection failed', { sourceId, error })
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
    problems,
  }
  await end(ctx, source, sync, found)
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
  const dueAt = new Date(ctx.now().getTime() + claimMs).toISOString()
  const { before, after } = await sources.update(ctx.orgId, sourceId, ({ ticket: expected, ...source }) =>
    expected === ticket ? { ...source, syncId, dueAt } : undefined,
  )
  return before === after ? undefined : { source: after, account }
}

/** Writes the collection, if it matters to people, then what follows for the source. */
async function end(ctx: Context, source: Source.Info, sync: Sync.Info, found: Found): Promise<void> {
  const { sources, syncs, cloudAccounts } = ctx.tables
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
        ...(hasFailed ? { failingSince: failingSince ?? sync.startedAt } : { lastSuccessAt: sync.endedAt }),
        ...(found.deliveries && { deliveries: found.deliveries }),
        ...(found.isLast !== true && { dueAt: nextAt(ctx, kept, failures) }),
        ...(!isCounted && { uncounted }),
      }
    },
    isFirst ? [failed] : [],
  )
  if (hasFailed || !found.isNew) return
  await cloudAccounts.update(ctx.orgId, source.cloudAccountId, (account) =>
    account.removedAt === undefined ? { ...account, lastSync: sync.endedAt, version: account.version + 1 } : undefined,
  )
}

const mostBackoffMinutes = 24 * 60

/** A request that came meanwhile is answered by the next collection. */
function nextAt(
  ctx: Context,
  { everyMinutes, id }: Pick<Source.Info, 'everyMinutes' | 'id'>,
  failures: number,
): string {
  const minutes = Math.max(everyMinutes, Math.min(mostBackoffMinutes, everyMinutes * 2 ** Math.min(failures, 20)))
  // Spread over the period, so that accounts that were connected together are not collected together.
  const spread = (sumOf(id) % 100) / 100
  const jitter = failures === 0 ? Math.min(everyMinutes, 60) * 0.05 * spread : minutes * 0.1 * spread
  return new Date(ctx.now().getTime() + (minutes + jitter) * 60_000).toISOString()
}

function sumOf(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => sum + byte, 0)
}

/** The reason of a failure, as the owner of the account reads it. */
function problemOf({ kind, provider }: Source.Info, error: unknown): Source.Problem {
  const part = `${provider}:${kind}`
  if (isFault(error, 'forbidden')) return { state: 'credentials_refused', part, message: error.message }
  if (isFault(error, 'rate_limited')) return { state: 'throttled', part, message: error.message }
  if (error instanceof Fault) return { state: 'unavailable', part, message: error.message }
  const message = 'The collection failed by an error of the product, and is tried again. The last good data stay.'
  return { state: 'unavailable', part, message }
}
