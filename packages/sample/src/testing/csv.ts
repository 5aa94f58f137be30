import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'

/** A row of a bill by column. An empty text is NULL. */
export type Row = Record<string, string>

/** Reads a bill of the sample by RFC 4180. The sample has no line breaks within a field. */
export async function readBill(path: string): Promise<Row[]> {
  const bytes = await readFile(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const [head = '', ...lines] = text.trimEnd().split('\n')
  const columns = fields(head)
  return lines.map((line) => {
    const values = fields(line)
    if (values.length !== columns.length)
      throw new Error(`${path}: ${values.length} fields instead of ${columns.length}: ${line}`)
    return Object.fromEntries(columns.map((column, i) => [column, values[i] ?? '']))
  })
}

function fields(line: string): string[] {
  const found: string[] = []
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy
  for (let match = field.exec(line); match; match = field.exec(line)) {
    found.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '') return found
  }
  throw new Error(`Not a CSV line: ${line}`)
}
