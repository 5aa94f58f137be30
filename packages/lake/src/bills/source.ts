import type { SourceFile } from '@cloudoptima/core'

/** A bill file whose header is known. */
export interface Source extends SourceFile {
  kind: 'csv' | 'parquet'
  /** As written, without byte order mark and outer spaces. */
  headers: string[]
  /** Parquet: DuckDB's type of each column. */
  types: string[]
  delimiter: string
  /** By content, whatever the name ends in. */
  compression: 'gzip' | 'none'
}

export interface Reading {
  /** Costs are read as text and understood by `bill_money`: bills that went through a spreadsheet. */
  lenient?: boolean
  /** Numbers the rows (from 1) as `x_SourceRow`; slow, for finding the row that a refusal is about. */
  numbered?: boolean
}
