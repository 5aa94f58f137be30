import { randomInt } from 'node:crypto'
import pc from 'picocolors'
import Table from 'cli-table3'

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const
type Style = keyof typeof codes

/** Marks the styles of this process, so that a bill cannot forge them; terminals ignore such parameters. */
const mark = Array.from({ length: 3 }, () => randomInt(1000, 10_000)).join(';')
const marked = new RegExp(String.raw`\x1b\[(\d+);${mark}m`, 'g')

export const style = Object.fromEntries(
  Object.entries(codes).map(([name, [on, off]]) => [
    name,
    (text: string) => (pc.isColorSupported ? `\x1b[${on};${mark}m${text}\x1b[${off};${mark}m` : text),
  ]),
) as Record<Style, (text: string) => string>

/** Escapes control characters but line feeds, and bidirectional ones: bills and file names may hold any. */
export function escaped(text: string): string {
  return text.replaceAll(
    /(?!\n)[\p{Cc}\p{Bidi_Control}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function oneLine(text: string): string {
  return text.replaceAll('\n', String.raw`\n`)
}

function shown(text: string) {
  const parts = text.split(marked)
  return parts.map((part, index) => (index % 2 === 0 ? escaped(part) : `\x1b[${part}m`)).join('')
}

export function print(text: string): void {
  process.stdout.write(`${shown(text)}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

/** The value with --json, otherwise the text; returns the exit code of a success. */
export function show(json: boolean | undefined, value: unknown, text: string): number {
  if (json) printJson(value)
  else print(text)
  return 0
}

export function note(text: string): void {
  process.stderr.write(`${shown(text)}\n`)
}

export const notes: NodeJS.WriteStream = process.stderr

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3))
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ''}`
}

export function span(seconds: number): string {
  const units = { d: 86_400, h: 3_600, min: 60 }
  const [unit, length] = Object.entries(units).find(([, length]) => seconds >= length) ?? ['s', 1]
  return `${Math.floor(seconds / length)} ${unit}`
}

export function exact(amount: string | null): string {
  if (amount === null) return '-'
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(amount) ?? []
  return `${sign}${whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')}${fraction}`
}

export function rounded(amount: string): string {
  return Number(amount).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}

export function signed(amount: string): string {
  return amount.startsWith('-') || amount === '0' ? exact(amount) : `+${exact(amount)}`
}

/** The text as one word of a shell command. */
export function pasteable(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** Keeps the end of a long text. */
export function short(text: string, most: number): string {
  return text.length <= most ? text : `…${text.slice(1 - most)}`
}

/** Keeps the start of a long text. */
export function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

const bars = '▁▂▃▄▅▆▇█'

export function sparkline(values: readonly number[]): string {
  const low = Math.min(0, ...values)
  const height = Math.max(0, ...values) - low
  return values
    .map((value) =>
      bars.charAt(height === 0 ? 0 : Math.min(bars.length - 1, Math.floor(((value - low) / height) * bars.length))),
    )
    .join('')
}

/** A short form of billing periods: `2025-11 … 2026-11 (13)`. */
export function periods(list: readonly string[]): string {
  const sorted = [...new Set(list)].toSorted()
  return sorted.length <= 2 ? sorted.join(', ') : `${sorted[0] ?? ''} … ${sorted.at(-1) ?? ''} (${sorted.length})`
}

type Column = string | { right: string }
export const right = (title: string): Column => ({ right: title })

const sides = ['', '-mid', '-left', '-right']
const borders = ['top', 'bottom', 'left', 'mid', 'right'].flatMap((side) => sides.map((part) => side + part))

/** Each row is one line. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: columns.map((column) => style.bold(typeof column === 'string' ? column : column.right)),
    colAligns: columns.map((column) => (typeof column === 'string' ? 'left' : 'right')),
    chars: { ...Object.fromEntries(borders.map((name) => [name, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  })
  drawn.push(...rows.map((row) => row.map(oneLine)))
  return drawn.toString()
}

export function heading(text: string): string {
  return `\n${style.bold(style.cyan(text))}`
}

/** A time of JSON without its fraction. */
export function instant(at: string): string {
  return at.slice(0, 19).replace('T', ' ')
}
