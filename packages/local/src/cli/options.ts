import type { Exposure } from '../server/exposure.ts'

/** The options of a start. */
export interface StartOptions extends Exposure {
  import?: string[]
  data: string
  port?: number
  once?: boolean
  json?: boolean
  replace?: boolean
}

export const defaultPort = 4000
export const defaultData = '.cloudoptima'
