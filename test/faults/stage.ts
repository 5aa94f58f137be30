import { join } from 'node:path'
import { openWorld } from '../world.ts'
import { type Seen, writeBill } from './bill.ts'
import { difference, isWhole, look } from './seen.ts'

/** A lake that holds version 1 of the bill, to be copied, and version 2 that each trial imports. */
export interface Stage {
  folder: string
  paths: string[]
  expected: { 1: Seen; 2: Seen }
  /** Version 1 was visible, version 2 was not. */
  between: Date
}

export async function prepare(folder: string): Promise<Stage> {
  const one = await writeBill(join(folder, 'bill-1'), 1)
  const two = await writeBill(join(folder, 'bill-2'), 2)
  const world = await openWorld({ dataDir: join(folder, 'template') })
  const { status, reason } = await world.bring(one.paths)
  const seen = await look(world)
  await world.end()
  if (status !== 'committed' || !isWhole(seen, one.expected))
    throw new Error(`version 1: ${status} ${reason} ${difference(seen, one.expected)}`)
  return { folder, paths: two.paths, expected: { 1: one.expected, 2: two.expected }, between: new Date() }
}
