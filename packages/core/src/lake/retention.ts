import type { Context } from '../effects/context.ts'
import { walk } from '../effects/tables.ts'
import { isWritten } from '../kernel/fault.ts'
import type { Kind } from '../kernel/partition.ts'
import * as Orphans from './orphans.ts'
import * as Snapshot from './snapshot.ts'
import { isVisible } from './version.ts'

const dayMs = 24 * 3600 * 1000

// Older states of resources answer no question.
const collectedDays = 8

// No request reads older utilization: a page shows the last 14 days.
const utilizationDays = 60

/** Removes versions that were replaced before the retention period, and old utilization; returns their number. */
export async function expire(ctx: Context): Promise<number> {
  const { organizations, snapshots } = ctx.tables
  const days = (await organizations.get(ctx.orgId, ctx.orgId))?.retention.snapshotDays ?? Infinity
  const limitOf = (kind: Kind) => limitAfter(ctx, kind === 'bill' ? days : Math.min(days, collectedDays))
  let expired = 0
  for await (const versions of histories(ctx)) {
    const [first] = versions
    const current = first && (await Snapshot.pointersOf(ctx, first.kind).get(ctx.orgId, first.partition))
    for (const version of replacedBefore(versions, limitOf(versions[0]?.kind ?? 'bill'), current?.version ?? 0)) {
      await Orphans.removeFiles(ctx, version)
      await snapshots.remove(ctx.orgId, version.id)
      expired++
    }
  }
  return expired + (await expireUtilization(ctx))
}

async function expireUtilization(ctx: Context): Promise<number> {
  const { snapshots, utilizationPartitions } = ctx.tables
  const limit = limitAfter(ctx, utilizationDays).slice(0, 10)
  const pointers = await utilizationPartitions.all(ctx.orgId)
  // Each commit applies the moves of the last one, so that these need their pointers.
  const moved = new Set((await Snapshot.head(ctx, 'utilization')).moves.map(({ partition }) => partition))
  let expired = 0
  for (const pointer of pointers) {
    const { id, partition, version } = pointer
    if (pointer.kind !== 'utilization' || pointer.day >= limit || !isVisible(pointer) || moved.has(partition)) continue
    for (const old of await snapshots.all(ctx.orgId, Snapshot.historyId(partition, ''))) {
      await Orphans.removeFiles(ctx, old)
      await snapshots.remove(ctx.orgId, old.id)
      expired++
    }
    // Last, so that the next sweep completes a killed one.
    await isWritten(utilizationPartitions.remove(ctx.orgId, id, [], { version }))
  }
  return expired
}

function limitAfter(ctx: Context, days: number): string {
  return days === Infinity ? '' : new Date(ctx.now().getTime() - days * dayMs).toISOString()
}

/** Of partitions with several versions; ids begin with the partition. */
async function* histories(ctx: Context): AsyncGenerator<Snapshot.Info<Kind>[]> {
  let versions: Snapshot.Info<Kind>[] = []
  for await (const version of walk((page) => ctx.tables.snapshots.list(ctx.orgId, page))) {
    if (version.partition !== versions[0]?.partition) {
      if (versions.length > 1) yield versions
      versions = []
    }
    versions.push(version)
  }
  if (versions.length > 1) yield versions
}

/** By their successor. A version that never became visible is ignored. */
function replacedBefore(
  versions: readonly Snapshot.Info<Kind>[],
  limit: string,
  current: number,
): Snapshot.Info<Kind>[] {
  const visible = versions.filter(({ version }) => version <= current).toSorted((a, b) => a.version - b.version)
  return visible.filter((each) => {
    const successor = visible.find(({ version }) => version === each.version + 1)
    return isVisible(each) && each.version < current && successor !== undefined && successor.at < limit
  })
}
