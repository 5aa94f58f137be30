import { readFileSync } from 'node:fs'

/** The path is relative to the source folder. */
export function sql(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}
