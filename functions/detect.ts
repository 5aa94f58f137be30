import { Detect } from '@cloudoptima/core'
import { task } from './host.ts'

/** State `Detect` of the pipeline. */
export const handler = task(Detect.run)
