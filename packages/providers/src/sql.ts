import { readFileSync } from 'node:fs'

/** The text of an SQL file of this package. The path is relative to the source folder. */
export function sql(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}
