import { http } from './host.ts'
import { lake } from './lake.ts'

/** Questions about costs. */
export const handler = http(lake)
