import type { Column } from './format.ts'

/**
 * A header as it is compared: lower case, without the marks between words (`billed_cost`, `Billed Cost`,
 * `lineItem/UnblendedCost`, `service.description`). Azure's localized headers have the English name in brackets at their end.
 */
export function keyOf(header: string): string {
  const english = /\(([A-Za-z]*[a-z][A-Za-z]*)\)\s*$/.exec(header)?.[1]
  return (english ?? header).toLowerCase().replaceAll(/[\s_/.-]/g, '')
}

/** The keys of all headers. */
export function keysOf(headers: Iterable<string>): Set<string> {
  return new Set([...headers].map(keyOf))
}

/** The keys that fill a column: its own name, then its aliases. */
function spellings(name: string, column: Column): string[] {
  return [name, ...(column.aliases ?? [])].map(keyOf)
}

/** The positions of the headers that fill a column, the column's own name before its aliases. */
export function positionsOf(name: string, column: Column, headers: readonly string[]): number[] {
  return spellings(name, column).flatMap((spelling) =>
    headers.flatMap((header, position) => (keyOf(header) === spelling ? [position] : [])),
  )
}

/** Whether one of the headers, as keys, fills the column. */
export function isFilled(name: string, column: Column, headers: ReadonlySet<string>): boolean {
  return spellings(name, column).some((spelling) => headers.has(spelling))
}

/** The names of the required columns that these headers, as keys, lack. */
export function missing(columns: Record<string, Column>, headers: ReadonlySet<string>): string[] {
  return Object.entries(columns)
    .filter(([name, column]) => column.required === true && !isFilled(name, column, headers))
    .map(([name]) => name)
}

/** Whether any of these columns is among the headers, as keys. */
export function hasAny(columns: Record<string, Column>, headers: ReadonlySet<string>): boolean {
  return Object.entries(columns).some(([name, column]) => isFilled(name, column, headers))
}

/** Finds the column that a header fills; each header is looked up once. */
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
