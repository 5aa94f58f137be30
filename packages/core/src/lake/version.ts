import type { Context } from '../effects/context.ts'
import type { Kind } from '../kernel/partition.ts'
import type { Candidate } from './datasets.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    partitions: Table<Info<Kind>>
    snapshots: Table<Info<Kind>>
  }
}

/** One version of one partition, as it was committed: of a bill where no other kind is named. Its content never changes. */
export type Info<K extends Kind = 'bill'> = Candidate<K> & Committed

/** What a commit says of a version. */
export interface Committed {
  /** `{partition}#{snapshotId}` in the history; the partition's key as pointer. */
  id: string
  partition: string
  /** The import that brought this version, or the purge that emptied the partition. */
  snapshotId: string
  /** The import whose raw files this version was made from: after a rebuild, an earlier import. */
  raw: string
  version: number
  /** The lake version that made this version visible. */
  lakeVersion: number
  at: string
  /** The digest of the delivery's bytes, and the number of partitions in the delivery: they identify the same bytes when they come again. */
  digest: string
  siblings: number
  /** The snapshot that was current before. */
  previous?: string
  /** A tombstone: the partition was purged, and no earlier version answers any more. */
  isPurged?: true
  /** Of a tombstone: when the files, versions and raw bills behind it were removed. */
  emptiedAt?: string
  /** The files of this version were removed, or are being removed. */
  isForgotten?: true
}

/** A version whose content was removed. Its raw bill is removed apart. */
export function emptied(version: Info<Kind>): Info<Kind> {
  const empty = { rows: 0, digest: '', siblings: 0 }
  if (version.kind === 'inventory') return { ...version, ...empty, files: { resources: [] } }
  if (version.kind === 'utilization') return { ...version, ...empty, files: { utilization: [] } }
  const { lacks: _, ...rest } = version
  return { ...rest, ...empty, totals: [], control: [], formats: [], files: { costs: [], cost_rollup: [] } }
}

/** The files of a version, of all its datasets. */
export function allFiles({ files }: Info<Kind>): string[] {
  return Object.values(files).flat()
}

/** The id of a version in the history. */
export function historyId(partition: string, snapshotId: string): string {
  return `${partition}#${snapshotId}`
}

/** Whether a version has content; a tombstone has none. */
export function isVisible({ isPurged }: Info<Kind>): boolean {
  return isPurged !== true
}

/** The history's row of a snapshot in a partition. The row is written before the head moves, so it may never have become visible. */
export async function written(ctx: Context, partition: string, snapshotId: string): Promise<Info<Kind> | undefined> {
  return await ctx.tables.snapshots.get(ctx.orgId, historyId(partition, snapshotId))
}

/** The version that this one replaced. */
export async function previousOf<K extends Kind>(ctx: Context, version: Info<K>): Promise<Info<K> | undefined> {
  const { partition, previous }: Committed = version
  return previous === undefined ? undefined : ((await written(ctx, partition, previous)) as Info<K> | undefined)
}
