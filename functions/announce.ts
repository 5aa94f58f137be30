import { Announce } from '@cloudoptima/core'
import { task } from './host.ts'

/** State `Announce` of the pipeline. */
export const handler = task(Announce.run)
