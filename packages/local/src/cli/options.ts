import type { Facing } from '../server/facing.ts'

/** What a start was asked for. */
export interface StartOptions extends Facing {
  import?: string[]
  data: string
  port?: number
  once?: boolean
  json?: boolean
  replace?: boolean
}

/** Where nothing else is asked for. */
export const defaultPort = 4000
export const defaultData = '.cloudoptima'
