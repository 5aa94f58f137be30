import { stat } from 'node:fs/promises'
import { Fault, FileType, type Limits, messageOf, type SourceFile } from '@cloudoptima/core'
import { detect } from '@cloudoptima/providers'
import type { DuckDBConnection } from '@duckdb/node-api'
import { identifier, literal, rows } from '../database.ts'
import { jsonHeaders } from './json-lines.ts'
import { refuseLargeParquet } from './limits.ts'
import { Malformed, recordsOf } from './records.ts'
import { parquetRefusal, refusal } from './refusal.ts'
import { parquetOf } from './select.ts'
import { type Compression, type Dialect, type Source, unpacked } from './source.ts'

// Bytes that are read for the header: the second size holds a header with thousands of tag columns.
const headBytes = [64 * 1024, 4 * 1024 * 1024]
const noDialect: Dialect = {
  encoding: 'utf-8',
  compression: 'none',
  delimiter: ',',
  escape: '"',
  hasSeparatorLine: false,
}

/** Reads the type and the columns of a file. Throws Fault `invalid` if it is no bill. */
export async function inspect(connection: DuckDBConnection, file: SourceFile, limits: Limits.Limits): Promise<Source> {
  if ((await stat(file.path)).size === 0) throw refusal(file.name, 'the file is empty')
  const type = await FileType.fileTypeOf(file.path)
  if (type === 'parquet') return await inspectParquet(connection, file, limits)
  if (/\.parquet$/i.test(file.name)) throw refusal(file.name, 'the file is named .parquet but is no Parquet file')
  return await inspectText(file, type ?? 'none')
}

/** Whether a file has no byte, also when unpacked. */
export async function holdsNothing(file: SourceFile): Promise<boolean> {
  const type = await FileType.fileTypeOf(file.path)
  return type !== 'parquet' && (await firstUnpacked(file, type ?? 'none', 1)).length === 0
}

async function inspectParquet(connection: DuckDBConnection, file: SourceFile, limits: Limits.Limits): Promise<Source> {
  try {
    await refuseLargeParquet(connection, file, limits)
    const columns = await describe(connection, `SELECT * FROM ${parquetOf(file.path)}`)
    const schema = await schemaOf(connection, file.path)
    const names = outerNames(schema)
    // DuckDB reads decimals of more than 38 digits as binary floats.
    const wide = new Map(
      schema.flatMap(({ name, precision, scale }) =>
        precision !== null && precision > 38 ? [[name, `DECIMAL(${precision},${scale})`] as const] : [],
      ),
    )
    const isKnown = detect(names).length > 0
    const nested = isKnown ? undefined : await leavesOf(connection, file.path, columns)
    const leaves = nested ?? columns.map((column, position) => ({ ...column, column_name: names[position] ?? '' }))
    return {
      ...file,
      kind: 'parquet',
      headers: leaves.map(({ column_name }) => column_name.trim()),
      types: leaves.map(({ column_type, column_name }) => wide.get(column_name.split('.').at(-1) ?? '') ?? column_type),
      ...(nested && { fields: nested.map(({ field }) => field) }),
      dialect: noDialect,
    }
  } catch (error) {
    throw error instanceof Fault ? error : parquetRefusal(file.name, error)
  }
}

interface Element {
  name: string
  children: number
  precision: number | null
  scale: number | null
}

/** The schema in a Parquet file's footer, each column before the fields in it. */
async function schemaOf(connection: DuckDBConnection, path: string): Promise<Element[]> {
  return await rows<Element>(
    connection,
    `SELECT name, CAST(coalesce(num_children, 0) AS INTEGER) AS children,
       CAST(precision AS INTEGER) AS precision, CAST(scale AS INTEGER) AS scale
     FROM parquet_schema(${literal(path)}) ORDER BY column_id`,
  )
}

/** The outer columns as the file names them. DuckDB renames the second of two with one name, in any case. */
function outerNames([, ...elements]: readonly Element[]): string[] {
  let inner = 0
  return elements.flatMap(({ name, children }) => {
    const isInner = inner > 0
    inner += children - (isInner ? 1 : 0)
    return isInner ? [] : [name.trim()]
  })
}

