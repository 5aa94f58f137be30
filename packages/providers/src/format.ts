/** A column of a bill format. */
export interface Column {
  /** `decimal`: exact, DECIMAL(38,18). `time`: text for the macro `bill_time`. `tags`: a JSON object as text. */
  type: 'text' | 'decimal' | 'time' | 'tags'
  /** Other names of its header. Case does not matter. */
  aliases?: readonly string[]
  /** The file is refused without this column. */
  required?: boolean
  /** The file is refused if a row has no value in this column. */
  notNull?: boolean
}

/** A kind of bill: how it is recognized and mapped to FOCUS. A format is data, and its mapping is one SQL file. */
export interface Format {
  /** `focus-1.2`, `aws-cur-legacy`, `azure-amortized` ... */
  id: string
  title: string
  /** The columns by canonical name, as used in the SQL. A missing column is NULL. */
  columns: Record<string, Column>
  /** The columns with the billing period and the day of the charge. */
  times: { start: string; end: string; charge: string }
  /** The column with the billing currency. */
  currency: string
  /**
   * Headers of columns with one tag each. The first group is the tag's key. The tags are collected in the column
   * `gathered_tags`.
   */
  tagHeader?: RegExp
  /** Whether the headers (as keys) fit this format. `detect` checks the required columns. */
  matches(headers: ReadonlySet<string>): boolean
  /**
   * If headers alone do not identify the format: a SELECT over `source` of one boolean. The first candidate with true
   * is the format. The last candidate has no `content` and is the default.
   */
  content?: string
  /**
   * SELECT over the relation `source`: the columns of the lake that this format has, by FOCUS's names, and
   * `x_SourceRow`.
   */
  mapping: string
  /** Predicate over lake columns: rows that the mapping adds to those of the bill. */
  adds?: string
  /** Predicate over `source`: rows that repeat others and are not mapped. */
  leavesOut?: string
  /**
   * SELECT over `source` of the bill's own totals: provider, billing_account_id, period (YYYY-MM), currency, total,
   * rows, metric (the `ControlMetric` of the total). It reads this file only, also if it is half of a pair. If the bill
   * has net costs in any file (`has_net`), which `getvariable('net')` lists like `paired`, `net_total` is the total.
   */
  control: string
  /**
   * The format of the other half of the bill. In SQL, `getvariable('paired')` lists the `account/YYYY-MM` with both
   * halves in the delivery.
   */
  pairedWith?: string
  /**
   * If `pairedWith` has the same headers: a SELECT over `source` of one boolean, true if the rows prove that the file
   * has this format.
   */
  proof?: string
  /**
   * If `pairedWith` has the same headers: a SELECT DISTINCT over `source` of a number `charge` per charge that both
   * sets contain.
   */
  chargeKeys?: string
}
