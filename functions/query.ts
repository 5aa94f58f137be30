import { http } from './host.ts'
import { lake } from './lake.ts'

/** The operations that need the lake. */
export const handler = http(lake)
