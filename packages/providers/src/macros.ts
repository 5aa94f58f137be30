import { sql } from './sql.ts'

/** SQL to run once on each DuckDB before any mapping: its macros, and the tables of services and regions. */
export const macros = sql('./macros.sql') + sql('./services.sql') + sql('./aws/regions.sql')
