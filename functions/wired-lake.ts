import { allWiring } from '@cloudoptima/core'
import { wired } from './host.ts'
import { lake } from './lake.ts'

/** Any row that needs the lake; `WIRED_TO` names it. */
export const handler = wired(allWiring, lake)
