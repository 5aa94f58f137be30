import { sql } from './sql.ts'

/** SQL to run once on each DuckDB before any mapping: its macros and the table of services. */
export const macros = sql('./macros.sql') + sql('./services.sql')
