/** A column as one bill format has it. */
export interface Column {
  /** `decimal`: exact, DECIMAL(38,18). `time`: kept as text, read by the mapping. `tags`: a JSON object as text. */
  type: 'text' | 'decimal' | 'time' | 'tags'
  /** Other spellings of its header; compared without regard to case. */
  aliases?: string[]
  /** The file is refused without this column. */
  required?: boolean
  /** The file is refused when a row has no value here. */
  notNull?: boolean
}

/** How one kind of bill is recognised and brought to FOCUS. A format is data; the mapping is one SQL file. */
export interface Format {
  /** `focus-1.2`, `aws-cur-legacy`, `azure-amortized` ... */
  id: string
  title: string
  /** Canonical column name (as the SQL names it) -> what it is. A column that a file lacks is NULL. */
  columns: Record<string, Column>
  /** Headers that each hold one tag: the first group is the tag's key. They are gathered into the column `gathered_tags`. */
  tagHeader?: RegExp
  /** Whether a file with these headers is of this format. Exactly one format of the table matches a bill. */
  matches(headers: ReadonlySet<string>): boolean
  /** SELECT over the relation `source`: a column for each column of the lake that this format knows, by FOCUS's name. */
  mapping: string
  /** SELECT over `source`: provider, billing_account_id, period (YYYY-MM), currency, total, rows: what the bill itself says it comes to. */
  control: string
  /** The format that completes this one: when both are in a delivery for the same account and period, the SQL's `getvariable('paired')` is true. */
  pairedWith?: string
}
