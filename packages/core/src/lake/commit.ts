import type { Context } from '../effects/context.ts'
import type { Event } from '../kernel/event.ts'
import * as Partition from '../kernel/partition.ts'
import { event } from '../effects/relay.ts'
import { accept, type Candidate, keyOf } from './datasets.ts'
import { applyMoves, advanceHead, head, type NextVersion } from './head.ts'
import { ended, isSuperseded, refuseOtherSource } from './preliminary.ts'
import { historyId, type Info, isVisible, pointersOf, previousOf, historyRow } from './version.ts'

export interface Delivery {
  snapshotId: string
  raw: string
  digest: string
  siblings: number
  /** All of one kind. */
  partitions: Candidate<Kind>[]
  /** At each attempt: a newer delivery may have replaced the one that a rebuild reads again. */
  isMeant?(current: Info<Kind> | undefined): boolean | Promise<boolean>
  replace: boolean
  /** Of an inventory. */
  changes?: Pick<Event<'resource.changed'>['data'], 'counts' | 'resources'>
}

type Kind = Partition.Kind

// A head holds its moves, and DynamoDB's items end at 400 KB: larger deliveries take several commits.
const movesPerCommit = 200
const bytesPerCommit = 150_000

/** Whole or not at all (200 partitions at a time); idempotent. Throws Fault `invalid`. */
export async function commit<K extends Kind>(
  ctx: Context,
  delivery: Delivery & { partitions: Candidate<K>[] },
): Promise<Info<K>[]> {
  if (delivery.partitions.some(({ kind }) => kind !== kindOf(delivery)))
    throw new Error('a delivery has one kind of partitions')
  const committed: Info<Kind>[] = []
  const cut = batches(delivery.partitions)
  if (cut.length > 1) await refuseAsWhole(ctx, delivery)
  for (const partitions of cut) committed.push(...(await commitBatch(ctx, { ...delivery, partitions })))
  return committed as Info<K>[]
}

function batches(partitions: Candidate<Kind>[]): Candidate<Kind>[][] {
  const cut: Candidate<Kind>[][] = [[]]
  let bytes = 0
  for (const partition of partitions) {
    const size = JSON.stringify(partition).length
    const last = cut.at(-1)
    if (last && last.length < movesPerCommit && (last.length === 0 || bytes + size <= bytesPerCommit))
      last.push(partition)
    else {
      cut.push([partition])
      bytes = 0
    }
    bytes += size
  }
  return cut
}

async function refuseAsWhole(ctx: Context, delivery: Delivery): Promise<void> {
  const before = await head(ctx, kindOf(delivery))
  await applyMoves(ctx, before)
  await plan(ctx, delivery, { lakeVersion: before.version + 1, at: before.at })
}

async function commitBatch(ctx: Context, delivery: Delivery): Promise<Info<Kind>[]> {
  let committed: Info<Kind>[] = []
  const kind = kindOf(delivery)
  const run = async (_: unknown, next: NextVersion) => {
    const { done, moves } = await plan(ctx, delivery, next)
    committed = [...done, ...moves.filter(isVisible)]
    if (moves.length === 0) return undefined
    await writeHistory(ctx, moves)
    return { moves, events: eventsOf(ctx, delivery, next) }
  }
  await advanceHead(ctx, run, kind)
  return committed
}

const kindOf = ({ partitions: [first] }: Delivery): Kind => first?.kind ?? 'bill'

// Ids only: the head has little room, and its events stay in it until they are published.
function eventsOf(ctx: Context, delivery: Delivery, { lakeVersion }: NextVersion): Event[] {
  const { snapshotId } = delivery
  switch (kindOf(delivery)) {
    case 'bill':
      return [
        event(ctx, 'cost.landed', { importId: snapshotId, lakeVersion }, `cost.landed/${snapshotId}/${lakeVersion}`),
      ]
    case 'inventory':
      return delivery.partitions.flatMap((one) =>
        one.kind === 'inventory' ? [resourceChanged(ctx, delivery, one, lakeVersion)] : [],
      )
    case 'utilization':
      return []
  }
}

function resourceChanged(
  ctx: Context,
  { snapshotId, changes }: Delivery,
  { provider, accountId, takenAt }: Candidate<'inventory'>,
  lakeVersion: number,
): Event {
  const { counts, resources } = changes ?? { counts: {}, resources: [] }
  const changed = { syncId: snapshotId, lakeVersion, provider, accountId, counts, resources, takenAt }
  return event(ctx, 'resource.changed', changed, `resource.changed/${snapshotId}`)
}

export async function writeHistory(ctx: Context, moves: readonly Info<Kind>[]): Promise<void> {
  for (const move of moves)
    await ctx.tables.snapshots.put(ctx.orgId, { ...move, id: historyId(move.partition, move.snapshotId) })
}

async function plan(ctx: Context, delivery: Delivery, next: NextVersion) {
  const { snapshotId, raw, digest, siblings } = delivery
  const done: Info<Kind>[] = []
  const moves: Info<Kind>[] = []
  for (const candidate of delivery.partitions) {
    const partition = keyOf(candidate)
    const current = await pointersOf(ctx, candidate.kind).get(ctx.orgId, partition)
    const earlier = await findInChain(ctx, current, snapshotId)
    if (earlier) {
      done.push(earlier)
      continue
    }
    if ((await delivery.isMeant?.(current)) === false || (await isSuperseded(ctx, candidate))) continue
    if (current && isVisible(current) && !delivery.replace) {
      await refuseOtherSource(ctx, current, candidate)
      accept(current, candidate)
    }
    const version = (current?.version ?? 0) + 1
    const previous = current ? { previous: current.snapshotId } : {}
    const identity = { id: partition, partition, snapshotId, raw, digest, siblings, version }
    moves.push({ ...candidate, ...previous, ...identity, ...next })
  }
  return { done, moves: [...moves, ...(await ended(ctx, moves, next, delivery.replace))] }
}

/** If it ever became visible. */
export async function committedVersion(
  ctx: Context,
  partition: string,
  snapshotId: string,
): Promise<Info<Kind> | undefined> {
  const kind = Partition.kindOf(partition)
  await applyMoves(ctx, await head(ctx, kind))
  return await findInChain(ctx, await pointersOf(ctx, kind).get(ctx.orgId, partition), snapshotId)
}

/** In the chain of previous versions. */
async function findInChain(
  ctx: Context,
  current: Info<Kind> | undefined,
  snapshotId: string,
): Promise<Info<Kind> | undefined> {
  if (!current || current.snapshotId === snapshotId) return current
  if (!(await historyRow(ctx, current.partition, snapshotId))) return undefined
  let version: Info<Kind> | undefined = current
  while (version && version.snapshotId !== snapshotId) version = await previousOf(ctx, version)
  return version
}
