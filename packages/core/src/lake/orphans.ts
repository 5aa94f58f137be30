import type { Context } from '../kernel/context.ts'
import { isFault } from '../kernel/fault.ts'
import * as Snapshot from './snapshot.ts'

/** Removes the files of a version that is not visible any more; what is left says only that it was. A second call ends what a first was cut off in. */
export async function forget(ctx: Context, version: Snapshot.Info): Promise<void> {
  const forgotten: Snapshot.Info = { ...version, isForgotten: true }
  // First nobody reads them any more.
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

/** Removes files of a partition that no version names and no running import may still name. */
export async function removeOrphans(ctx: Context, partition: string): Promise<void> {
  const { tables, blobs } = ctx.runtime
  const files = await blobs.list(ctx.orgId, `lake/${partition}/`)
  // Before the versions: an import that ends in between is found there.
  const running = new Set(
    (await tables.imports.all(ctx.orgId)).filter(({ status }) => status === 'running').map(({ id }) => id),
  )
  const named = new Set(
    (await tables.snapshots.all(ctx.orgId, `${partition}#`)).flatMap(({ costs, rollup }) => [...costs, ...rollup]),
  )
  for (const { key } of files) if (!named.has(key) && !running.has(importOf(key))) await blobs.remove(ctx.orgId, key)
}

/** The import that a file of the lake is of: `lake/{partition}/{import}-{attempt}/...`. */
export function importOf(key: string): string {
  const folder = key.split('/')[4] ?? ''
  return folder.slice(0, folder.lastIndexOf('-'))
}

/** Removes what an import uploaded and wrote that never became visible, and never will: its bill was replaced or purged meanwhile, or is in the lake already. */
export async function dropUnlanded(ctx: Context, importId: string): Promise<void> {
  const { tables, blobs } = ctx.runtime
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
