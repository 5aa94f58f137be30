import { Fault, messageOf } from '@cloudoptima/core'
import { parse } from 'csv-parse'
import { type Source, unpacked } from './source.ts'

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
  const first = messageOf(error).split('\n')[0] ?? ''
  return refusal(
    file,
    `the file cannot be read as Parquet (${first.replace(/'[^']*[\\/]([^'\\/]+)'/g, "'$1'").replace(/^.*?Error: /, '')})`,
  )
}

/** The refusal for an error of DuckDB about a file's content; undefined for other errors. */
export function fromDuckDb(source: Source, error: unknown): { fault: Fault; isConversion: boolean } | undefined {
  const message = messageOf(error)
  const conversion = /Could not convert string ['"]([\s\S]*?)['"] to DECIMAL/.exec(message)
  if (conversion)
    return { fault: refusal(source.name, `${JSON.stringify(conversion[1])} is no number`), isConversion: true }
  if (source.kind === 'parquet')
    return isParquetError(message) ? { fault: parquetRefusal(source.name, error), isConversion: false } : undefined
  const line = Number(/CSV Error on Line: (\d+)/.exec(message)?.[1] ?? NaN)
  const place = { line: Number.isNaN(line) ? undefined : line }
  const count = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message)
  if (count)
    return { fault: refusal(source.name, fieldCount(Number(count[1]), Number(count[2])), place), isConversion: false }
  if (/unterminated quote/i.test(message))
    return { fault: refusal(source.name, 'a quote is opened and never closed', place), isConversion: false }
  if (/Invalid unicode|not utf-8 encoded|Invalid Encoding/i.test(message))
    return { fault: refusal(source.name, 'the text is not UTF-8', place), isConversion: false }
  if (/maximum line size/i.test(message))
    return {
      fault: refusal(source.name, 'a line is longer than 2 MB: a quote is probably never closed', place),
      isConversion: false,
    }
  if (/CSV Error|sniffing file/i.test(message))
    return {
      fault: refusal(source.name, `the CSV is broken (${message.split('\n')[0] ?? ''})`, place),
      isConversion: false,
    }
  return undefined
}

/** DuckDB stops counting at the first extra field. */
function fieldCount(expected: number, found: number): string {
  return found > expected
    ? `more fields than the ${expected} of the header`
    : `${found} fields where the header has ${expected}`
}

function isParquetError(message: string): boolean {
  return /parquet|thrift|snappy|zstd|corrupt|Out of buffer|TProtocol|page/i.test(message)
}

/** The line on which a CSV's row (from 1, the header not counted) begins. Rows may span lines. */
export async function lineOfRow(source: Source, row: number): Promise<number | undefined> {
  if (source.kind !== 'csv') return undefined
  const parser = unpacked(source).pipe(
    parse({ delimiter: source.delimiter, bom: true, relax_column_count: true, info: true }),
  )
  let seen = -1
  let end = 0
  for await (const { info } of parser as AsyncIterable<{ info: { lines: number } }>) {
    const begin = end + 1
    end = info.lines
    if (++seen === row) return begin
  }
  return undefined
}
