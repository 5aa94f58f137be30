import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { NormalizedPartition } from '../kernel/lake.ts'
import { advance } from './head.ts'
import * as Partition from '../kernel/partition.ts'

declare module '../kernel/tables.ts' {
  interface Tables {
    heads: Table<Head>
    partitions: Table<Pointer>
    snapshots: Table<Info>
  }
}

/** One version of one partition, as it was committed. Never changed. */
export interface Info extends Pick<
  NormalizedPartition,
  'provider' | 'billingAccountId' | 'period' | 'rows' | 'days' | 'totals' | 'control' | 'formats' | 'lacks' | 'withheld'
> {
  /** `{partition}#{snapshotId}` in the history; the partition's key as pointer. */
  id: string
  partition: string
  /** The import that brought it. */
  snapshotId: string
  /** The import whose raw files it was made from: another one after a rebuild. */
  raw: string
  version: number
  /** The lake version that made it visible. */
  lakeVersion: number
  at: string
  /** Of the delivery's bytes, and how many partitions that delivery brought: the same bytes again are recognised by them. */
  digest: string
  siblings: number
  /** Keys of Parquet files, below the organization's prefix. */
  costs: string[]
  rollup: string[]
  /** The snapshot that was current before. */
  previous?: string
  /** The partition was purged: this version says that there is nothing, and nothing older is left. */
  isPurged?: true
  /** It was, and is kept no longer: its files are gone, or go. */
  isForgotten?: true
}

/** The current version of a partition. Its id is the partition's key. */
export type Pointer = Info

/** The organization's lake: its version, and the moves of the last commit, which readers lay over the pointers until these are written. */
export interface Head {
  id: 'head'
  version: number
  at: string
  moves: Info[]
}

/** What the lake holds at one lake version: consistent, however many commits happen meanwhile. */
export interface View {
  lakeVersion: number
  /** When that version was committed. */
  at: string
  snapshots: Info[]
  /** Of partitions that were replaced since, and whose version of that time is kept no longer: what they are now. */
  expired?: Info[]
}

/** A partition ready to be committed: its Parquet files lie under the organization's prefix already. */
export type Candidate = Omit<NormalizedPartition, 'costs' | 'rollup'> & { costs: string[]; rollup: string[] }

export interface Delivery {
  snapshotId: string
  raw: string
  digest: string
  siblings: number
  partitions: Candidate[]
  /** Throws where the delivery was made of what no longer holds: asked before each attempt to commit, of which one that was overtaken comes to nothing. */
  isCurrent?(): Promise<void>
  /** Whether the delivery still has something to say of a partition: asked at each attempt. Of a rebuild, whose bill may have been replaced by a newer one. */
  isMeant?(current: Info | undefined): boolean
  /** Judges the move from `current` to `next`; throws Fault `invalid` to refuse the whole delivery. */
  accept(current: Info | undefined, next: Candidate): void
}

// A head holds its moves, and DynamoDB's items end at 400 KB: larger deliveries take several commits.
const movesPerCommit = 200
const bytesPerCommit = 150_000
const attempts = 50

/** The lake's version, in one read. Version 0 is the empty lake. */
export async function head(ctx: Context): Promise<Head> {
  const found = await ctx.tables.heads.get(ctx.orgId, 'head')
  return found ?? { id: 'head', version: 0, at: new Date(0).toISOString(), moves: [] }
}

/** What is visible now, or what was visible at `asOf`. */
export async function view(ctx: Context, options: { asOf?: Date } = {}): Promise<View> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const at = await head(ctx)
    const snapshots = overlay(await ctx.tables.partitions.all(ctx.orgId), at.moves)
    if (snapshots.some((snapshot) => snapshot.lakeVersion > at.version)) continue
    if (options.asOf) return await past(ctx, snapshots, options.asOf)
    return { lakeVersion: at.version, at: at.at, snapshots: snapshots.filter(isVisible) }
  }
  throw new Fault('unavailable', 'The lake changes faster than it can be read. Try again in a moment.')
}

function isVisible({ isPurged }: Info): boolean {
  return isPurged !== true
}

/** What every partition is at now, also those that were purged. */
export async function pointers(ctx: Context): Promise<Pointer[]> {
  const { moves } = await head(ctx)
  return overlay(await ctx.tables.partitions.all(ctx.orgId), moves)
}

function overlay(pointers: Info[], moves: Info[]): Info[] {
  const current = new Map(pointers.map((pointer) => [pointer.partition, pointer]))
  for (const move of moves) {
    const pointer = current.get(move.partition)
    if (!pointer || pointer.lakeVersion < move.lakeVersion) current.set(move.partition, move)
  }
  return [...current.values()].sort((a, b) => (a.partition < b.partition ? -1 : 1))
}

