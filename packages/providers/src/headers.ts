import type { Column } from './format.ts'

/** The headers that fill a column: its own name and its aliases, in lower case. */
export function spellings(name: string, column: Column): string[] {
  return [name, ...(column.aliases ?? [])].map((spelling) => spelling.toLowerCase())
}

/** Headers as they are compared: without regard to case. */
export function lowerCase(headers: Iterable<string>): Set<string> {
  return new Set([...headers].map((header) => header.toLowerCase()))
}

/** Names of the required columns that these headers (in lower case) do not bring. */
export function missing(columns: Record<string, Column>, headers: ReadonlySet<string>): string[] {
  return Object.entries(columns)
    .filter(
      ([name, column]) =>
        column.required === true && !spellings(name, column).some((spelling) => headers.has(spelling)),
    )
    .map(([name]) => name)
}

/** Whether any of these columns is among the headers (in lower case). */
export function hasAny(columns: Record<string, Column>, headers: ReadonlySet<string>): boolean {
  return Object.entries(columns).some(([name, column]) =>
    spellings(name, column).some((spelling) => headers.has(spelling)),
  )
}
