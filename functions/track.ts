import { Track } from '@cloudoptima/core'
import { task } from './host.ts'

/** State `Track` of the pipeline. */
export const handler = task(Track.run)
