import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { DuckDBInstance } from '@duckdb/node-api'
import { lakeColumns } from '../../packages/providers/src/columns.ts'

const typeOf = new Map(lakeColumns.map(({ name, type }) => [name, type]))

/**
 * Converts an exported CSV to Parquet with FOCUS's types, because the validator guesses the types of a CSV and reads
 * account ids as numbers. Throws if a value does not match its column's type.
 */
export async function asParquet(csv: string, parquet: string): Promise<void> {
  const columns = (await headerOf(csv)).map((name) => `'${name}': '${typeOf.get(name) ?? 'VARCHAR'}'`)
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const source = `read_csv($csv, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', nullstr = '', columns = {${columns.join(', ')}})`
    await connection.run(`COPY (SELECT * FROM ${source}) TO '${parquet.replaceAll("'", "''")}' (FORMAT parquet)`, {
      csv,
    })
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function headerOf(csv: string): Promise<string[]> {
  for await (const line of createInterface({ input: createReadStream(csv) })) return line.split(',')
  throw new Error(`${csv} is empty`)
}
