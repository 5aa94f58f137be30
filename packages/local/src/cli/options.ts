import type { Facing } from '../server/facing.ts'

/** The options of a start. */
export interface StartOptions extends Facing {
  import?: string[]
  data: string
  port?: number
  once?: boolean
  json?: boolean
  replace?: boolean
}

export const defaultPort = 4000
export const defaultData = '.cloudoptima'
