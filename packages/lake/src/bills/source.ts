import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
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
  compression: 'gzip' | 'zstd' | 'none'
}

/** The unpacked bytes of a file. */
export function unpacked({ path, compression }: Pick<Source, 'path' | 'compression'>): Readable {
  const bytes = createReadStream(path)
  if (compression === 'none') return bytes
  return bytes.pipe(compression === 'gzip' ? createGunzip() : createZstdDecompress())
}

export interface Reading {
  /** Reads costs as text by `bill_money`, for bills that a spreadsheet saved. */
  lenient?: boolean
  /** Numbers the rows (from 1) as `x_SourceRow`. It is slow, and used to find the row of a refusal. */
  numbered?: boolean
}
