import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe } from 'vitest'
import { Limits, type Normalized } from '@cloudoptima/core'
import { type Database, literal, open, plain, rows } from '../database.ts'
import { normalize } from '../normalize.ts'

/** A row of the lake: decimals plain, times and JSON as text. */
export type LakeRow = Record<string, string | null>

const shared = resolve(import.meta.dirname, '../../../../../shared/data')

/** A file of the data that nobody on the team made. */
export const dataFile = (path: string): string => join(shared, path)

/** Names in a folder of that data; none where the data is missing. */
export const dataNames = (path: string): string[] => (existsSync(dataFile(path)) ? readdirSync(dataFile(path)) : [])

/** The rows of a CSV of that data, every value as text. */
export function dataRows(path: string): Record<string, string>[] {
  return parse(readFileSync(dataFile(path)), { bom: true, columns: true, skip_empty_lines: true })
}

/** Tests over those files; without them they are skipped and say so, but never on the build server. */
export const describeData: typeof describe | typeof describe.skip = (() => {
  if (existsSync(shared) || process.env.CI !== undefined) return describe
  process.stderr.write(`skipped: the data folder ${shared} is missing\n`)
  return describe.skip
})()

export interface Bench {
  /** Brings files into a lake of their own, through the very code that imports them. A path is read where it lies, anything else is the content. */
  bring(
    files: Record<string, string | Buffer | { path: string }>,
    limits?: Limits.Limits,
  ): Promise<{ normalized: Normalized; rows: LakeRow[] }>
  /** Runs SQL with the mappings' macros at hand. */
  query<Row>(sql: string): Promise<Row[]>
  /** Writes the result of a query as Parquet and says where. */
  parquet(sql: string): Promise<{ path: string }>
}

/** A folder and a DuckDB for the tests of one file. */
export function bench(): Bench {
  let folder = ''
  let count = 0
  let database: Database
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cloudoptima-formats-'))
    database = await open({ tempDir: folder, memoryLimit: '300MB' })
  })
  afterAll(async () => {
    database.close()
    await rm(folder, { recursive: true, force: true })
  })
  const next = (name: string): string => join(folder, `${count++}-${name.replaceAll('/', '-')}`)
  return {
    async bring(files, limits = Limits.standard) {
      const sources = await Promise.all(
        Object.entries(files).map(async ([name, content]) => {
          if (typeof content !== 'string' && 'path' in content) return { name, path: content.path }
          const path = next(name)
          await writeFile(path, content)
          return { name, path }
        }),
      )
      const normalized = await normalize(sources, {
        workDir: next('work'),
        snapshotId: 'imp_test',
        memoryLimit: '300MB',
        limits,
      })
      const costs = normalized.partitions.flatMap(({ files }) => files.costs)
      const found = await rows<LakeRow>(
        database.connection,
        `SELECT * FROM read_parquet([${costs.map(literal).join(', ')}], hive_partitioning = false)`,
      )
      return { normalized, rows: found.map(readable) }
    },
    query: async (sql) => await rows(database.connection, sql),
    async parquet(sql) {
      const path = next('bill.parquet')
      await database.connection.run(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet)`)
      return { path }
    },
  }
}

function readable(row: LakeRow): LakeRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value !== null && /(Cost|Quantity|Price)$/.test(name) && value.includes('.') ? plain(value) : value,
    ]),
  )
}

/** Rows of plain objects as CSV; a column that a row lacks is empty. */
export function csv(
  bill: readonly Record<string, string>[],
  headers: readonly string[] = [...new Set(bill.flatMap((row) => Object.keys(row)))],
): string {
  const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return [headers, ...bill.map((row) => headers.map((header) => row[header] ?? ''))]
    .map((line) => `${line.map(field).join(',')}\n`)
    .join('')
}
