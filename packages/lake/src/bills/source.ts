import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { SourceFile } from '@cloudoptima/core'

export type Compression = 'gzip' | 'zstd' | 'none'

/** The unpacked bytes of a file. */
export function unpacked(path: string, compression: Compression): Readable {
  const bytes = createReadStream(path, { highWaterMark: 256 * 1024 })
  if (compression === 'none') return bytes
  return bytes.pipe(compression === 'gzip' ? createGunzip() : createZstdDecompress())
}

/** How the bytes of a CSV become records. */
export interface Dialect {
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be'
  compression: Compression
  delimiter: string
  /** The character before a quote inside a quoted field. */
  escape: '"' | '\\'
  /** Whether the line `sep=;` stands before the header. */
  hasSeparatorLine: boolean
}

/** A bill file whose header is known. */
export interface Source extends SourceFile {
  kind: 'csv' | 'json' | 'parquet'
  /** As written, without byte order mark and outer spaces. */
  headers: string[]
  /** Parquet: DuckDB's type of each column. */
  types: string[]
  /** Parquet with nested fields: the SQL of each column. */
  fields?: string[]
  /** The dialect of a CSV as delivered. */
  dialect: Dialect
  /** CSV and JSON lines: the CSV that DuckDB reads instead, if the delivered one had to be rewritten. */
  rewritten?: string
  /** The position of the column with all tags as one JSON object, which rewriting adds. */
  tagsAt?: number
}

export interface Reading {
  /** The decimal mark of a file with numbers as a spreadsheet writes them; `none`: numbers stay text. */
  mark?: 'point' | 'comma' | 'none'
  /** The order of dates such as 01/09/2024. */
  order?: 'day' | 'month'
  /** The code of each currency that the file writes as a name, in upper case. */
  currencies?: Record<string, string>
  /** Numbers the rows (from 1) as `x_SourceRow`. It is slow, and used to find the row of a refusal. */
  numbered?: boolean
}
