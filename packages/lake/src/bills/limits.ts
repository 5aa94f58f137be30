import { Limits, type SourceFile } from '@cloudoptima/core'
import type { DuckDBConnection } from '@duckdb/node-api'
import { stat } from 'node:fs/promises'
import { literal, rows } from '../database.ts'
import { refusal } from './refusal.ts'

/** Refuses a Parquet file by its footer, before its pages are read. */
export async function refuseLargeParquet(
  connection: DuckDBConnection,
  { name, path }: SourceFile,
  limits: Limits.Limits,
): Promise<void> {
  const sql = `SELECT
    (SELECT CAST(sum(num_rows) AS VARCHAR) FROM parquet_file_metadata(${literal(path)})) AS rows,
    (SELECT CAST(coalesce(sum(total_uncompressed_size), 0) AS VARCHAR)
      FROM parquet_metadata(${literal(path)})) AS bytes`
  const [found] = await rows<{ rows: string; bytes: string }>(connection, sql)
  const { size } = await stat(path)
  refuseTooMany(name, 'rows', Number(found?.rows), limits.rows)
  // Run-length encoding makes rows of nothing: a row of a bill takes more than a byte.
  refuseTooMany(name, `rows in ${size} bytes`, Number(found?.rows), Math.max(1_000_000, size))
  if (Number(found?.bytes) > Limits.unpackedLimit(size, limits))
    throw refusal(name, Limits.unpackedComplaint(size, limits))
}

/** Throws Fault `invalid` if a file has more of something than its limit. */
export function refuseTooMany(name: string, what: string, count: number, limit: number): void {
  const text = (value: number): string => value.toLocaleString('en')
  if (count > limit)
    throw refusal(name, `it has ${text(count)} ${what}, and ${text(limit)} is the most: split it by billing period`)
}
