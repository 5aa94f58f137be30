import type { Partition } from './partition.ts'

/** Money of one currency, as plain decimal strings: no exponent, no trailing zeros, at most 18 decimals. */
export interface Totals {
  currency: string
  billed: string
  effective: string
  list: string
  contracted: string
}

/** A bill file on this machine's disk. */
export interface SourceFile {
  /** As its owner knows it; appears in messages. */
  name: string
  path: string
}

/** What normalization made of one delivery: Parquet files on this machine's disk, a set for each partition. */
export interface Normalized {
  files: { name: string; format: string; rows: number; periods: string[] }[]
  partitions: NormalizedPartition[]
}

export interface NormalizedPartition extends Partition {
  /** Rows of the `costs` dataset. */
  rows: number
  /** The first and last day on which a charge begins, `YYYY-MM-DD`. */
  days: { first: string; last: string }
  totals: Totals[]
  /** What the bill itself says it comes to: the sum of its own cost column, read apart from the mapping. */
  control: { currency: string; total: string; rows: number }[]
  costs: string[]
  rollup: string[]
}

export interface Progress {
  phase: 'store' | 'read' | 'normalize' | 'commit'
  /** 0-100. */
  percent: number
  rows?: number
}

/** The Parquet files that answer a question, as keys below the organisation's prefix. Immutable: a key never changes its content. */
export interface LakeFiles {
  orgId: string
  costs: string[]
  rollup: string[]
}

/** The engine over Parquet, DuckDB behind it. */
export interface Lake {
  /** Reads a delivery, maps it to FOCUS, checks it and writes Parquet below `workDir`. Throws Fault `invalid` with the reason when the delivery cannot be accepted. */
  normalize(files: SourceFile[], options: { workDir: string; snapshotId: string; onProgress?: (progress: Progress) => void }): Promise<Normalized>
  /** Runs one query of the catalogue in `@cloudoptima/lake` over the files; amounts come back as plain decimal strings. */
  query<Name extends keyof Queries>(name: Name, files: LakeFiles, parameters: Queries[Name]['parameters']): Promise<Queries[Name]['row'][]>
}

export type Metric = 'billed' | 'effective' | 'list' | 'contracted'

/** What every cost query is asked: which days, which money, which rows. */
export interface CostParameters {
  metric: Metric
  /** In which period a charge is counted: the day it was incurred, or the billing period it was billed in. */
  basis: 'charge' | 'billing'
  /** Inclusive days, `YYYY-MM-DD`. */
  start: string
  end: string
  filters: Filter[]
}

/** Rows whose dimension has one of the values; `tag` filters name their key. */
export interface Filter {
  dimension: 'provider' | 'account' | 'subaccount' | 'service' | 'region' | 'category' | 'tag'
  tagKey?: string
  values: string[]
}

export interface Queries {
  /** Cost by day, currency and, where asked, one dimension. `dimension` is null where the source says nothing. */
  costByDay: {
    parameters: CostParameters & { groupBy?: 'service' | 'region' | 'account' | 'provider' | 'tag'; tagKey?: string }
    row: { day: string; currency: string; dimension: string | null; cost: string }
  }
  /** Cost of each service over two spans of days. */
  costByService: {
    parameters: CostParameters & { previousStart: string; previousEnd: string }
    row: { provider: string; service: string; currency: string; current: string; previous: string }
  }
  /** The dearest resources of each service. */
  topResources: {
    parameters: CostParameters & { perService: number }
    row: { provider: string; service: string; resourceId: string; currency: string; cost: string }
  }
  /** What makes billed and effective cost differ, by provider, account and currency of the billing period. */
  reconciliation: {
    parameters: { period: string }
    row: { provider: string; billingAccountId: string; currency: string } & Record<
      'billed' | 'effective' | 'list' | 'contracted' | 'commitmentPurchases' | 'commitmentCovered' | 'commitmentUnused' | 'credits' | 'tax',
      string
    >
  }
}
