import { readFileSync } from 'node:fs'

/** The path is relative to the source folder. */
export function sql(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

/** Each DuckDB runs it once before any mapping. */
export const macros = sql('./macros.sql') + sql('./services.sql') + sql('./aws/regions.sql') + sql('./gcp/macros.sql')
