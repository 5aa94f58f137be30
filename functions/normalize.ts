import { Normalize } from '@cloudoptima/core'
import { task } from './host.ts'
import { lake } from './lake.ts'

/** State `Normalize` of the pipeline. */
export const handler = task(Normalize.run, lake)
