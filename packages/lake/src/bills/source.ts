import type { SourceFile } from '@cloudoptima/core'

/** A bill file whose header is known. */
export interface Source extends SourceFile {
  kind: 'csv' | 'parquet'
  /** As written, without byte order mark and outer spaces. */
  headers: string[]
  /** Parquet: DuckDB's type of each column. */
  types: string[]
  delimiter: string
  /** By content, not by name. */
  compression: 'gzip' | 'none'
}

export interface Reading {
  /** Reads costs as text by `bill_money`, for bills that a spreadsheet saved. */
  lenient?: boolean
  /** Numbers the rows (from 1) as `x_SourceRow`. It is slow, and used to find the row of a refusal. */
  numbered?: boolean
}
