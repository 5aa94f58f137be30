import { wiring, type Wiring } from '@cloudoptima/core'

/** The wiring table of a stage. */
export function wiringOf(_stage: string): Wiring {
  return wiring
}