async function past(ctx: Context, snapshots: Info[], asOf: Date): Promise<View> {
  const history = new Map((await ctx.tables.snapshots.all(ctx.orgId)).map((info) => [info.id, info]))
  const limit = asOf.toISOString()
  const [visible, expired]: [Info[], Info[]] = [[], []]
  for (const snapshot of snapshots) {
    let version: Info | undefined = snapshot
    while (version && version.at > limit) {
      // What was purged answers no time before that either, also while its files are being removed.
      const before: string | undefined = isVisible(version) ? version.previous : undefined
      version = before === undefined ? undefined : history.get(historyId(version.partition, before))
      if (before !== undefined && !version) expired.push(snapshot)
    }
    if (version?.isForgotten) expired.push(snapshot)
    else if (version && isVisible(version)) visible.push(version)
  }
  const lakeVersion = visible.reduce((newest, { lakeVersion }) => Math.max(newest, lakeVersion), 0)
  return { lakeVersion, at: limit, snapshots: visible, ...(expired.length > 0 && { expired }) }
}

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

/** What is refused is refused as a whole, also where its first partitions could be committed. */
async function judge(ctx: Context, delivery: Delivery): Promise<void> {
  const before = await head(ctx)
  await settle(ctx, before)
  await plan(ctx, delivery, before)
}

async function commitBatch(ctx: Context, delivery: Delivery): Promise<Info[]> {
  return await advance(ctx, async () => {
    const before = await head(ctx)
    await settle(ctx, before)
    await delivery.isCurrent?.()
    const { done, moves } = await plan(ctx, delivery, before)
    if (moves.length === 0) return done
    for (const move of moves)
      await ctx.tables.snapshots.put(ctx.orgId, { ...move, id: historyId(move.partition, move.snapshotId) })
    const after: Head = { id: 'head', version: before.version + 1, at: moves[0]?.at ?? before.at, moves }
    if (!(await moveHead(ctx, before, after))) return undefined
    await settle(ctx, after)
    return [...done, ...moves]
  })
}

async function plan(ctx: Context, delivery: Delivery, before: Head): Promise<{ done: Info[]; moves: Info[] }> {
  const now = ctx.now().toISOString()
  // `at` never goes back, or as_of could not tell which version came first.
  const at = now > before.at ? now : before.at
  const done: Info[] = []
  const moves: Info[] = []
  for (const next of delivery.partitions) {
    const partition = Partition.key(next)
    const current = await ctx.tables.partitions.get(ctx.orgId, partition)
    const earlier = await alreadyCommitted(ctx, current, delivery.snapshotId)
    if (earlier) {
      done.push(earlier)
      continue
    }
    if (delivery.isMeant?.(current) === false) continue
    delivery.accept(current, next)
    const { snapshotId, raw, digest, siblings } = delivery
    const version = (current?.version ?? 0) + 1
    const previous = current ? { previous: current.snapshotId } : {}
    moves.push({
      ...next,
      ...previous,
      id: partition,
      partition,
      snapshotId,
      raw,
      digest,
      siblings,
      version,
      lakeVersion: before.version + 1,
      at,
    })
  }
  return { done, moves }
}

/** The version of a partition that a snapshot became, if it ever was visible. */
export async function landed(ctx: Context, partition: string, snapshotId: string): Promise<Info | undefined> {
  await settle(ctx, await head(ctx))
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

/** The version that this one replaced. */
export async function previousOf(ctx: Context, version: Info): Promise<Info | undefined> {
  if (!version.previous) return undefined
  return await written(ctx, version.partition, version.previous)
}

/** What the history has of a snapshot in a partition: it is written before the head moves, so it may never have become visible. */
export async function written(ctx: Context, partition: string, snapshotId: string): Promise<Info | undefined> {
  return await ctx.tables.snapshots.get(ctx.orgId, historyId(partition, snapshotId))
}

/** Moves the lake on by a version that changes nothing: a commit that was prepared before it is prepared again. */
export async function touch(ctx: Context): Promise<void> {
  await advance(ctx, async () => {
    const before = await head(ctx)
    await settle(ctx, before)
    const now = ctx.now().toISOString()
    const at = now > before.at ? now : before.at
    return (await moveHead(ctx, before, { id: 'head', version: before.version + 1, at, moves: [] })) || undefined
  })
}

/** Moves the lake on by one version; false when somebody else did. */
export async function moveHead(ctx: Context, before: Head, after: Head): Promise<boolean> {
  try {
    await ctx.tables.heads.replace(ctx.orgId, after, before.version === 0 ? undefined : { version: before.version })
    return true
  } catch (error) {
    if (error instanceof Fault && error.code === 'conflict') return false
    throw error
  }
}

/** Writes the head's moves into the pointers. Whoever comes next does it if the one who moved the head could not. */
export async function settle(ctx: Context, { moves }: Head): Promise<void> {
  for (const move of moves) {
    try {
      await ctx.tables.partitions.replace(
        ctx.orgId,
        move,
        move.version === 1 ? undefined : { version: move.version - 1 },
      )
    } catch (error) {
      const pointer =
        error instanceof Fault && error.code === 'conflict'
          ? await ctx.tables.partitions.get(ctx.orgId, move.partition)
          : undefined
      if (!pointer || pointer.lakeVersion < move.lakeVersion) throw error
    }
  }
}

/** The id of a version in the history. */
export function historyId(partition: string, snapshotId: string): string {
  return `${partition}#${snapshotId}`
}
