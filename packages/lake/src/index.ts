import { join } from 'node:path'
import { type Blobs, costMetrics, type Lake } from '@cloudoptima/core'
import type { DuckDBConnection } from '@duckdb/node-api'
import { createCache } from './cache.ts'
import { type Database, open, plain, rows } from './database.ts'
import { exportFocus } from './export.ts'
export { group } from './bills/group.ts'
export { runOf } from './bills/runs.ts'
import { normalize } from './normalize.ts'
export { normalize } from './normalize.ts'
import { statements } from './queries.ts'
import { relation } from './relation.ts'

export interface Options {
  blobs: Blobs
  /** Folder for downloaded Parquet files and for data that DuckDB spills. */
  cacheDir: string
  /** Memory limit of DuckDB for a normalization, such as `'500MB'`, and the same again for answers. */
  memoryLimit?: string
  /** Maximum size of the cache of Parquet files. */
  cacheBytes?: number
}

const amounts = new Set<string>(['cost', 'current', 'previous', ...costMetrics])

/** The lake over S3 and DuckDB. One DuckDB answers all queries of the process; each normalization has its own. */
export function createLake({
  blobs,
  cacheDir,
  memoryLimit = '500MB',
  cacheBytes = 4e9,
}: Options): Lake & { close(): Promise<void> } {
  const cache = createCache(blobs, join(cacheDir, 'parquet'), cacheBytes)
  let database: Promise<Database> | undefined

  const connected = async <Result>(use: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> => {
    database ??= open({ tempDir: cacheDir, memoryLimit })
    const connection = await (await database).connect()
    try {
      return await use(connection)
    } finally {
      connection.closeSync()
    }
  }

  return {
    normalize: async (files, options) => await normalize(files, { ...options, memoryLimit }),
    async query(name, files, parameters) {
      const statement = statements[name](parameters)
      const keys = files.files[statement.dataset]
      if (keys.length === 0) return []
      const from = relation(statement.dataset, await cache.paths(files.orgId, keys), files.excluded, statement.reads)
      const found = await connected(
        async (connection) =>
          await rows<Record<string, string>>(connection, statement.sql.replace('{files}', from), statement.values),
      )
      return found.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [
            column,
            amounts.has(column) && typeof value === 'string' ? plain(value) : value,
          ]),
        ),
      ) as never
    },
    async export(files, options) {
      const from = relation('costs', await cache.paths(files.orgId, files.files.costs), files.excluded)
      return await connected(async (connection) => await exportFocus(connection, from, options))
    },
    async close() {
      ;(await database)?.close()
    },
  }
}
