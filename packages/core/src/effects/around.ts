import type { Outgoing } from '../kernel/event.ts'
import { type Pending, tableOf, type Tables, tablesOf, type Updated } from './tables.ts'

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
