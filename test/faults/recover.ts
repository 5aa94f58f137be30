import { appendFileSync } from 'node:fs'
import { Import } from '@cloudoptima/core'
import type { World } from '../world.ts'

/** Writes down every event before its publisher hears that it was delivered. */
export function listen(world: World, heardPath: string): void {
  world.services.subscribe('cost.landed', async ({ id }) => appendFileSync(heardPath, `${id}\n`))
}

/** What a start of the product does with imports that a kill cut off; returns when they have ended. */
export async function recover(world: World): Promise<void> {
  await world.services.resume()
  await Import.sweep(world.ctx)
  for (const { workflow, name, status } of await world.ctx.runtime.tables.executions.all('machine'))
    if (status === 'running') await world.services.settled(workflow, name)
}

/** Imports by how they stand. */
export async function imports(world: World, ...statuses: Import.Info['status'][]): Promise<Import.Info[]> {
  return (await Import.list(world.ctx)).filter(({ status }) => statuses.includes(status))
}
