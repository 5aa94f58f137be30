import type { Context } from '../kernel/context.ts'
import type { NormalizedPartition } from '../kernel/lake.ts'
import * as Partition from '../kernel/partition.ts'
import { applyMoves, changeHead, head, type NextVersion } from './head.ts'
import { historyId, type Info, previousOf, written } from './version.ts'

/** A partition ready to be committed: its Parquet files lie under the organization's prefix already. */
export type Candidate = Omit<NormalizedPartition, 'costs' | 'rollup'> & { costs: string[]; rollup: string[] }

export interface Delivery {
  snapshotId: string
  raw: string
  digest: string
  siblings: number
  partitions: Candidate[]
  /** Whether the delivery still stands for a partition, checked at each attempt: a newer delivery may have replaced what a rebuild reads again. */
  isMeant?(current: Info | undefined): boolean
  /** Judges the move from `current` to `next`; throws Fault `invalid` to refuse the whole delivery. */
  accept(current: Info | undefined, next: Candidate): void
}

// A head holds its moves, and DynamoDB's items end at 400 KB: larger deliveries take several commits.
const movesPerCommit = 200
const bytesPerCommit = 150_000

/**
 * Makes a delivery visible. One conditional write of the head moves all its partitions at once (up to 200; more take several commits),
 * so a reader sees all of a delivery or nothing of it. A second call for the same snapshot changes nothing and answers the same.
 */
export async function commit(ctx: Context, delivery: Delivery): Promise<Info[]> {
  const committed: Info[] = []
  const cut = batches(delivery.partitions)
  if (cut.length > 1) await judge(ctx, delivery)
  for (const partitions of cut) committed.push(...(await commitBatch(ctx, { ...delivery, partitions })))
  return committed
}

/** Partitions in the order given, cut so that each part fits into the head. */
function batches(partitions: Candidate[]): Candidate[][] {
  const cut: Candidate[][] = [[]]
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

/** Refuses the whole delivery where one of its partitions is refused, before the first is committed. */
async function judge(ctx: Context, delivery: Delivery): Promise<void> {
  const before = await head(ctx)
  await applyMoves(ctx, before)
  await plan(ctx, delivery, { lakeVersion: before.version + 1, at: before.at })
}

async function commitBatch(ctx: Context, delivery: Delivery): Promise<Info[]> {
  let committed: Info[] = []
  await changeHead(ctx, async (_, next) => {
    const { done, moves } = await plan(ctx, delivery, next)
    committed = [...done, ...moves]
    if (moves.length === 0) return undefined
    await writeHistory(ctx, moves)
    return { moves }
  })
  return committed
}

/** Writes the versions that a head is about to make visible. */
export async function writeHistory(ctx: Context, moves: readonly Info[]): Promise<void> {
  for (const move of moves)
    await ctx.tables.snapshots.put(ctx.orgId, { ...move, id: historyId(move.partition, move.snapshotId) })
}

async function plan(ctx: Context, delivery: Delivery, next: NextVersion): Promise<{ done: Info[]; moves: Info[] }> {
  const { snapshotId, raw, digest, siblings } = delivery
  const done: Info[] = []
  const moves: Info[] = []
  for (const candidate of delivery.partitions) {
    const partition = Partition.key(candidate)
    const current = await ctx.tables.partitions.get(ctx.orgId, partition)
    const earlier = await alreadyCommitted(ctx, current, snapshotId)
    if (earlier) {
      done.push(earlier)
      continue
    }
    if (delivery.isMeant?.(current) === false) continue
    delivery.accept(current, candidate)
    const version = (current?.version ?? 0) + 1
    const previous = current ? { previous: current.snapshotId } : {}
    const identity = { id: partition, partition, snapshotId, raw, digest, siblings, version }
    moves.push({ ...candidate, ...previous, ...identity, ...next })
  }
  return { done, moves }
}

/** The version of a partition that a snapshot became, if it ever was visible. */
export async function landed(ctx: Context, partition: string, snapshotId: string): Promise<Info | undefined> {
  await applyMoves(ctx, await head(ctx))
  return await alreadyCommitted(ctx, await ctx.tables.partitions.get(ctx.orgId, partition), snapshotId)
}

/** The version that this snapshot became, if it ever did: it is in the chain that leads back from the current one. */
async function alreadyCommitted(
  ctx: Context,
  current: Info | undefined,
  snapshotId: string,
): Promise<Info | undefined> {
  if (!current || current.snapshotId === snapshotId) return current
  let version: Info | undefined = (await written(ctx, current.partition, snapshotId)) ? current : undefined
  while (version && version.snapshotId !== snapshotId) version = await previousOf(ctx, version)
  return version
}
