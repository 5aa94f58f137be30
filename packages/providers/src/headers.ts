import type { Column } from './format.ts'

/** The headers that fill a column: its own name, then its aliases, in lower case. */
function spellings(name: string, column: Column): string[] {
  return [name, ...(column.aliases ?? [])].map((spelling) => spelling.toLowerCase())
}

/** Headers in lower case: they are compared without regard to case. */
export function lowerCase(headers: Iterable<string>): Set<string> {
  return new Set([...headers].map((header) => header.toLowerCase()))
}

/** The positions of the headers that fill a column, the column's own name before its aliases. */
export function positionsOf(name: string, column: Column, headers: readonly string[]): number[] {
  return spellings(name, column).flatMap((spelling) =>
    headers.flatMap((header, position) => (header.toLowerCase() === spelling ? [position] : [])),
  )
}

/** Whether one of the headers (in lower case) fills the column. */
export function isFilled(name: string, column: Column, headers: ReadonlySet<string>): boolean {
  return spellings(name, column).some((spelling) => headers.has(spelling))
}

/** The names of the required columns that these headers (in lower case) lack. */
export function missing(columns: Record<string, Column>, headers: ReadonlySet<string>): string[] {
  return Object.entries(columns)
    .filter(([name, column]) => column.required === true && !isFilled(name, column, headers))
    .map(([name]) => name)
}

/** Whether any of these columns is among the headers (in lower case). */
export function hasAny(columns: Record<string, Column>, headers: ReadonlySet<string>): boolean {
  return Object.entries(columns).some(([name, column]) => isFilled(name, column, headers))
}
