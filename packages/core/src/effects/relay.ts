import type { Context, Log } from './context.ts'
import { type Event, type EventName, type Outgoing, traceName } from '../kernel/event.ts'
import type { Runtime } from './runtime.ts'
import { type Pending, tableOf, type Tables } from './tables.ts'
import { aroundWrites } from './around.ts'

/**
 * The tables of a runtime, which publish the events of a write as soon as it is done. A failure to publish does not fail the write, which is done: the events
 * stay pending, and the sweep publishes them.
 */
export function relayed(runtime: Pick<Runtime, 'tables' | 'bus'>, log: Log): Tables {
  return aroundWrites(runtime.tables, async (row, outgoing, run) => {
    if (!(await run(outgoing)) || !outgoing.some(isEvent)) return
    try {
      await publish(runtime, { ...row, events: [...outgoing] })
    } catch (error) {
      log.error('events stay pending until the sweep', { noun: row.noun, eventId: outgoing[0]?.id, error })
    }
  })
}

/** Publishes the events of a row and acknowledges them. At least once: subscribers are idempotent by the event's id. */
export async function publish({ tables, bus }: Pick<Runtime, 'tables' | 'bus'>, row: Pending): Promise<void> {
  const published = row.events.filter(isEvent)
  for (const event of published) await bus.publish(event)
  await tableOf(tables, row.noun).acknowledge(
    row.orgId,
    row.id,
    published.map(({ id }) => id),
  )
}

/** Whether it goes over the bus. */
export function isEvent(outgoing: Outgoing): outgoing is Event {
  return outgoing.name !== traceName
}

/** An event of the context's organization, to be carried by a write. An id that is chosen makes the event the same however often it is made. */
export function event<Name extends EventName>(
  ctx: Pick<Context, 'orgId' | 'now' | 'newId'>,
  name: Name,
  data: Event<Name>['data'],
  id = ctx.newId('evt'),
): Event<Name> {
  return { id, name, orgId: ctx.orgId, at: ctx.now().toISOString(), data }
}