interface Column {
  column_name: string
  column_type: string
}

/** The columns of a Parquet file, and in place of each struct its fields: `service.description`. */
async function leavesOf(
  connection: DuckDBConnection,
  path: string,
  columns: readonly Column[],
  prefix: { name: string; field: string } = { name: '', field: '' },
): Promise<(Column & { field: string })[]> {
  const leaves = columns.map(async ({ column_name, column_type }) => {
    const [name, field] = [prefix.name + column_name, prefix.field + identifier(column_name)]
    if (!/^STRUCT\(.*\)$/s.test(column_type)) return [{ column_name: name, column_type, field }]
    const inner = await describe(connection, `SELECT unnest(${field}) FROM ${parquetOf(path)}`)
    return await leavesOf(connection, path, inner, { name: `${name}.`, field: `${field}.` })
  })
  return (await Promise.all(leaves)).flat()
}

async function describe(connection: DuckDBConnection, select: string): Promise<Column[]> {
  return await rows<Column>(connection, `DESCRIBE ${select}`)
}

async function inspectText(file: SourceFile, compression: Compression): Promise<Source> {
  const head = await headOf(file, compression)
  const encoding = encodingOf(head)
  const text = new TextDecoder(encoding).decode(head)
  if (/^\s*\{/.test(text))
    return {
      ...file,
      kind: 'json',
      headers: jsonHeaders(file.name, text),
      types: [],
      dialect: { ...noDialect, encoding, compression },
    }
  const separator = /^"?sep=(\\t|.)"?\r?\n/i.exec(text)
  const lines = separator ? text.slice(separator[0].length) : text
  const delimiter = separator?.[1]?.replace('\\t', '\t') ?? delimiterOf(lines)
  const dialect = { ...noDialect, encoding, compression, delimiter }
  const headers = headerRecord(file, lines, dialect).map((header) => header.trim())
  if (headers.every((header) => header === '')) throw refusal(file.name, 'the file has no header line', { line: 1 })
  return {
    ...file,
    kind: 'csv',
    headers,
    types: [],
    dialect: { ...dialect, hasSeparatorLine: separator !== null },
    // DuckDB would take a blank first line for the header.
    ...(/^\s*[\r\n]/.test(text) && { isRegular: false }),
  }
}

function encodingOf(head: Buffer): Dialect['encoding'] {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  // Without a byte order mark, every second byte of English headers is 0.
  if (head.length > 1 && head[1] === 0) return 'utf-16le'
  return head[0] === 0 ? 'utf-16be' : 'utf-8'
}

/** The delimiter that divides a header line into most columns. */
export function delimiterOf(text: string): string {
  const line = /^\s*([^\r\n]*)/.exec(text)?.[1] ?? ''
  const counts = [',', ';', '\t', '|'].map((mark) => ({ mark, count: line.split(mark).length }))
  return counts.toSorted((a, b) => b.count - a.count)[0]?.mark ?? ','
}

function headerRecord(file: SourceFile, text: string, dialect: Dialect): string[] {
  try {
    return recordsOf(text, dialect).next().value?.fields ?? []
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw refusal(file.name, `the header line is broken (${error.message})`, { line: error.line })
  }
}

async function headOf(file: SourceFile, compression: Compression): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  for (const count of headBytes) {
    head = await firstUnpacked(file, compression, count)
    if (head.length < count || (head.toString('latin1').match(/[\r\n]+/g)?.length ?? 0) > 1) break
  }
  if (head.length === 0) throw refusal(file.name, 'the file is empty')
  return head
}

/** The first bytes of a file, unpacked: all of it if it has fewer. Throws Fault `invalid` for a damaged file. */
export async function firstUnpacked(
  { name, path }: SourceFile,
  compression: Compression,
  count: number,
): Promise<Buffer> {
  if (compression === 'none') return await FileType.firstBytes(path, count)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of unpacked(path, compression) as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= count) break
    }
  } catch (error) {
    throw refusal(name, `the ${compression} file is damaged or incomplete (${messageOf(error)})`)
  }
  return Buffer.concat(chunks)
}
