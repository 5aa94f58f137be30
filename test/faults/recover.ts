import { appendFileSync } from 'node:fs'
import { type Event, Import } from '@cloudoptima/core'
import type { World } from '../world.ts'

/** Records every event, before the queue hears that it was handled. */
export const recorder =
  (heardPath: string) =>
  ({ id }: Event): void =>
    appendFileSync(heardPath, `${id}\n`)

/** What a start of the product does with imports that a kill cut off; returns when they have ended. */
export async function recover(world: World): Promise<void> {
  await world.services.resume()
  await Import.sweep(world.ctx)
  for (const { workflow, name, status } of await world.ctx.runtime.tables.executions.all('machine'))
    if (status === 'running') await world.services.settled(workflow, name)
  await world.delivered()
}

/** Imports by how they stand. */
export async function imports(world: World, ...statuses: Import.Info['status'][]): Promise<Import.Info[]> {
  return (await Import.list(world.ctx)).filter(({ status }) => statuses.includes(status))
}
