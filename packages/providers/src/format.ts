export interface Column {
  /**
   * `decimal`: exact, DECIMAL(38,18). `time`: text for the macro `bill_time`. `month`: text for the macro `gcp_month`.
   * `tags`: a JSON object as text.
   */
  type: 'text' | 'decimal' | 'time' | 'month' | 'tags'
  /** Other names of its header. Case does not matter. */
  aliases?: readonly string[]
  /** The file is refused without this column. */
  required?: boolean
  /** The file is refused if a row has no value in this column. */
  notNull?: boolean
}

/** A format is data, and its mapping is one SQL file. */
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
   * If the provider has several exports of these columns, and each holds all costs: which one wrote a file, by its name
   * or else by its headers (as keys), which are left out for a file that may lack columns without values.
   */
  exportOf?(name: string, headers: ReadonlySet<string> | undefined): string | undefined
  /** A file with such a name is a whole run of the export that its first group names. */
  runFile?: RegExp
  /** Its first group is the tag's key. The tags are collected in the column `gathered_tags`. */
  tagHeader?: RegExp
  /** Whether the headers (as keys) fit this format. `detect` checks the required columns. */
  matches(headers: ReadonlySet<string>): boolean
  /**
   * If headers do not identify the format: a SELECT over `source` of one boolean. The first candidate with true wins.
   */
  content?: string
  /** SELECT over `source`: the columns of the lake, by FOCUS's names, and `x_SourceRow`. */
  mapping: string
  /** Predicate over lake columns: rows that the mapping adds to those of the bill. */
  adds?: string
  /** Predicate over `source`: rows that repeat others and are not mapped. */
  leavesOut?: string
  /**
   * SELECT over `source`, also of half a pair: provider, billing_account_id, period (YYYY-MM), currency, total, rows,
   * metric; `net_total` is the total if the bill has net costs, which `has_net` says and `getvariable('net')` lists.
   */
  control: string
  /** In SQL, `getvariable('paired')` lists the `account/YYYY-MM` with both halves in the delivery. */
  pairedWith?: string
  /** If `pairedWith` has the same headers: a SELECT of one boolean, true if the rows prove this format. */
  proof?: string
  /** If `pairedWith` has the same headers: a SELECT DISTINCT of a number `charge` per charge that both sets contain. */
  chargeKeys?: string
}
