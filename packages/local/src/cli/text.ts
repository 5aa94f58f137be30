import Table from 'cli-table3'
import { oneLine, style } from './output.ts'

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
