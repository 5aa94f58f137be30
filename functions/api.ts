import { http } from './host.ts'

/** Everything but costs: no DuckDB here. */
export const handler = http()
