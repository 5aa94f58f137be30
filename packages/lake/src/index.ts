import { join } from 'node:path'
import { type Blobs, costMetrics, type Lake } from '@cloudoptima/core'
import { createCache } from './cache.ts'
import { type Database, numbered, open, parquet, plain } from './database.ts'
import { exportFocus } from './export.ts'
export { group } from './bills/group.ts'
import { createLine, type Line } from './line.ts'
import { normalize } from './normalize.ts'
export { normalize } from './normalize.ts'
import { statements } from './queries.ts'
import { relation } from './relation.ts'
import { withTags } from './scope.ts'
import { compare } from './inventories.ts'
import { writeRows } from './resources.ts'
import { createRollups, type Rollups } from './rollups.ts'

export interface Options {
  blobs: Blobs
  /** Folder for downloaded Parquet files and for data that DuckDB spills. */
  cacheDir: string
  /** Memory limit of DuckDB for a normalization, such as `'500MB'`, and the same again for answers. */
  memoryLimit?: string
  /** Maximum size of the cache of Parquet files. */
  cacheBytes?: number
}

const mostIdle = 4

const amounts = new Set<string>(['cost', 'current', 'previous', 'before', 'after', ...costMetrics])

/** The lake over S3 and DuckDB. One DuckDB answers all queries of the process; each normalization has its own. */
export function createLake({
  blobs,
  cacheDir,
  memoryLimit = '500MB',
  cacheBytes = 4e9,
}: Options): Lake & { close(): Promise<void> } {
  const cache = createCache(blobs, join(cacheDir, 'parquet'), cacheBytes)
  let database: Promise<Database & { rollups: Rollups }> | undefined
  const opened = () =>
    (database ??= open({ tempDir: cacheDir, memoryLimit }).then((made) => ({
      ...made,
      rollups: createRollups(made.connection),
    })))
  const idle: Line[] = []

  const connected = async <Result>(use: (line: Line) => Promise<Result>): Promise<Result> => {
    const line = idle.pop() ?? createLine(await (await opened()).connect())
    try {
      return await use(line)
    } finally {
      if (idle.length < mostIdle) idle.push(line)
      else line.close()
    }
  }

  return {
    normalize: async (files, options) => await normalize(files, { ...options, memoryLimit }),
    async query(name, files, parameters) {
      const statement = statements[name](parameters)
      const keys = files.files[statement.dataset]
      if (keys.length === 0) return []
      const paths = await cache.paths(files.orgId, keys)
      const ask = async (from: string) => {
        const visible = relation(statement.dataset, from, files.excluded, statement.reads)
        const rows = withTags(visible, statement.values)
        const sql = statement.sql.replace('{files}', () => rows)
        return await connected(async (line) => await line.rows<Record<string, string>>(sql, statement.values))
      }
      const isRollup = statement.dataset === 'cost_rollup'
      const whole = statement.isNumbered ? numbered(paths) : parquet(paths)
      const found = await (isRollup ? (await opened()).rollups.within(files.orgId, paths, ask) : ask(whole))
      return found.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [
            column,
            amounts.has(column) && typeof value === 'string' ? plain(value) : value,
          ]),
        ),
      ) as never
    },
    async writeRows(dataset, { orgId, ...rows }) {
      const before = await cache.paths(orgId, [...rows.before])
      return await connected(async ({ connection }) => await writeRows(connection, dataset, { ...rows, before }))
    },
    async compareResources({ orgId, ...given }) {
      const before = await cache.paths(orgId, [...given.before])
      const changes = await cache.paths(orgId, [...given.changes])
      return await connected(async ({ connection }) => await compare(connection, { ...given, before, changes }))
    },
    async export(files, options) {
      const from = relation('costs', parquet(await cache.paths(files.orgId, files.files.costs)), files.excluded)
      return await connected(async ({ connection }) => await exportFocus(connection, from, options))
    },
    async close() {
      for (const line of idle.splice(0)) line.close()
      ;(await database)?.close()
    },
  }
}
