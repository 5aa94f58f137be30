import { wiring } from '@cloudoptima/core'
import { wired } from './host.ts'

/** The function of a row of the wiring table; the variable `WIRED_TO` names the row. */
export const handler = wired(wiring)
