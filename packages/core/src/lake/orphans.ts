import type { Context } from '../kernel/context.ts'
import { isFault } from '../kernel/fault.ts'
import * as Snapshot from './snapshot.ts'

/** Removes the files of a version that is not visible any more; its row stays and says so. A second call completes a first that was cut off. */
export async function removeFiles(ctx: Context, version: Snapshot.Info): Promise<void> {
  const forgotten: Snapshot.Info = { ...version, isForgotten: true }
  // The row first: no reader opens the files from then on.
  if (!(await rewrite(ctx, forgotten))) return
  for (const key of [...version.costs, ...version.rollup]) await ctx.runtime.blobs.remove(ctx.orgId, key)
  await rewrite(ctx, { ...forgotten, costs: [], rollup: [] })
}

/** False where the version was removed meanwhile. */
async function rewrite(ctx: Context, version: Snapshot.Info): Promise<boolean> {
  try {
    await ctx.tables.snapshots.replace(ctx.orgId, version, { version: version.version })
    return true
  } catch (error) {
    if (isFault(error, 'conflict')) return false
    throw error
  }
}

/** The import that a file of the lake belongs to: `lake/{partition}/{import}-{attempt}/...`. */
export function importOf(key: string): string {
  const folder = key.split('/')[4] ?? ''
  return folder.slice(0, folder.lastIndexOf('-'))
}

/** Removes files and versions of an import that never became visible: those of attempts that were cut off, and of partitions that were not committed. */
export async function removeUncommitted(ctx: Context, importId: string): Promise<void> {
  const { tables } = ctx
  const { blobs } = ctx.runtime
  const uploaded = (await blobs.list(ctx.orgId, 'lake/'))
    .map(({ key }) => key)
    .filter((key) => importOf(key) === importId)
  for (const [partition, keys] of Map.groupBy(uploaded, (key) => key.split('/').slice(1, 4).join('/'))) {
    const version = await Snapshot.landed(ctx, partition, importId)
    const kept = new Set([...(version?.costs ?? []), ...(version?.rollup ?? [])])
    for (const key of keys) if (!kept.has(key)) await blobs.remove(ctx.orgId, key)
    if (!version) await tables.snapshots.remove(ctx.orgId, Snapshot.historyId(partition, importId))
  }
}
