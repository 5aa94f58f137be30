import { InvalidArgumentError } from 'commander'
import type { Exposure } from '../server/exposure.ts'

export interface CommonOptions {
  data: string
  json?: boolean
}

export interface StartOptions extends CommonOptions, Exposure {
  import?: string[]
  port?: number
  once?: boolean
  replace?: boolean
}

export const defaultPort = 4000
export const defaultData = '.cloudoptima'

export function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('Name a port from 0 to 65535.')
  return value
}

export function positive(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Name a whole number from 1 to 999999.')
  return Number(text)
}

export function day(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError('Write a day as 2024-09-30.')
  return text
}
