import { wiring } from '@cloudoptima/core'
import { wired } from './host.ts'

/** Any other row of the wiring table; `WIRED_TO` names it. */
export const handler = wired(wiring)
