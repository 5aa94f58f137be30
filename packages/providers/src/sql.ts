import { readFileSync } from 'node:fs'

/** The text of an SQL file of this package, named relative to its source folder. The only place that knows how SQL text is loaded. */
export function sql(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}
