import type { DuckDBConnection } from '@duckdb/node-api'
import { type Format, positionsOf } from '@cloudoptima/providers'
import { rows } from '../database.ts'
import type { Source } from './source.ts'

/** The first row of a numbered SELECT that fulfils a predicate, with one value of it as text. */
export async function firstRow(
  connection: DuckDBConnection,
  select: string,
  { predicate, value }: { predicate: string; value: string },
): Promise<{ row: number; value: string | null } | undefined> {
  await connection.run('SET preserve_insertion_order = true')
  const sql = `SELECT x_SourceRow AS row, CAST(${value} AS VARCHAR) AS value
    FROM (${select}) WHERE ${predicate} ORDER BY 1 LIMIT 1`
  const [first] = await rows<{ row: string; value: string | null }>(connection, sql)
  await connection.run('SET preserve_insertion_order = false')
  return first && { row: Number(first.row), value: first.value }
}

/** The header of a format's column in the file, or the column's own name. */
export function headerOf(source: Source, format: Format, name: string): string {
  const [position = -1] = positionsOf(name, format.columns[name] ?? { type: 'text' }, source.headers)
  return source.headers[position] ?? name
}
