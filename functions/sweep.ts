import { Sweep } from '@cloudoptima/core'
import { scheduled } from './host.ts'

/** Every day: ends what was begun and left in any organization. */
export const handler = scheduled(Sweep.run)
