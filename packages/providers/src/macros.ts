import { sql } from './sql.ts'

/** Each DuckDB runs it once before any mapping. */
export const macros = sql('./macros.sql') + sql('./services.sql') + sql('./aws/regions.sql') + sql('./gcp/macros.sql')
