import { stat } from 'node:fs/promises'
import { Fault, FileType, messageOf, type SourceFile, Unpacking } from '@cloudoptima/core'
import type { DuckDBConnection } from '@duckdb/node-api'
import { parse } from 'csv-parse/sync'
import { literal, rows } from '../database.ts'
import { parquetRefusal, refusal } from './refusal.ts'
import { type Source, unpacked } from './source.ts'

// Bytes that are read for the header: the second size holds a header with thousands of tag columns.
const headBytes = [64 * 1024, 4 * 1024 * 1024]

/** Reads the type and the columns of a file. Throws Fault `invalid` if it is no bill. */
export async function inspect(connection: DuckDBConnection, file: SourceFile): Promise<Source> {
  const { size } = await stat(file.path)
  if (size === 0) throw refusal(file.name, 'the file is empty')
  const type = await FileType.fileTypeOf(file.path)
  if (type === 'parquet') return await inspectParquet(connection, file, size)
  if (/\.parquet$/i.test(file.name)) throw refusal(file.name, 'the file is named .parquet but is no Parquet file')
  return await inspectCsv(file, type ?? 'none')
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

/** Refuses a Parquet file whose pages are too large unpacked. Gzip files were checked by the download. */
async function refuseEndless(connection: DuckDBConnection, file: SourceFile, size: number): Promise<void> {
  const sql = `SELECT CAST(coalesce(sum(total_uncompressed_size), 0) AS VARCHAR) AS bytes FROM parquet_metadata(${literal(file.path)})`
  const [{ bytes } = { bytes: '0' }] = await rows<{ bytes: string }>(connection, sql)
  if (Number(bytes) > Unpacking.limit(size)) throw refusal(file.name, Unpacking.complaint(size))
}

async function inspectCsv(file: SourceFile, compression: Source['compression']): Promise<Source> {
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
    throw refusal(file.name, `the header line is broken (${messageOf(error)})`, {
      line: 1,
    })
  }
}

async function headOf(file: SourceFile, compression: Source['compression']): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  for (const count of headBytes) {
    head =
      compression === 'none'
        ? await FileType.firstBytes(file.path, count)
        : await firstInflated(file, compression, count)
    if (head.includes('\n')) break
  }
  return head
}

async function firstInflated(file: SourceFile, compression: Source['compression'], count: number): Promise<Buffer> {
  const inflated = unpacked({ path: file.path, compression })
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of inflated as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= count) break
    }
  } catch (error) {
    throw refusal(file.name, `the gzip file is damaged or incomplete (${messageOf(error)})`)
  }
  if (bytes === 0) throw refusal(file.name, 'the file is empty')
  return Buffer.concat(chunks)
}
