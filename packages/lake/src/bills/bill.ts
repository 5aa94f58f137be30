import { type ControlMetric, Partition } from '@cloudoptima/core'
import type { Format } from '@cloudoptima/providers'
import type { Undecided } from './decide.ts'
import type { Reading, Source } from './source.ts'

/** One recognized file of a delivery. */
export interface Bill {
  /** The number of the delivered file; an archive holds several. */
  origin: number
  source: Source
  format: Format
  /** Whether the format follows from other files of the delivery and not from this one. */
  isInferred: boolean
  /** `account/YYYY-MM` of the bills of which the delivery also has the paired format. */
  paired: string[]
  /** `account/YYYY-MM` of the bills for which a file of the delivery has net costs. */
  net: string[]
  reading: Reading
  /** The refusal of a file whose numbers or dates have two readings, unless its siblings tell which. */
  undecided?: Undecided
  control: Control[]
  /** The file that DuckDB reads instead, if the delivered one must be rewritten. */
  rewriteTo: string
  /** The Parquet files of its rows. */
  staged: string[]
}

export interface Control {
  provider: string
  billing_account_id: string
  period: string
  currency: string
  metric: ControlMetric
  total: string
  rows: string
  /** Total and rows of purchases and refunds of commitments: all that is read if the delivery has the paired format. */
  purchase_total?: string
  purchase_rows?: string
  /** Whether the file shows that the bill has net costs, and its total if any file of the delivery does. */
  has_net?: boolean
  net_total?: string
}

/** Whether two bills have a partition in common. */
export function sharesPartition(a: Bill, b: Bill): boolean {
  const of = (bill: Bill): Set<string> => new Set(bill.control.map(controlKey))
  return !of(a).isDisjointFrom(of(b))
}

/** The key of the partition of a control total. */
export function controlKey({ provider, billing_account_id, period }: Control): string {
  return Partition.key({ provider, billingAccountId: billing_account_id, period })
}
