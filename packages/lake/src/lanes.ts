import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { DuckDBConnection } from '@duckdb/node-api'
import { FileType, type SourceFile } from '@cloudoptima/core'
import type { Database } from './database.ts'

// DuckDB reads a large file with all processors. For a small file it mostly plans, on one processor.
const smallBytes = 16 * 1024 * 1024

/** The number of files of a delivery to read at once. */
export async function lanesFor(files: readonly SourceFile[]): Promise<number> {
  const sizes = await Promise.all(files.map(sizeOf))
  return sizes.every((size) => size <= smallBytes) ? Math.min(availableParallelism(), files.length) : 1
}

/** The size of the content, which of a packed file is mostly 10 times its own. */
async function sizeOf({ path, contentBytes }: SourceFile): Promise<number> {
  if (contentBytes !== undefined) return contentBytes
  const type = await FileType.fileTypeOf(path)
  return (await stat(path)).size * (type === 'gzip' || type === 'zstd' ? 10 : 1)
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
