/** A column as one bill format has it. */
export interface Column {
  /** `decimal`: exact, DECIMAL(38,18). `time`: text that the macro `bill_time` must understand. `tags`: a JSON object as text. */
  type: 'text' | 'decimal' | 'time' | 'tags'
  /** Other spellings of its header; compared without regard to case. */
  aliases?: readonly string[]
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
  /** Columns of which the SQL asks whether the file has them at all: `source` says it as `has_<column>`. */
  presence?: readonly string[]
  /** Headers that each hold one tag: the first group is the tag's key. They are gathered into the column `gathered_tags`. */
  tagHeader?: RegExp
  /** Whether headers (in lower case) have the shape of this format, required columns apart: those are checked by `detect`. */
  matches(headers: ReadonlySet<string>): boolean
  /**
   * Where headers alone do not tell formats apart: SELECT over `source` of one boolean. Candidates are asked in the table's order and the first
   * that answers true is the format; the last candidate has no `content` and takes what nothing decides.
   */
  content?: string
  /** SELECT over the relation `source`: a column for each column of the lake that this format knows, by FOCUS's name, and the source's `x_SourceRow`. */
  mapping: string
  /**
   * SELECT over `source`: provider, billing_account_id, period (YYYY-MM), currency, total, rows, metric: what the bill itself says it comes to, and
   * which of our metrics (`billed`, `effective`) that is. It speaks of this file alone, paired or not.
   */
  control: string
  /** The format that completes this one. The SQL's `getvariable('paired')` lists the `account/YYYY-MM` for which both are in the delivery. */
  pairedWith?: string
  /** Where `pairedWith` has the same headers, SELECT over `source` of one boolean: the rows prove that the file is of this format. */
  proof?: string
  /** Where `pairedWith` has the same headers, SELECT DISTINCT over `source` of one number, `charge`, for each charge that both sets hold. */
  chargeKeys?: string
}
