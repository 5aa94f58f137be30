import { type Command, InvalidArgumentError } from 'commander'
import type { Exposure } from '../server/exposure.ts'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fault, Tags } from '@cloudoptima/core'
import { type Product, refuseFile, startProduct } from '../product.ts'

export interface CommonOptions {
  data: string
  json?: boolean
}

export interface ActingOptions extends CommonOptions {
  /** E-mail address of the user who acts. */
  as?: string
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

/** Gives a command the option `--as`. */
export function acting(command: Command): Command {
  return command.option('--as <email>', 'user who does it (default: the admin of the shown organization)')
}

export async function withProduct(data: string, use: (product: Product) => Promise<number>): Promise<number> {
  await refuseFile(data)
  if (!(await isFolder(data)))
    throw new Fault(
      'not_found',
      `There is no data folder ${resolve(data)}. Create it with npm start -- --import PATH, or name another one with ` +
        '--data.',
    )
  const product = await startProduct({ dataDir: data })
  try {
    return await use({ ...product, ctx: await Tags.withVirtualTags(product.ctx) })
  } finally {
    await product.close()
  }
}

async function isFolder(path: string) {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
