import { join } from 'node:path'
import { openWorld } from '../world.ts'
import { type LakeContent, writeBill } from './bill.ts'
import { difference, isEqual, readContent } from './content.ts'

/** A template lake with version 1 of the bill, and the files of version 2, which each trial imports. */
export interface Template {
  folder: string
  paths: string[]
  expected: { 1: LakeContent; 2: LakeContent }
  /** A time at which version 1 was visible and version 2 did not exist. */
  between: Date
}

export async function prepareTemplate(folder: string): Promise<Template> {
  const one = await writeBill(join(folder, 'bill-1'), 1)
  const two = await writeBill(join(folder, 'bill-2'), 2)
  const world = await openWorld({ dataDir: join(folder, 'template') })
  const { status, reason } = await world.bring(one.paths)
  const content = await readContent(world)
  await world.end()
  if (status !== 'committed' || !isEqual(content, one.expected))
    throw new Error(`Version 1 was not imported: ${status} ${reason} ${difference(content, one.expected)}`)
  return { folder, paths: two.paths, expected: { 1: one.expected, 2: two.expected }, between: new Date() }
}
