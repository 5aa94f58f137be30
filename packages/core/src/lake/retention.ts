import type { Context } from '../effects/context.ts'
import type { Kind } from '../kernel/partition.ts'
import * as Orphans from './orphans.ts'
import type * as Snapshot from './snapshot.ts'

const dayMs = 24 * 3600 * 1000

/**
 * Removes versions that were replaced before the organization's retention period. `as_of` then has no version of that time. Visible versions and raw bills stay.
 * Answers the number of removed versions.
 */
export async function expire(ctx: Context): Promise<number> {
  const { organizations, snapshots, partitions } = ctx.tables
  const days = (await organizations.get(ctx.orgId, ctx.orgId))?.retention.snapshotDays
  if (days == null) return 0
  const limit = new Date(ctx.now().getTime() - days * dayMs).toISOString()
  const current = new Map((await partitions.all(ctx.orgId)).map(({ partition, version }) => [partition, version]))
  const history = Map.groupBy(await snapshots.all(ctx.orgId), ({ partition }) => partition)
  const old = [...history].flatMap(([partition, versions]) =>
    replacedBefore(versions, limit, current.get(partition) ?? 0),
  )
  for (const version of old) {
    await Orphans.removeFiles(ctx, version)
    await snapshots.remove(ctx.orgId, version.id)
  }
  return old.length
}

/** The versions whose successor became visible before the limit. A row of the history that never became visible is ignored. */
function replacedBefore(
  versions: readonly Snapshot.Info<Kind>[],
  limit: string,
  current: number,
): Snapshot.Info<Kind>[] {
  const visible = versions.filter(({ version }) => version <= current).toSorted((a, b) => a.version - b.version)
  return visible.filter(({ version, isPurged }) => {
    const successor = visible.find((other) => other.version === version + 1)
    return isPurged !== true && version < current && successor !== undefined && successor.at < limit
  })
}
