import { wiring } from '@cloudoptima/core'
import { wired } from './host.ts'
import { lake } from './lake.ts'

/** The function of a row that needs the lake; the variable `WIRED_TO` names the row. */
export const handler = wired(wiring, lake)
