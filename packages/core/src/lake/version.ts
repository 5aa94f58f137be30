import type { Context } from '../effects/context.ts'
import type { Kind } from '../kernel/partition.ts'
import type { Table } from '../effects/tables.ts'
import type { Candidate } from './datasets.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    /** The pointers of bills; those of other kinds have tables of their own, so that costs never read them. */
    partitions: Table<Info<Kind>>
    inventoryPartitions: Table<Info<Kind>>
    utilizationPartitions: Table<Info<Kind>>
    snapshots: Table<Info<Kind>>
  }
}

/** One version of one partition; its content never changes. */
export type Info<K extends Kind = 'bill'> = Candidate<K> & Committed

export interface Committed {
  /** `{partition}#{snapshotId}` in the history, the partition's key in a pointer. */
  id: string
  partition: string
  /** The import or the purge. */
  snapshotId: string
  /** After a rebuild an earlier import than `snapshotId`. */
  raw: string
  version: number
  lakeVersion: number
  at: string
  /** With the number of the delivery's partitions, they recognize the same delivery. */
  digest: string
  siblings: number
  previous?: string
  /** A tombstone: no earlier version answers any more. */
  isPurged?: true
  /** Everything behind this tombstone was removed. */
  emptiedAt?: string
  /** Its files are removed, or are being removed. */
  isForgotten?: true
}

/** The current version of each partition. */
export function pointersOf({ tables }: Context, kind: Kind): Table<Info<Kind>> {
  if (kind === 'inventory') return tables.inventoryPartitions
  return kind === 'utilization' ? tables.utilizationPartitions : tables.partitions
}

/** The raw bill is removed separately. */
export function emptied(version: Info<Kind>): Info<Kind> {
  const empty = { rows: 0, digest: '', siblings: 0 }
  if (version.kind === 'inventory') return { ...version, ...empty, files: { resources: [], resource_changes: [] } }
  if (version.kind === 'utilization') return { ...version, ...empty, files: { utilization: [] } }
  const { lacks: _, ...rest } = version
  return { ...rest, ...empty, totals: [], control: [], formats: [], files: { costs: [], cost_rollup: [] } }
}

export function allFiles({ files }: Info<Kind>): string[] {
  return Object.values(files).flat()
}

export function historyId(partition: string, snapshotId: string): string {
  return `${partition}#${snapshotId}`
}

export function isVisible({ isPurged }: Info<Kind>): boolean {
  return isPurged !== true
}

/** Written before the head moves: the snapshot may never become visible. */
export async function historyRow(ctx: Context, partition: string, snapshotId: string): Promise<Info<Kind> | undefined> {
  return await ctx.tables.snapshots.get(ctx.orgId, historyId(partition, snapshotId))
}

export async function previousOf<K extends Kind>(ctx: Context, version: Info<K>): Promise<Info<K> | undefined> {
  const { partition, previous }: Committed = version
  return previous === undefined ? undefined : ((await historyRow(ctx, partition, previous)) as Info<K> | undefined)
}

/** The version and those before it, the oldest first; `isCut` if older ones expired. */
export async function versionsOf(ctx: Context, current: Info): Promise<{ versions: Info[]; isCut: boolean }> {
  const versions = [current]
  if (current.previous === undefined) return { versions, isCut: false }
  const { partition } = current
  const rows = await ctx.tables.snapshots.all(ctx.orgId, historyId(partition, ''))
  const known = new Map(rows.map((row) => [row.id, row as Info]))
  for (let previous: string | undefined = current.previous; previous !== undefined;) {
    const version = known.get(historyId(partition, previous))
    if (!version || version.isForgotten) return { versions, isCut: true }
    // A purge ended the history before it.
    if (!isVisible(version)) break
    versions.unshift(version)
    previous = version.previous
  }
  return { versions, isCut: false }
}
