import { Fault, messageOf } from '@cloudoptima/core'
import { filled, records, wholeLines } from './records.ts'
import type { Source } from './source.ts'

/** The place of an error in a file. */
export interface Place {
  line?: number | undefined
  column?: string | undefined
}

/** The fault that refuses a delivery because of one file, with file, line, column and reason in one sentence. */
export function refusal(file: string, reason: string, { line, column }: Place = {}): Fault {
  const place = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ].join(', ')
  const message = place === '' ? reason : `${place}: ${reason}`
  return new Fault('invalid', `${file}: ${message}.`, [{ path: file, message }])
}

export function parquetRefusal(file: string, error: unknown): Fault {
  const [first = ''] = messageOf(error).split('\n')
  const reason = first.replace(/'[^']*[\\/]([^'\\/]+)'/g, "'$1'").replace(/^.*?Error: /, '')
  return refusal(file, `the file cannot be read as Parquet (${reason})`)
}

// A gzip file may have a comment, and zeros after its end (a tape's padding). DuckDB refuses both, and Node reads them.
const ofCsv = new RegExp(
  'CSV Error|Expected Number of Columns|sniffing file|unterminated quote|unicode|not utf-8|Invalid Encoding|' +
    'maximum line size|gzip (stream|archive)',
  'i',
)

/** The refusal of a bill with a number, or a total, that the lake cannot keep. */
export function tooLarge(source: Source, error: unknown): Fault {
  const [first = ''] = messageOf(error).split('\n')
  return refusal(source.name, `a number or a total has more than 20 digits before the decimal point (${first})`)
}

/** What DuckDB's error says about a bill; undefined if it is about something else. */
export function complaintOf(source: Source, error: unknown): 'numbers' | 'structure' | Fault | undefined {
  const message = messageOf(error)
  if (/Could not convert string .* to DECIMAL/s.test(message)) return 'numbers'
  if (/^(Out of Range|Conversion) Error/.test(message)) return tooLarge(source, error)
  if (source.kind !== 'parquet') return ofCsv.test(message) ? 'structure' : undefined
  const isOfParquet = /parquet|thrift|snappy|zstd|corrupt|Out of buffer|TProtocol|page/i.test(message)
  return isOfParquet ? parquetRefusal(source.name, error) : undefined
}

/** The line on which a row (from 1, the header not counted) of a text begins. Rows may span lines. */
export async function lineOfRow(source: Source, row: number): Promise<number | undefined> {
  if (source.kind === 'parquet') return undefined
  const isJson = source.kind === 'json'
  const all = records(source.path, isJson ? wholeLines(source.dialect) : source.dialect)
  let seen = isJson ? 0 : -1
  for await (const { line } of source.rewritten === undefined || isJson ? all : filled(all))
    if (++seen === row) return line
  return undefined
}
