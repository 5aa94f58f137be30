import type { Context } from '../effects/context.ts'
import type { Kind } from '../kernel/partition.ts'
import type { Candidate } from './datasets.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    partitions: Table<Info<Kind>>
    snapshots: Table<Info<Kind>>
  }
}

/** A snapshot: one version of one partition, as committed. The default kind is a bill. Its content never changes. */
export type Info<K extends Kind = 'bill'> = Candidate<K> & Committed

/** What a commit adds to a candidate. */
export interface Committed {
  /** In the history `{partition}#{snapshotId}`; of a pointer the partition's key. */
  id: string
  partition: string
  /** The import that brought this version, or the purge that emptied the partition. */
  snapshotId: string
  /** The import whose raw files this version was made from. After a rebuild it is an earlier import. */
  raw: string
  version: number
  /** The lake version that made this version visible. */
  lakeVersion: number
  at: string
  /** The digest of the delivery's bytes, and the number of its partitions: they recognize the same delivery when it comes again. */
  digest: string
  siblings: number
  /** The snapshot that was current before. */
  previous?: string
  /** A tombstone: the partition was purged, and no earlier version answers any more. */
  isPurged?: true
  /** When the files, versions and raw bills behind this tombstone were removed. */
  emptiedAt?: string
  /** The files of this version were removed, or are being removed. */
  isForgotten?: true
}

/** The version without its content. Its raw bill is removed separately. */
export function emptied(version: Info<Kind>): Info<Kind> {
  const empty = { rows: 0, digest: '', siblings: 0 }
  if (version.kind === 'inventory') return { ...version, ...empty, files: { resources: [] } }
  if (version.kind === 'utilization') return { ...version, ...empty, files: { utilization: [] } }
  const { lacks: _, ...rest } = version
  return { ...rest, ...empty, totals: [], control: [], formats: [], files: { costs: [], cost_rollup: [] } }
}

/** The files of all datasets of a version. */
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

/** The row of a snapshot in the history of a partition. The row is written before the head moves, so the snapshot may never become visible. */
export async function historyRow(ctx: Context, partition: string, snapshotId: string): Promise<Info<Kind> | undefined> {
  return await ctx.tables.snapshots.get(ctx.orgId, historyId(partition, snapshotId))
}

/** The version that this one replaced. */
export async function previousOf<K extends Kind>(ctx: Context, version: Info<K>): Promise<Info<K> | undefined> {
  const { partition, previous }: Committed = version
  return previous === undefined ? undefined : ((await historyRow(ctx, partition, previous)) as Info<K> | undefined)
}
