import type { Context } from '../kernel/context.ts'
import type { NormalizedPartition } from '../kernel/lake.ts'

declare module '../kernel/tables.ts' {
  interface Tables {
    partitions: Table<Pointer>
    snapshots: Table<Info>
  }
}

/** One version of one partition, as it was committed. Its costs never change. */
export interface Info extends Pick<
  NormalizedPartition,
  'provider' | 'billingAccountId' | 'period' | 'rows' | 'days' | 'totals' | 'control' | 'formats' | 'lacks'
> {
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
  /** Keys of Parquet files, below the organization's prefix. */
  costs: string[]
  rollup: string[]
  /** The snapshot that was current before. */
  previous?: string
  /** A tombstone: the partition was purged, and no earlier version answers any more. */
  isPurged?: true
  /** Of a tombstone: when the files, versions and raw bills behind it were removed. */
  emptiedAt?: string
  /** The files of this version were removed, or are being removed. */
  isForgotten?: true
}

/** The current version of a partition. Its id is the partition's key. */
export type Pointer = Info

/** What a version says that has no costs, or whose costs were removed. */
export const noCosts = {
  rows: 0,
  totals: [],
  control: [],
  formats: [],
  costs: [],
  rollup: [],
  raw: '',
  digest: '',
  siblings: 0,
} satisfies Partial<Info>

/** The id of a version in the history. */
export function historyId(partition: string, snapshotId: string): string {
  return `${partition}#${snapshotId}`
}

/** Whether a version has costs; a tombstone has none. */
export function isVisible({ isPurged }: Info): boolean {
  return isPurged !== true
}

/** The history's row of a snapshot in a partition. The row is written before the head moves, so it may never have become visible. */
export async function written(ctx: Context, partition: string, snapshotId: string): Promise<Info | undefined> {
  return await ctx.tables.snapshots.get(ctx.orgId, historyId(partition, snapshotId))
}

/** The version that this one replaced. */
export async function previousOf(ctx: Context, version: Info): Promise<Info | undefined> {
  if (!version.previous) return undefined
  return await written(ctx, version.partition, version.previous)
}
