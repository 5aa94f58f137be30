import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { filled, Malformed, records } from './records.ts'
import { refusal } from './refusal.ts'
import type { Dialect, Source } from './source.ts'

/** A group of columns that become one JSON object: the key of each column by its position. */
export type TagKeys = ReadonlyMap<number, string>

/**
 * Writes a CSV again as plain RFC 4180 (commas, LF), without empty rows and with all tags in one column, for DuckDB.
 * Throws Fault `invalid` with the first line that cannot be understood.
 */
export async function rewrite(source: Source, target: string, tags: TagKeys): Promise<Source> {
  const escapes = source.dialect.escape === '"' ? (['"', '\\'] as const) : (['\\'] as const)
  let first: unknown
  for (const escape of escapes) {
    const dialect = { ...source.dialect, escape }
    try {
      await pipeline(
        Readable.from(lines(source.path, dialect, { columns: source.headers.length, tags })),
        createWriteStream(target, { mode: 0o600 }),
      )
      const headers = source.headers.filter((_, position) => !tags.has(position))
      return { ...source, headers, dialect, rewritten: target, ...(tags.size > 0 && { tagsAt: headers.length }) }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      first ??= refusal(source.name, error.message, { line: error.line })
    }
  }
  throw first
}

async function* lines(
  path: string,
  dialect: Dialect,
  { columns, tags }: { columns: number; tags: TagKeys },
): AsyncGenerator<string> {
  let batch = ''
  for await (const { fields, line } of filled(records(path, dialect))) {
    if (fields.length !== columns) throw new Malformed(line, countComplaint(fields, columns))
    batch += `${recordText(fields, tags)}\n`
    if (batch.length < 64 * 1024) continue
    yield batch
    batch = ''
  }
  yield batch
}

/**
 * A surplus field that is empty proves nothing: either the row ends with a delimiter, or a value has one and the last
 * value is empty.
 */
function countComplaint(fields: readonly string[], columns: number): string {
  const found = `${fields.length} fields where the header has ${columns}`
  if (fields.length < columns) return found
  const isEmpty = fields.slice(columns).every((field) => field === '')
  return (
    `${found}: quote the value that contains the delimiter` +
    (isEmpty ? ', or remove the delimiters at the end of the rows' : '')
  )
}

function recordText(fields: readonly string[], tags: TagKeys): string {
  const kept = tags.size === 0 ? fields : fields.filter((_, position) => !tags.has(position))
  return [...kept, ...(tags.size === 0 ? [] : [tagsText(fields, tags)])].map(csvText).join(',')
}

function tagsText(fields: readonly string[], tags: TagKeys): string {
  const pairs = [...tags].flatMap(([position, key]) => {
    const value = fields[position] ?? ''
    return value === '' ? [] : [[key, value] as const]
  })
  return pairs.length === 0 ? '' : JSON.stringify(Object.fromEntries(pairs))
}

/** A field of a plain CSV. */
export function csvText(field: string): string {
  return /[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
