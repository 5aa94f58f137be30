import { Recommend } from '@cloudoptima/core'
import { task } from './host.ts'

/** State `Recommend` of the pipeline. */
export const handler = task(Recommend.run)
