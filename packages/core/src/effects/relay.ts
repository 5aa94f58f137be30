import type { Context, Log } from './context.ts'
import { type Event, type EventName, type Outgoing, traceName } from '../kernel/event.ts'
import type { Runtime } from './runtime.ts'
import { type Pending, tableOf, type Tables, tablesOf, type Updated } from './tables.ts'

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

/** The place of the events among the parameters of each write. */
const eventsAt = { insert: 2, put: 2, remove: 2, replace: 3, rewrite: 3, update: 3, upsert: 3 } as const
type Verb = keyof typeof eventsAt

/** `run` carries the write out with the given events and returns whether it wrote. */
export type Around = (
  write: Omit<Pending, 'events'> & { verb: Verb },
  events: readonly Outgoing[],
  run: (events: readonly Outgoing[]) => Promise<boolean>,
) => Promise<unknown>

export function aroundWrites(tables: Tables, around: Around): Tables {
  return tablesOf((noun) => {
    const table = tableOf(tables, noun)
    const wrapped = (verb: Verb) => {
      const at = eventsAt[verb]
      return async (...given: [orgId: string, target: string | { id: string }, ...rest: unknown[]]) => {
        const [orgId, target] = given
        const id = typeof target === 'string' ? target : target.id
        let result: unknown
        await around({ noun, orgId, id, verb }, (given[at] ?? []) as Outgoing[], async (events) => {
          const write = table[verb] as (...input: unknown[]) => Promise<Updated<unknown> | undefined>
          const updated = await write(...given.slice(0, at), events, ...given.slice(at + 1))
          result = updated
          return !updated || updated.before !== updated.after
        })
        return result
      }
    }
    const verbs = Object.keys(eventsAt) as Verb[]
    // Reads are looked up at call time, so that a replaced verb takes effect.
    return Object.assign(
      Object.create(table) as typeof table,
      Object.fromEntries(verbs.map((verb) => [verb, wrapped(verb)])),
    )
  })
}
