import { sql } from './sql.ts'

/** SQL that each DuckDB runs once before any mapping: macros, and tables of services and regions. */
export const macros = sql('./macros.sql') + sql('./services.sql') + sql('./aws/regions.sql') + sql('./gcp/macros.sql')
