import type { DuckDBConnection } from '@duckdb/node-api'
import { detect, explain, type Format } from '@cloudoptima/providers'
import { rows } from '../database.ts'
import { refusal } from './refusal.ts'
import { selectSource } from './select.ts'
import type { Source } from './source.ts'

/** The format of a file. Throws Fault `invalid` with the closest known format and its missing columns. */
export async function recognise(connection: DuckDBConnection, source: Source): Promise<Format> {
  const candidates = detect(source.headers)
  for (const format of candidates) {
    if (!format.content || candidates.length === 1) return format
    await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, { lenient: true })}`)
    const [answer] = await rows<Record<string, boolean>>(connection, format.content)
    if (answer && Object.values(answer)[0]) return format
  }
  throw refusal(source.name, explain(source.headers))
}
