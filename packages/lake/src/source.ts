import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault, type SourceFile, Unpacking } from '@cloudoptima/core'
import type { Column, Format } from '@cloudoptima/providers'
import { parse } from 'csv-parse/sync'
import { identifier, literal, rows } from './database.ts'
import { parquetRefusal, refusal } from './refusal.ts'

/** A bill file whose header is known. */
export interface Source extends SourceFile {
  kind: 'csv' | 'parquet'
  /** As written, without byte order mark and outer spaces. */
  headers: string[]
  /** Parquet: DuckDB's type of each column. */
  types: string[]
  delimiter: string
  /** By content, whatever the name ends in. */
  compression: 'gzip' | 'none'
}

// The header is in the first of these that holds a whole line: even one of a bill with thousands of tag columns is.
const headBytes = [64 * 1024, 4 * 1024 * 1024]

/** Reads what a file is and which columns it has. Throws Fault `invalid` when it is no bill. */
export async function inspect(connection: DuckDBConnection, file: SourceFile): Promise<Source> {
  const { size } = await stat(file.path)
  if (size === 0) throw refusal(file.name, 'the file is empty')
  const magic = await firstBytes(file.path, 4)
  if (magic.toString('latin1') === 'PAR1') return await inspectParquet(connection, file, size)
  if (/\.parquet$/i.test(file.name)) throw refusal(file.name, 'the file is named .parquet but is no Parquet file')
  return await inspectCsv(file)
}

async function inspectParquet(connection: DuckDBConnection, file: SourceFile, size: number): Promise<Source> {
  try {
    await refuseEndless(connection, file, size)
    const columns = await rows<{ column_name: string; column_type: string }>(
      connection,
      `DESCRIBE SELECT * FROM read_parquet(${literal(file.path)})`,
    )
    const headers = columns.map(({ column_name }) => column_name.trim())
    return {
      ...file,
      kind: 'parquet',
      headers,
      types: columns.map(({ column_type }) => column_type),
      delimiter: '',
      compression: 'none',
    }
  } catch (error) {
    throw error instanceof Fault ? error : parquetRefusal(file.name, error)
  }
}

/** Parquet says what its pages come to; of gzip files it was found out when they were fetched. */
async function refuseEndless(connection: DuckDBConnection, file: SourceFile, size: number): Promise<void> {
  const sql = `SELECT CAST(coalesce(sum(total_uncompressed_size), 0) AS VARCHAR) AS bytes FROM parquet_metadata(${literal(file.path)})`
  const [{ bytes } = { bytes: '0' }] = await rows<{ bytes: string }>(connection, sql)
  if (Number(bytes) > Unpacking.limit(size)) throw refusal(file.name, Unpacking.complaint(size))
}

async function inspectCsv(file: SourceFile): Promise<Source> {
  const compression = isGzip(await firstBytes(file.path, 2)) ? 'gzip' : 'none'
  const head = await headOf(file, compression)
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff))
    throw refusal(file.name, 'the text is UTF-16: save it as CSV in UTF-8')
  const text = new TextDecoder().decode(head)
  const delimiter =
    [',', ';', '\t', '|']
      .map((mark) => ({ mark, count: firstLine(text).split(mark).length }))
      .sort((a, b) => b.count - a.count)[0]?.mark ?? ','
  const headers = headerRecord(file, text, delimiter).map((header) => header.trim())
  if (headers.every((header) => header === '')) throw refusal(file.name, 'the file has no header line', { line: 1 })
  return { ...file, kind: 'csv', headers, types: [], delimiter, compression }
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)?.[0] ?? ''
}

function headerRecord(file: SourceFile, text: string, delimiter: string): string[] {
  try {
    const [record] = parse(text, { bom: true, delimiter, to: 1, relax_column_count: true })
    return record ?? []
  } catch (error) {
    throw refusal(file.name, `the header line is broken (${error instanceof Error ? error.message : String(error)})`, {
      line: 1,
    })
  }
}

function isGzip(magic: Buffer): boolean {
  return magic[0] === 0x1f && magic[1] === 0x8b
}

async function headOf(file: SourceFile, compression: Source['compression']): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  for (const count of headBytes) {
    head = compression === 'none' ? await firstBytes(file.path, count) : await firstInflated(file, count)
    if (head.includes('\n')) break
  }
  return head
}

async function firstInflated(file: SourceFile, count: number): Promise<Buffer> {
  const inflated = createReadStream(file.path).pipe(createGunzip())
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of inflated as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= count) break
  }
  if (bytes === 0) throw refusal(file.name, 'the file is empty')
  return Buffer.concat(chunks)
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

export interface Reading {
  /** Costs are read as text and understood by `bill_money`: bills that went through a spreadsheet. */
  lenient?: boolean
  /** Numbers the rows (from 1) as `x_SourceRow`; slow, for finding the row that a refusal is about. */
  numbered?: boolean
}

