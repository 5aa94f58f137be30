import type { DuckDBConnection } from '@duckdb/node-api'
import { detect, explain, type Format } from '@cloudoptima/providers'
import { rows } from '../database.ts'
import { delimiterOf } from './inspect.ts'
import { Malformed, records, wholeLines } from './records.ts'
import { refusal } from './refusal.ts'
import { selectSource } from './select.ts'
import type { Source } from './source.ts'

/** The format of a file. Throws Fault `invalid` with the closest known format and its missing columns. */
export async function recognise(connection: DuckDBConnection, source: Source): Promise<Format> {
  const candidates = detect(source.headers)
  for (const format of candidates) {
    if (!format.content || candidates.length === 1) return format
    await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, { mark: 'point' })}`)
    const [answer] = await rows<Record<string, boolean>>(connection, format.content)
    if (answer && Object.values(answer)[0]) return format
  }
  const line = await laterHeader(source)
  if (line !== undefined)
    throw refusal(source.name, `it is no header: the header is line ${line}. Remove the lines before it`, { line: 1 })
  throw refusal(source.name, explain(source.headers))
}

const mostTitleLines = 30

/** The line of the header in a file that begins with a title. */
async function laterHeader({ kind, path, dialect }: Source): Promise<number | undefined> {
  if (kind !== 'csv') return undefined
  try {
    // The delimiter of each line is guessed.
    for await (const { fields, line } of records(path, wholeLines(dialect))) {
      if (line > mostTitleLines) break
      const [text = ''] = fields
      const headers = text.split(delimiterOf(text)).map((header) => header.trim().replace(/^"(.*)"$/, '$1'))
      if (line > 1 && detect(headers).length > 0) return line
    }
  } catch (error) {
    // A header with quotes is no single field; the refusal then names the columns.
    if (!(error instanceof Malformed)) throw error
  }
  return undefined
}
