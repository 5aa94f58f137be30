import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SourceFile } from '@cloudoptima/core'
import type { Database } from './database.ts'

// DuckDB reads a large file with all processors. For a small file it mostly plans, on one processor.
const smallBytes = 16 * 1024 * 1024

/** The number of files of a delivery to read at once. */
export async function lanesFor(files: readonly SourceFile[]): Promise<number> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size))
  return sizes.every((size) => size <= smallBytes) ? Math.min(availableParallelism(), files.length) : 1
}

/** Runs the work in lanes with a connection each. Throws the error of the first failed item, once all lanes ended. */
export async function inLanes<Item>(
  database: Database,
  lanes: number,
  items: readonly Item[],
  work: (connection: DuckDBConnection, item: Item, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries()
  const failures: { index: number; error: unknown }[] = []
  const lane = async (): Promise<void> => {
    const connection = await database.connect()
    try {
      for (const [index, item] of queue) {
        if (failures.length > 0) break
        await work(connection, item, index).catch((error: unknown) => failures.push({ index, error }))
      }
    } finally {
      connection.closeSync()
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  const [first] = failures.toSorted((a, b) => a.index - b.index)
  if (first) throw first.error
}
