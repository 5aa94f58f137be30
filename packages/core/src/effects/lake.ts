import type { Limits } from '../bills/limits.ts'
import type { AccountOfCloud } from '../kernel/cloud.ts'
import type { ResourceChange } from '../kernel/resource.ts'
import type { Dataset, FilesOf, Partition } from '../kernel/partition.ts'
import type { ControlMetric, Queries, Totals } from './queries.ts'

/** Messages use the original name. */
export interface SourceFile {
  name: string
  path: string
  /** Undefined if nobody has looked. */
  isRegular?: boolean | undefined
  /** Of a text, also within quotes, if somebody has counted. */
  lines?: number | undefined
  /** The size of a packed file's content, if it is known. */
  contentBytes?: number | undefined
}

export interface Normalized {
  /** A file without format is no bill, such as a manifest, or a bill that was left out. */
  files: { name: string; format?: string; rows: number; periods: string[] }[]
  partitions: NormalizedPartition[]
  /** Sentences for the owner about what was left out or rounded. */
  notes?: string[]
}

export interface ExcludedAccount extends AccountOfCloud {
  /** A new connection of the account lifts the exclusion. */
  cloudAccountId: string
  at: string
}

/** First and last day on which a charge begins; bit n-1 of `usage`: the n-th day of the period's month has usage. */
export interface ChargeDays {
  first: string
  last: string
  usage?: number
}

export interface NormalizedPartition extends Partition {
  rows: number
  days: ChargeDays
  totals: Totals[]
  /** The sum of the bill's own cost column, and the metric that must equal it. */
  control: { currency: string; metric: ControlMetric; total: string; rows: number }[]
  /** `lacks` names the missing half of a pair. */
  formats: string[]
  lacks?: string
  files: FilesOf<'bill'>
}

export interface Progress {
  phase: 'store' | 'read' | 'normalize' | 'commit'
  /** 0-100. */
  percent: number
  rows?: number
}

/** Keys of Parquet files, whose content never changes. */
export interface LakeFiles {
  orgId: string
  files: Record<Dataset, string[]>
  /** Their rows are left out of every answer and export. */
  excluded: readonly AccountOfCloud[]
}

export interface NormalizeOptions {
  workDir: string
  snapshotId: string
  /** Default: the limits of the highest tier. */
  limits?: Limits
  onProgress?: (progress: Progress) => void
  /** Ends the work, where it has a process of its own. */
  signal?: AbortSignal
}

export interface RowsToWrite {
  orgId: string
  source: string
  path: string
  /** Keys of Parquet files. */
  before: readonly string[]
  /** Parts of `before` whose resources stay. */
  kept: readonly string[]
}

/** Two inventories of an account, the later one not yet in the lake. */
export interface ToCompare {
  orgId: string
  /** Keys of Parquet files. */
  before: readonly string[]
  /** A local Parquet file. */
  after: string
  /** When the cloud described the later one, in ISO time. */
  at: string
  /** A resource that was created before is found, not started. */
  foundBefore: string
  /** Keys of the changes so far, of which those from `since` on are kept. */
  changes: readonly string[]
  since: string
  /** Where the changes are written. */
  path: string
}

export interface Compared {
  /** They differ at most in the time when they were taken. */
  isSame: boolean
  /** Of the file of changes. */
  rows: number
  counts: Partial<Record<ResourceChange, number>>
  /** The first 100, of each kind. */
  resources: { id: string; change: ResourceChange }[]
}

/** The query engine over Parquet. */
export interface Lake {
  /** Starts what `normalize` needs, while its files are downloaded. */
  prepare?(): void
  /** Writes FOCUS below `workDir`. Throws Fault `invalid`. */
  normalize(files: SourceFile[], options: NormalizeOptions): Promise<Normalized>
  /** JSON lines and the rows of `kept` parts in files of `before`, as Parquet; returns the number of rows. */
  writeRows(dataset: 'resources' | 'utilization', rows: RowsToWrite): Promise<number>
  /** Adds what differs between two inventories to the changes of the account. */
  compareResources(inventories: ToCompare): Promise<Compared>
  /** Writes `costs` as one CSV; returns the number of rows. */
  export(files: LakeFiles, options: { version: FocusVersion; path: string }): Promise<number>
  /** Amounts are decimal strings. */
  query<Name extends keyof Queries>(
    name: Name,
    files: LakeFiles,
    parameters: Queries[Name]['parameters'],
  ): Promise<Queries[Name]['row'][]>
}

export const focusVersions = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const
export type FocusVersion = (typeof focusVersions)[number]
