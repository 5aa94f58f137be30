import { literal, numbered, rows, parquet } from './database.ts'
import type { DuckDBConnection } from '@duckdb/node-api'

/** Roll-up files in the memory of DuckDB, because opening many small files takes longer than a query. */
export interface Rollups {
  /** Calls `use` with the rows of these files: a table from the second use of a file on, and else the files. */
  within<Result>(orgId: string, paths: readonly string[], use: (from: string) => Promise<Result>): Promise<Result>
}

/** The files of one organization in one table, whose column `x_File` has their numbers. */
interface Shelf {
  table: string
  numbers: Map<string, number>
  rows: number
  users: number
  isDropped: boolean
}

let tables = 0

/** Holds up to `mostRows` rows, of about 1 KB each; the least recently used organization goes first. */
export function createRollups(connection: DuckDBConnection, mostRows = 150_000): Rollups {
  // The least recently used first.
  const shelves = new Map<string, Shelf>()
  const seen = new Set<string>()
  let loading: Promise<unknown> = Promise.resolve()

  async function dropUnused(shelf: Shelf): Promise<void> {
    if (shelf.isDropped && shelf.users === 0) await connection.run(`DROP TABLE ${shelf.table}`)
  }

  async function drop(orgId: string, shelf: Shelf): Promise<void> {
    shelves.delete(orgId)
    shelf.isDropped = true
    await dropUnused(shelf)
  }

  async function rowsOf(paths: readonly string[]): Promise<number> {
    const metadata = `parquet_file_metadata([${paths.map(literal).join(', ')}])`
    const [found] = await rows<{ rows: number }>(
      connection,
      `SELECT CAST(sum(num_rows) AS DOUBLE) AS rows FROM ${metadata}`,
    )
    return found?.rows ?? 0
  }

  async function load(orgId: string, paths: readonly string[]): Promise<void> {
    let shelf = shelves.get(orgId)
    let missing = paths.filter((path) => !shelf?.numbers.has(path))
    if (missing.length === 0) return
    // A full table has files of old versions: the next one begins with those that are in use.
    if (shelf && shelf.rows + (await rowsOf(missing)) > mostRows) {
      await drop(orgId, shelf)
      shelf = undefined
      missing = [...paths]
    }
    const added = await rowsOf(missing)
    if (added > mostRows) return
    for (const [other, old] of shelves) if (old !== shelf && sum(shelves) + added > mostRows) await drop(other, old)
    const from = numbered(missing, (shelf?.numbers.size ?? 0) + 1)
    if (shelf) await connection.run(`INSERT INTO ${shelf.table} FROM ${from}`)
    else {
      shelf = { table: `rollup_${tables++}`, numbers: new Map(), rows: 0, users: 0, isDropped: false }
      await connection.run(`CREATE TABLE ${shelf.table} AS FROM ${from}`)
      shelves.set(orgId, shelf)
    }
    for (const path of missing) shelf.numbers.set(path, shelf.numbers.size + 1)
    shelf.rows += added
  }

  return {
    async within(orgId, paths, use) {
      const isKnown = paths.every((path) => seen.has(path))
      for (const path of paths) seen.add(path)
      if (seen.size > 10_000) seen.clear()
      const has = () => paths.every((path) => shelves.get(orgId)?.numbers.has(path))
      if (isKnown && !has()) {
        const mine = loading.then(async () => await load(orgId, paths))
        loading = mine.catch(() => undefined)
        await mine
      }
      const shelf = has() ? shelves.get(orgId) : undefined
      if (!shelf) return await use(parquet(paths))
      shelves.delete(orgId)
      shelves.set(orgId, shelf)
      shelf.users++
      try {
        return await use(`(${selection(shelf, paths)})`)
      } finally {
        shelf.users--
        await dropUnused(shelf)
      }
    },
  }
}

function selection({ table, numbers }: Shelf, paths: readonly string[]): string {
  const wanted = new Set(paths)
  // Never the whole table, because files may be added before the query begins.
  const isWanted =
    wanted.size === numbers.size
      ? `<= ${numbers.size}`
      : `IN (${[...wanted].map((path) => numbers.get(path)).join(', ')})`
  return `SELECT * FROM ${table} WHERE x_File ${isWanted}`
}

function sum(shelves: ReadonlyMap<string, Shelf>): number {
  return [...shelves.values()].reduce((total, { rows }) => total + rows, 0)
}
