import type { Context, Log } from './context.ts'
import { type Event, type EventName, type Outgoing, traceName } from '../kernel/event.ts'
import type { Runtime } from './runtime.ts'
import { type Pending, tableOf, type Tables } from './tables.ts'
import { aroundWrites } from './around.ts'

/** If publishing after the write fails, the sweep publishes later. */
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

/** At least once: subscribers are idempotent by event id. */
export async function publish({ tables, bus }: Pick<Runtime, 'tables' | 'bus'>, row: Pending): Promise<void> {
  const published = row.events.filter(isEvent)
  for (const event of published) await bus.publish(event)
  const ids = published.map(({ id }) => id)
  await tableOf(tables, row.noun).acknowledge(row.orgId, row.id, ids)
}

export function isEvent(outgoing: Outgoing): outgoing is Event {
  return outgoing.name !== traceName
}

/** A fixed id makes repetitions idempotent. */
export function event<Name extends EventName>(
  ctx: Pick<Context, 'orgId' | 'now' | 'newId'>,
  name: Name,
  data: Event<Name>['data'],
  id = ctx.newId('evt'),
): Event<Name> {
  return { id, name, orgId: ctx.orgId, at: ctx.now().toISOString(), data }
}
