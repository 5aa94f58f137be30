import type { Context } from '../effects/context.ts'
import { isWritten } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import { keyOfKind, type Kind } from '../kernel/partition.ts'
import * as Snapshot from './snapshot.ts'

/** Of a version that is not visible any more. Idempotent. */
export async function removeFiles(ctx: Context, version: Snapshot.Info<Kind>): Promise<void> {
  const forgotten: Snapshot.Info<Kind> = { ...version, isForgotten: true }
  // The row is marked first, so that no reader opens the files.
  const rewrite = async (row: Snapshot.Info<Kind>) =>
    await isWritten(ctx.tables.snapshots.replace(ctx.orgId, row, { version: row.version }))
  // False if the version was removed meanwhile.
  if (!(await rewrite(forgotten))) return
  for (const key of Snapshot.allFiles(version)) await ctx.runtime.blobs.remove(ctx.orgId, key)
  await rewrite(Snapshot.emptied(forgotten))
}

/** `lake/{partition}/{import}-{attempt}/{file}` */
export function holderOf(key: string): [partition: string, snapshotId: string] {
  const [, ...folders] = key.split('/').slice(0, -1)
  const attempt = folders.pop() ?? ''
  return [folders.join('/'), attempt.slice(0, attempt.lastIndexOf('-'))]
}

/** Of killed attempts, and of partitions that were not committed. */
export async function removeUncommitted(ctx: Context, importId: string): Promise<void> {
  const { tables } = ctx
  const { blobs } = ctx.runtime
  const uploaded = (await blobs.list(ctx.orgId, 'lake/'))
    .map(({ key }) => key)
    .filter((key) => holderOf(key)[1] === importId)
  for (const [partition, keys] of Map.groupBy(uploaded, (key) => holderOf(key)[0])) {
    const version = await Snapshot.committedVersion(ctx, partition, importId)
    const kept = new Set(version && Snapshot.allFiles(version))
    for (const key of keys) if (!kept.has(key)) await blobs.remove(ctx.orgId, key)
    if (!version) await tables.snapshots.remove(ctx.orgId, Snapshot.historyId(partition, importId))
  }
}

/** Of a collection whose rows the lake refused: an attempt before may have written its history. */
export async function removeRefused(
  ctx: Context,
  partition: string,
  snapshotId: string,
  keys: string[],
): Promise<void> {
  for (const key of keys) await ctx.runtime.blobs.remove(ctx.orgId, key)
  await ctx.tables.snapshots.remove(ctx.orgId, Snapshot.historyId(partition, snapshotId))
}

// Longer than any collection takes.
const collectionMs = 24 * 3600 * 1000

/** Of collections that were killed before they committed; returns the number of files. */
export async function removeUncollected(ctx: Context): Promise<number> {
  const { blobs } = ctx.runtime
  const limit = ctx.now().getTime() - collectionMs
  let removed = 0
  for (const kind of ['inventory', 'utilization'] as const) {
    const prefix = keyOfKind(kind, '')
    const found = await blobs.list(ctx.orgId, `lake/${prefix}`)
    const old = found.filter(({ key }) => Id.timeOf(holderOf(key)[1]) < limit)
    if (old.length === 0) continue
    const history = await ctx.tables.snapshots.all(ctx.orgId, prefix)
    const current = new Map((await Snapshot.pointers(ctx, kind)).map((pointer) => [pointer.partition, pointer]))
    // Killed between the history and the head.
    const lost = history.filter(({ partition, snapshotId, version }) => {
      const pointer = current.get(partition)
      const isBefore = pointer && (version < pointer.version || snapshotId === pointer.snapshotId)
      return !isBefore && Id.timeOf(snapshotId) < limit
    })
    const named = new Set(history.filter((version) => !lost.includes(version)).flatMap(Snapshot.allFiles))
    for (const { key } of old.filter(({ key }) => !named.has(key))) {
      await blobs.remove(ctx.orgId, key)
      removed++
    }
    for (const { id } of lost) await ctx.tables.snapshots.remove(ctx.orgId, id)
  }
  return removed
}
