import * as z from 'zod'
import type { AccountOfCloud } from '../kernel/cloud.ts'
import type { Dataset, FilesOf, Partition } from '../kernel/partition.ts'

/**
 * Costs of one currency, as plain decimal strings: no exponent, no trailing zeros, at most 18 decimals. `list` and `contracted` are null where no row
 * has a value.
 */
export const Totals = z.object({
  currency: z.string(),
  billed: z.string(),
  effective: z.string(),
  list: z.string().nullable(),
  contracted: z.string().nullable(),
})
export type Totals = z.infer<typeof Totals>

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

/** An account whose costs no answer contains, whichever bill has them. */
export interface ExcludedAccount extends AccountOfCloud {
  /** The connection that was purged. Another connection of the account lifts the exclusion. */
  cloudAccountId: string
  at: string
}

export interface NormalizedPartition extends Partition {
  /** Rows of the `costs` dataset. */
  rows: number
  /** The first and last day on which a charge begins, `YYYY-MM-DD`. */
  days: { first: string; last: string }
  totals: Totals[]
  /** What the bill itself says it comes to: the sum of its own cost column, read apart from the mapping, and which of our metrics that must equal. */
  control: { currency: string; metric: ControlMetric; total: string; rows: number }[]
  /** The formats it was made from; where one is half of a pair and came alone, the half that lacks. */
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

/** The Parquet files that answer a question, as keys below the organization's prefix. Immutable: a key never changes its content. */
export interface LakeFiles {
  orgId: string
  files: Record<Dataset, string[]>
  /** Accounts whose rows the engine leaves out of every answer and export. */
  excluded: readonly AccountOfCloud[]
}

export interface NormalizeOptions {
  workDir: string
  snapshotId: string
  onProgress?: (progress: Progress) => void
}

/** The engine over Parquet, DuckDB behind it. */
export interface Lake {
  /** Reads a delivery, maps it to FOCUS, checks it and writes Parquet below `workDir`. Throws Fault `invalid` with the reason when the delivery cannot be accepted. */
  normalize(files: SourceFile[], options: NormalizeOptions): Promise<Normalized>
  /** Writes the `costs` files as one CSV of that FOCUS version to a path on this machine; answers the rows. */
  export(files: LakeFiles, options: { version: FocusVersion; path: string }): Promise<number>
  /** Runs one query of the catalogue in `@cloudoptima/lake` over the files; amounts come back as plain decimal strings. */
  query<Name extends keyof Queries>(
    name: Name,
    files: LakeFiles,
    parameters: Queries[Name]['parameters'],
  ): Promise<Queries[Name]['row'][]>
}

/** The versions of FOCUS that bills may have and exports can have. */
export const focusVersions = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const
export type FocusVersion = (typeof focusVersions)[number]

/** The costs of FOCUS that can be summed. */
export const costMetrics = ['billed', 'effective', 'list', 'contracted'] as const
export type Metric = (typeof costMetrics)[number]

/** The costs that can be the cost column of a bill. */
export const controlMetrics = ['billed', 'effective'] as const satisfies readonly Metric[]
export type ControlMetric = (typeof controlMetrics)[number]

/** The period in which a charge is counted: the day it was incurred, or the billing period it was billed in. */
export const costBases = ['charge', 'billing'] as const

/** The dimensions by which costs can be filtered and grouped. */
export const dimensions = [
  'provider',
  'account',
  'billing_account',
  'subaccount',
  'service',
  'region',
  'category',
  'tag',
] as const
export type Dimension = (typeof dimensions)[number]

/** What every cost query is asked: which days, which money, which rows. */
export interface CostParameters {
  metric: Metric
  basis: (typeof costBases)[number]
  /** Inclusive days, `YYYY-MM-DD`. */
  start: string
  end: string
  filters: Filter[]
}

/** Rows whose dimension has one of the values; `tag` filters name their key. */
export interface Filter {
  dimension: Dimension
  tagKey?: string
  values: string[]
}

/** The catalogue of queries: the datasets that each may read, its parameters and its rows. */
export interface Queries {
  /** Cost by day, currency and, where asked, one dimension. `dimension` is null where the source says nothing. */
  costByDay: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & { groupBy?: Dimension; tagKey?: string }
    row: { day: string; currency: string; dimension: string | null; cost: string }
  }
  /**
   * What an overview needs, in one reading of the span and the one before it, which begins on `previousStart` and ends on the day before `start`:
   * the span by day (`key` is the day), the span by dimension (`key` is its value, null where the source says nothing), the span before as one sum.
   */
  costOverview: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & {
      previousStart: string
      groupBy: Dimension
      tagKey?: string
    }
    row: { part: 'day' | 'dimension' | 'previous'; key: string | null; currency: string; cost: string }
  }
  /** Cost of each service over two spans of days. */
  costByService: {
    dataset: 'costs' | 'cost_rollup'
    parameters: CostParameters & { previousStart: string; previousEnd: string }
    row: { provider: string; service: string | null; currency: string; current: string; previous: string }
  }
  /** The dearest resources of each service. */
  topResources: {
    dataset: 'costs'
    parameters: CostParameters & { perService: number }
    row: { provider: string; service: string | null; resourceId: string; currency: string; cost: string }
  }
  /**
   * What a billing period comes to, by provider, account, currency and kind of charge, so that the difference of any two metrics is the sum of its
   * parts. Kinds, in this order of precedence: `tax` and `credit` by ChargeCategory; `commitment_purchase`: a Purchase with a commitment;
   * `commitment_unused`, `commitment_used`: usage by CommitmentDiscountStatus; `other`: all the rest.
   */
  reconciliation: {
    dataset: 'cost_rollup'
    parameters: { period: string }
    row: {
      provider: string
      billingAccountId: string
      currency: string
      kind: 'tax' | 'credit' | 'commitment_purchase' | 'commitment_unused' | 'commitment_used' | 'other'
      rows: number
      billed: string
      effective: string
      /** Null where no row has a value. */
      list: string | null
      contracted: string | null
    }
  }
  /** The costs of the excluded accounts, and nothing else: the only query that reads their rows. */
  excludedCosts: {
    dataset: 'cost_rollup'
    parameters: Record<string, never>
    row: {
      provider: string
      billingAccountId: string
      /** In lower case, without the path that Azure puts before it. */
      accountId: string
      currency: string
      rows: number
      billed: string
      effective: string
    }
  }
}
