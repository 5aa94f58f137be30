import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { detect, type Format, matcherOf } from '@cloudoptima/providers'
import { Malformed, records, wholeLines } from './records.ts'
import { refusal } from './refusal.ts'
import { csvText } from './rewrite.ts'
import { tagKeys } from './select.ts'
import type { Source } from './source.ts'

type Fields = Record<string, unknown>

const noLines = 'it is JSON: export the bill as CSV, Parquet or JSON lines'

/** The names of all fields in the first lines, nested ones joined by a dot: `service`, `service.description`. */
export function jsonHeaders(name: string, head: string): string[] {
  const lines = head.split('\n').filter((line) => line.trim() !== '')
  // The last line of a large file is cut off.
  const whole = lines.length > 1 && !head.endsWith('\n') ? lines.slice(0, -1) : lines
  return [...new Set(whole.flatMap((line, index) => pathsOf(parsed(line) ?? invalid(name, index + 1))))]
}

function pathsOf(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, value]) => [
    name,
    ...(isNested(value) ? pathsOf(value).map((path) => `${name}.${path}`) : []),
  ])
}

/**
 * Writes JSON lines as CSV with the columns of their format, and one for the fields that are tags. Throws Fault `invalid`
 * with the first unreadable line.
 */
export async function rewriteJson(source: Source, target: string): Promise<Source> {
  const [format] = detect(source.headers)
  if (!format) throw refusal(source.name, noLines)
  try {
    await pipeline(Readable.from(lines(source, format)), createWriteStream(target, { mode: 0o600 }))
  } catch (error) {
    throw error instanceof Malformed ? refusal(source.name, error.message, { line: error.line }) : error
  }
  const headers = Object.keys(format.columns)
  return { ...source, headers, rewritten: target, tagsAt: headers.length }
}

async function* lines(source: Source, format: Format): AsyncGenerator<string> {
  const columns = Object.keys(format.columns)
  const columnOf = matcherOf(format.columns)
  let batch = `${[...columns, 'tags'].map(csvText).join(',')}\n`
  for await (const { fields, line } of records(source.path, wholeLines(source.dialect))) {
    const row = parsed(fields[0] ?? '') ?? invalid(source.name, line)
    const cells = new Map<string, string>()
    for (const [column, value] of cellsOf(row, columnOf)) {
      if (cells.has(column)) throw refusal(source.name, `the column ${column} appears 2 times`, { line })
      cells.set(column, value)
    }
    const texts = [...columns.map((column) => cells.get(column) ?? ''), tagsOf(row, format)]
    batch += `${texts.map(csvText).join(',')}\n`
    if (batch.length < 64 * 1024) continue
    yield batch
    batch = ''
  }
  yield batch
}

/** The fields of a row that are tags, as one JSON object; empty without any. */
function tagsOf(row: Fields, format: Format): string {
  if (!format.tagHeader) return ''
  const keys = tagKeys(Object.keys(row), format)
  const pairs = Object.values(row).flatMap((value, position) => {
    const key = keys.get(position)
    return key === undefined || value === null || value === '' ? [] : [[key, value] as const]
  })
  return pairs.length === 0 ? '' : JSON.stringify(Object.fromEntries(pairs))
}

/** The columns of a row with their values; lists, and objects that are a column, stay JSON. */
function* cellsOf(
  fields: Fields,
  columnOf: (path: string) => string | undefined,
  prefix = '',
): Generator<[string, string]> {
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue
    const path = prefix + name
    const column = columnOf(path)
    if (column !== undefined) yield [column, typeof value === 'string' ? value : JSON.stringify(value)]
    else if (isNested(value)) yield* cellsOf(value, columnOf, `${path}.`)
  }
}

function isNested(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const longNumber = /([:[,]\s*)(-?[\d.]{17,}(?:[eE][+-]?\d+)?)(?=\s*[,}\]])/g

/** A line as an object. A number with more digits than a float holds becomes text. */
function parsed(line: string): Fields | undefined {
  const exact = (_: string, value: unknown, { source }: { source?: string }): unknown =>
    typeof value === 'number' ? source : value
  const value =
    // Quotes around a number are ten times as fast as a reviver. Within a string they would make the line invalid.
    parsedBy(() => JSON.parse(line.replace(longNumber, '$1"$2"'))) ??
    parsedBy(() => JSON.parse(line, exact as Parameters<typeof JSON.parse>[1]))
  return isNested(value) ? value : undefined
}

function parsedBy(parse: () => unknown): unknown {
  try {
    return parse()
  } catch {
    // The error quotes the line; the refusal names its number.
    return undefined
  }
}

function invalid(name: string, line: number): never {
  throw refusal(name, line === 1 ? noLines : 'the line is no JSON object', { line })
}
