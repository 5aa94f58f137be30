import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { macros } from '@cloudoptima/providers'

const decimalSql = readFileSync(new URL('./decimal.sql', import.meta.url), 'utf8')

/**
 * Rows of a Parquet row group, which each thread holds uncompressed. With DuckDB's default of 122,880 rows, seventy
 * columns exceed the memory limit, and spilling makes an import three times slower.
 */
export const rowGroupSize = 30_720

/** An in-memory DuckDB. */
export interface Database {
  connection: DuckDBConnection
  /** One more connection, for a concurrent query. */
  connect(): Promise<DuckDBConnection>
  close(): void
}

export interface Settings {
  /** Folder for data that exceeds the memory. */
  tempDir: string
  /** Memory limit of DuckDB, such as `'500MB'`, without the overhead of Node and DuckDB. */
  memoryLimit: string
}

/** Opens an in-memory DuckDB with the macros of the mappings. Without extensions, it makes no network calls. */
export async function open({ tempDir, memoryLimit }: Settings): Promise<Database> {
  const folder = join(tempDir, 'duckdb')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memoryLimit,
    temp_directory: folder,
    threads: String(availableParallelism()),
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  // A file of the lake never changes.
  await connection.run('SET GLOBAL parquet_metadata_cache = true')
  await connection.run(macros)
  await connection.run(decimalSql)
  return {
    connection,
    connect: async () => await instance.connect(),
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** All rows of a query as plain objects; decimals, dates and big integers come as text. */
export async function rows<Row>(
  connection: DuckDBConnection,
  sql: string,
  values: Record<string, string | number | string[]> = {},
): Promise<Row[]> {
  const reader = await connection.runAndReadAll(sql, values as Parameters<DuckDBConnection['runAndReadAll']>[1])
  return reader.getRowObjectsJson() as Row[]
}

/** A name as SQL writes it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Parquet files as a relation. */
export function parquet(paths: readonly string[], more = ''): string {
  return `read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false${more})`
}

/** Parquet files as a relation whose column `x_File` has the number of the file, counted from `first`. */
export function numbered(paths: readonly string[], first = 1): string {
  const position = `list_position([${paths.map(literal).join(', ')}], filename)`
  return `(SELECT * EXCLUDE filename, ${first - 1} + ${position} AS x_File FROM ${parquet(paths, ', filename = true')})`
}

/** Parquet as the lake stores it. */
export const storage = `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${rowGroupSize}`

/** A text as SQL writes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A plain decimal: no exponent, no trailing zeros. */
export function plain(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '').replace(/^-0$/, '0') : decimal
}
