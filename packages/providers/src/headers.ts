import type { Column } from './format.ts'

/**
 * Lower case, without marks between words. Azure's localized headers have the English name in brackets at their end.
 */
export function keyOf(header: string): string {
  const english = /\(([A-Za-z]*[a-z][A-Za-z]*)\)\s*$/.exec(header)?.[1]
  return (english ?? header).toLowerCase().replaceAll(/[\s_/.-]/g, '')
}

export function keysOf(headers: Iterable<string>): Set<string> {
  return new Set([...headers].map(keyOf))
}

/** Its own name, then its aliases. */
function spellings(name: string, column: Column) {
  return [name, ...(column.aliases ?? [])].map(keyOf)
}

export function positionsOf(name: string, column: Column, headers: readonly string[]): number[] {
  return spellings(name, column).flatMap((spelling) =>
    headers.flatMap((header, position) => (keyOf(header) === spelling ? [position] : [])),
  )
}

export function isFilled(name: string, column: Column, headers: ReadonlySet<string>): boolean {
  return spellings(name, column).some((spelling) => headers.has(spelling))
}

export function missing(columns: Record<string, Column>, headers: ReadonlySet<string>): string[] {
  return Object.entries(columns)
    .filter(([name, column]) => column.required === true && !isFilled(name, column, headers))
    .map(([name]) => name)
}

export function hasAny(columns: Record<string, Column>, headers: ReadonlySet<string>): boolean {
  return Object.entries(columns).some(([name, column]) => isFilled(name, column, headers))
}

/** Looks each header up once. */
export function matcherOf(columns: Record<string, Column>): (header: string) => string | undefined {
  const bySpelling = new Map(
    Object.entries(columns).flatMap(([name, column]) => spellings(name, column).map((key) => [key, name] as const)),
  )
  const known = new Map<string, string | undefined>()
  return (header) => {
    if (!known.has(header)) known.set(header, bySpelling.get(keyOf(header)))
    return known.get(header)
  }
}
