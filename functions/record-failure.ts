import { RecordFailure } from '@cloudoptima/core'
import { task } from './host.ts'

/** State `RecordFailure` of the pipeline. */
export const handler = task(RecordFailure.run)