/** Throws Fault `invalid` where two columns of the file claim to be the same one: which of them is meant cannot be known. */
export function refuseAmbiguousHeaders(source: Source, format: Format): void {
  for (const [name, { aliases = [] }] of Object.entries(format.columns)) {
    const spellings = new Set([name, ...aliases].map((header) => header.toLowerCase()))
    const twins = source.headers.filter((header) => spellings.has(header.toLowerCase()))
    if (twins.length > 1 && new Set(twins.map((twin) => twin.toLowerCase())).size < twins.length) {
      throw refusal(source.name, `the column ${twins[0]} is there ${twins.length} times`, { line: 1 })
    }
  }
}

/** SELECT that yields the relation `source` of a format: its canonical columns, typed, NULL where the file lacks them. */
export function selectSource(source: Source, format: Format, reading: Reading = {}): string {
  const positions = new Map(source.headers.map((header, position) => [header.toLowerCase(), position]))
  const positionOf = (name: string, { aliases = [] }: Column): number | undefined =>
    [name, ...aliases].map((header) => positions.get(header.toLowerCase())).find((found) => found !== undefined)
  const columns = Object.entries(format.columns).map(([name, column]) => {
    const position = positionOf(name, column)
    return `${position === undefined ? missing(column) : read(source, position, column, reading)} AS ${identifier(name)}`
  })
  const presence = (format.presence ?? []).map((name) => {
    const column = format.columns[name]
    return `${column !== undefined && positionOf(name, column) !== undefined} AS ${identifier(`has_${name}`)}`
  })
  const numbered = reading.numbered ? 'row_number() OVER ()' : 'NULL::BIGINT'
  return `SELECT ${[...columns, ...presence, `${gatherTags(source, format)} AS gathered_tags`, `${numbered} AS x_SourceRow`].join(',\n  ')}\nFROM ${relation(source, reading)}`
}

/** The file as DuckDB reads it, columns named c0, c1 ... by position: headers may repeat or be empty. */
function relation(source: Source, reading: Reading): string {
  if (source.kind === 'parquet')
    return `(SELECT * FROM read_parquet(${literal(source.path)})) AS file(${source.headers.map((_, i) => `c${i}`).join(', ')})`
  const types = source.headers.map((_, i) => `'c${i}': 'VARCHAR'`)
  const options = [
    literal(source.path),
    `columns = {${types.join(', ')}}`,
    `auto_detect = false, header = true, delim = ${literal(source.delimiter)}, quote = '"', escape = '"', compression = '${source.compression}'`,
    `nullstr = ['', 'NULL', 'null'], strict_mode = true, null_padding = false`,
    ...(reading.numbered ? ['parallel = false'] : []),
  ]
  return `read_csv(${options.join(', ')})`
}

function missing(column: Column): string {
  return column.type === 'decimal' ? 'NULL::DECIMAL(38,18)' : 'NULL::VARCHAR'
}

function read(source: Source, position: number, column: Column, { lenient = false }: Reading): string {
  const name = `c${position}`
  const type = source.kind === 'csv' ? 'CSV' : (source.types[position] ?? 'VARCHAR')
  if (column.type === 'decimal') return decimalOf(name, type, lenient)
  if (source.kind === 'csv') return name
  if (/^(MAP|STRUCT)|\[\]$/.test(type)) return `CAST(to_json(${name}) AS VARCHAR)`
  return `nullif(nullif(CAST(${name} AS VARCHAR), ''), 'NULL')`
}

/** A binary float is what its shortest text says: 0.1 is 0.1, not 0.1000000000000000055. */
function decimalOf(name: string, type: string, lenient: boolean): string {
  if (lenient && (type === 'CSV' || type === 'VARCHAR')) return `bill_money(${name})`
  // CSV has its NULLs already, and a plain name keeps the plan small: it is written many times when the macro unfolds.
  if (type === 'CSV') return `bill_decimal(${name})`
  return /^(DOUBLE|FLOAT|VARCHAR)/.test(type)
    ? `bill_decimal(nullif(CAST(${name} AS VARCHAR), ''))`
    : `CAST(${name} AS DECIMAL(38,18))`
}

function gatherTags(source: Source, format: Format): string {
  const { tagHeader } = format
  const tags = source.headers.flatMap((header, position) => {
    const key = tagHeader?.exec(header)?.[1]
    return key === undefined ? [] : [`struct_pack(k := ${literal(key)}, v := CAST(c${position} AS VARCHAR))`]
  })
  if (tags.length === 0) return 'NULL::VARCHAR'
  return `(SELECT CASE WHEN count(*) > 0 THEN CAST(json_group_object(t.k, t.v) AS VARCHAR) END FROM unnest([${tags.join(', ')}]) AS u(t) WHERE t.v IS NOT NULL)`
}
