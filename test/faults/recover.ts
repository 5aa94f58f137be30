import { appendFileSync } from 'node:fs'
import { type Event, Import, Relay } from '@cloudoptima/core'
import type { World } from '../world.ts'

/** Appends the id of each event to a file, before the queue confirms the event. */
export const eventRecorder =
  (eventLogPath: string) =>
  ({ id }: Event): void =>
    appendFileSync(eventLogPath, `${id}\n`)

/** Resumes interrupted imports, as a start of the product does, and waits for their end. */
export async function recover(world: World): Promise<void> {
  await world.services.resume()
  await Import.sweep(world.ctx)
  for (const { workflow, name, status } of await world.ctx.runtime.tables.executions.all('machine'))
    if (status === 'running') await world.services.whenEnded(workflow, name)
  // A row is left to the process that wrote it for a minute.
  await Relay.sweep({ ...world.ctx, now: () => new Date(Date.now() + 2 * 60_000) })
  await world.delivered()
}

/** Imports with one of these statuses. */
export async function imports(world: World, ...statuses: Import.Info['status'][]): Promise<Import.Stored[]> {
  return (await Array.fromAsync(Import.records(world.ctx))).filter(({ status }) => statuses.includes(status))
}
