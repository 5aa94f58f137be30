import { randomInt } from 'node:crypto'
import pc from 'picocolors'

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

export function note(text: string): void {
  process.stderr.write(`${shown(text)}\n`)
}

export const notes: NodeJS.WriteStream = process.stderr
