import { type Context, expiryIn } from '../effects/context.ts'
import { timerQueue } from '../effects/timers.ts'
import type { Trigger } from '../executions/request-input.ts'
import type { Event } from '../kernel/event.ts'
import { isWritten, onConflict } from '../kernel/fault.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    policyWakes: Table<Wake>
    policyBatches: Table<Batch>
  }
}

/** An event or a crossing that a policy waits for. */
export interface Wake {
  /** `{policy}/{event}` */
  id: string
  /** `waiting/{policy}` until an execution has it. */
  status: string
  trigger: Exclude<Trigger, { type: 'manual' | 'schedule' }>
  /** Only these, in lower case; default: all. */
  resourceIds?: string[]
  /** The list is cut: the lake has all changes. */
  inventory?: Pick<Event<'resource.changed'>['data'], 'provider' | 'accountId'> & { takenAt: string }
  expiresAt: number
}

/** What the next execution of a policy is for; it stays until the execution is requested. */
export interface Batch {
  /** Of the policy. */
  id: string
  /** Of the request. */
  key: string
  wakeIds: string[]
}

/** Events that come within it have one execution. */
const windowSeconds = 60
const mostWakes = 1000
const mostIds = 10_000
const mostChanges = 100_000
const keptSeconds = 30 * 24 * 3600

const waitingFor = (policyId: string) => `waiting/${policyId}`

/** Idempotent by the key: that of the event or of the crossing. */
export async function put(
  ctx: Context,
  policyId: string,
  key: string,
  given: Pick<Wake, 'trigger' | 'resourceIds' | 'inventory'>,
): Promise<void> {
  const wake: Wake = {
    id: `${policyId}/${key}`,
    status: waitingFor(policyId),
    ...given,
    expiresAt: expiryIn(ctx, keptSeconds),
  }
  await isWritten(ctx.tables.policyWakes.insert(ctx.orgId, wake))
  await wakeLater(ctx, policyId, windowSeconds)
}

async function wakeLater(ctx: Context, policyId: string, delaySeconds: number): Promise<void> {
  await ctx.runtime.queues.send(
    timerQueue,
    { policyId, trigger: { type: 'gathered' } },
    { orgId: ctx.orgId, delaySeconds },
  )
}

/** Wakes the policy if something waits: its last execution has ended. */
export async function wakeWaiting(ctx: Context, policyId: string): Promise<void> {
  const { ids } = await ctx.tables.policyWakes.ids(ctx.orgId, waitingFor(policyId), { limit: 1 })
  const isHeld = (await ctx.tables.policyBatches.get(ctx.orgId, policyId)) !== undefined
  if (ids.length > 0 || isHeld) await wakeLater(ctx, policyId, 0)
}

/** The batch of the policy with its wakes: the one that was begun, or a new one of all that waits. */
export async function batchOf(ctx: Context, policyId: string): Promise<{ batch: Batch; wakes: Wake[] } | undefined> {
  const { policyBatches } = ctx.tables
  const held = await policyBatches.get(ctx.orgId, policyId)
  if (held) return { batch: held, wakes: await loaded(ctx, held.wakeIds) }
  // The index may still have wakes that were taken.
  const { ids } = await ctx.tables.policyWakes.ids(ctx.orgId, waitingFor(policyId), { limit: mostWakes })
  const waiting = (await loaded(ctx, ids)).filter(({ status }) => status === waitingFor(policyId))
  let sum = 0
  const wakes = waiting.filter(({ resourceIds = [] }, index) => (sum += resourceIds.length) <= mostIds || index === 0)
  if (wakes.length === 0) return undefined
  const key = `${policyId}/gathered/${ctx.newId('wak')}`
  const batch = { id: policyId, key, wakeIds: wakes.map(({ id }) => id) }
  if (await isWritten(policyBatches.insert(ctx.orgId, batch))) return { batch, wakes }
  return await batchOf(ctx, policyId)
}

async function loaded({ tables, orgId }: Context, ids: readonly string[]): Promise<Wake[]> {
  const found = await Promise.all(ids.map(async (id) => await tables.policyWakes.get(orgId, id)))
  return found.flatMap((wake) => wake ?? [])
}

/** Its execution is requested, or nobody waits for it any more. What came meanwhile has a batch of its own. */
export async function take(ctx: Context, { id: policyId, key, wakeIds }: Batch): Promise<void> {
  const { policyWakes, policyBatches } = ctx.tables
  for (const id of wakeIds)
    await policyWakes.upsert(ctx.orgId, id, (found) =>
      found?.status === waitingFor(policyId) ? { ...found, status: 'taken' } : undefined,
    )
  await onConflict(policyBatches.remove(ctx.orgId, policyId, [], { key }), () => undefined)
  await wakeWaiting(ctx, policyId)
}

/** The resources of all wakes, in lower case; undefined: all of the fleet. */
export async function idsOf(ctx: Context, wakes: readonly Wake[]): Promise<string[] | undefined> {
  if (wakes.some(({ resourceIds, inventory }) => resourceIds === undefined && inventory === undefined)) return undefined
  // The queries of the lake are not part of the start of each function.
  const { changesOf } = await import('../resources/resource-view.ts')
  const ids = new Set(wakes.flatMap(({ resourceIds = [] }) => resourceIds))
  for (const { inventory } of wakes) {
    if (!inventory) continue
    const { provider, accountId, takenAt } = inventory
    const end = new Date(Date.parse(takenAt) + 1).toISOString()
    for (const change of await changesOf(ctx, { start: takenAt, end, limit: mostChanges }))
      if (change.provider === provider && change.accountId === accountId) ids.add(change.id.toLowerCase())
  }
  return [...ids]
}
