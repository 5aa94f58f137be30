import { isUtf8 } from 'node:buffer'
import { type Dialect, unpacked } from './source.ts'

/** One record of a CSV, and the line on which it begins. */
export interface Record {
  fields: string[]
  line: number
}

/** Text that is no CSV in its dialect. */
export class Malformed extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** The dialect in which each line is one field. */
export const wholeLines = (dialect: Dialect): Dialect => ({ ...dialect, delimiter: '\0' })

const mostCharacters = 2 * 1024 * 1024

/** The records of a CSV with any mixture of line ends, without blank lines. Throws Malformed. */
export async function* records(path: string, dialect: Dialect): AsyncGenerator<Record> {
  const parser = new Parser(dialect)
  for await (const { text, isEnd } of texts(path, dialect)) yield* parser.push(text, isEnd)
}

/** The records that say anything: spreadsheets leave rows of nothing but delimiters, and DOS a Ctrl-Z at the end. */
export async function* filled(found: AsyncIterable<Record>): AsyncGenerator<Record> {
  for await (const record of found)
    if (record.fields.some((field) => !['', '\x1A'].includes(field.trim()))) yield record
}

/** The records of a text. Throws Malformed. */
export function recordsOf(text: string, dialect: Dialect): Generator<Record> {
  return new Parser(dialect).push(text, true)
}

class Parser {
  readonly #dialect: Dialect
  #rest = ''
  #line = 1
  #isFirst = true

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  *push(text: string, isEnd: boolean): Generator<Record> {
    const all = this.#rest + text
    let at = this.#isFirst && all.startsWith('\uFEFF') ? 1 : 0
    for (;;) {
      const found = recordAt(all, at, { dialect: this.#dialect, isEnd, line: this.#line })
      if (!found) break
      const { fields } = found
      const isSkipped = (fields.length === 1 && fields[0] === '') || (this.#isFirst && this.#dialect.hasSeparatorLine)
      this.#isFirst = false
      if (!isSkipped) yield { fields, line: this.#line }
      this.#line += found.lines
      at = found.end
    }
    this.#rest = all.slice(at)
    if (this.#rest.length > mostCharacters)
      throw new Malformed(this.#line, 'a line is longer than 2 MB: a quote is probably never closed')
  }
}

/** The decoded text in pieces; the last one is empty. Throws Malformed for text that is not of the encoding. */
async function* texts(
  path: string,
  { encoding, compression }: Dialect,
): AsyncGenerator<{ text: string; isEnd: boolean }> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  let lines = 1
  const decoded = (chunk?: Buffer): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      throw new Malformed(lines + firstBadLine(chunk), `the text is not ${encoding.toUpperCase()}`)
    }
  }
  for await (const chunk of unpacked(path, compression) as AsyncIterable<Buffer>) {
    yield { text: decoded(chunk), isEnd: false }
    lines += chunk.toString('latin1').split('\n').length - 1
  }
  yield { text: decoded(), isEnd: true }
}

function firstBadLine(chunk: Buffer = Buffer.alloc(0)): number {
  const lines = chunk.toString('latin1').split('\n')
  return Math.max(
    0,
    lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'))),
  )
}

/** The record at a position, or undefined if its end is not in the text yet. */
function recordAt(
  text: string,
  start: number,
  { dialect, isEnd, line }: { dialect: Dialect; isEnd: boolean; line: number },
): { fields: string[]; end: number; lines: number } | undefined {
  if (start >= text.length) return undefined
  const fields: string[] = []
  let at = start
  for (;;) {
    const field = fieldAt(text, at, dialect)
    if (field === undefined) {
      if (isEnd) throw new Malformed(line, 'a quote is opened and never closed')
      return undefined
    }
    fields.push(field.value)
    at = field.end
    const next = text[at]
    // A CR at the end of the text may be the first half of CR LF.
    if (!isEnd && (next === undefined || (next === '\r' && at + 1 === text.length))) return undefined
    if (next === dialect.delimiter) at++
    else if (next === undefined || next === '\n' || next === '\r') break
    else throw new Malformed(line, 'text follows a closing quote')
  }
  const end = at + (text.startsWith('\r\n', at) ? 2 : 1)
  return { fields, end, lines: lineEnds(text.slice(start, end)) }
}

function lineEnds(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0
}

/** The field at a position, or undefined if its closing quote is not in the text yet. */
function fieldAt(
  text: string,
  start: number,
  { delimiter, escape }: Dialect,
): { value: string; end: number } | undefined {
  let open = start
  while (text[open] === ' ') open++
  if (text[open] !== '"') {
    const end = nextOf(text, start, delimiter)
    return { value: text.slice(start, end), end }
  }
  const close = closingQuote(text, open + 1, escape)
  if (close === undefined) return undefined
  let end = close + 1
  while (text[end] === ' ') end++
  const inner = text.slice(open + 1, close)
  return { value: escape === '"' ? inner.replaceAll('""', '"') : inner.replace(/\\(["\\])|"(")/g, '$1$2'), end }
}

function nextOf(text: string, start: number, delimiter: string): number {
  for (let at = start; at < text.length; at++) {
    const mark = text[at]
    if (mark === delimiter || mark === '\n' || mark === '\r') return at
  }
  return text.length
}

function closingQuote(text: string, start: number, escape: Dialect['escape']): number | undefined {
  for (let at = start; ; at++) {
    at = escape === '"' ? text.indexOf('"', at) : nextEscapeOrQuote(text, at)
    if (at < 0 || at >= text.length) return undefined
    if (text[at] === '\\' || text[at + 1] === '"') at++
    else return at
  }
}

function nextEscapeOrQuote(text: string, start: number): number {
  const [quote, escape] = [text.indexOf('"', start), text.indexOf('\\', start)]
  return escape < 0 || (quote >= 0 && quote < escape) ? quote : escape
}
