import type { Outgoing } from '../kernel/event.ts'
import { type Pending, tableOf, type Tables, tablesOf, type Updated } from './tables.ts'

type Run = (events: readonly Outgoing[]) => Promise<boolean>
/** Wraps a write; `run` returns whether it wrote. */
export type Around = (write: Omit<Pending, 'events'>, events: readonly Outgoing[], run: Run) => Promise<unknown>

/** Tables whose every write goes through `around`. */
export function aroundWrites(tables: Tables, around: Around): Tables {
  return tablesOf((noun) => {
    const table = tableOf(tables, noun)
    const write = async (
      orgId: string,
      id: string,
      events: readonly Outgoing[] = [],
      run: (e: readonly Outgoing[]) => Promise<unknown>,
    ) => void (await around({ noun, orgId, id }, events, async (all) => (await run(all)) !== false))
    const changed = async <Found>(
      orgId: string,
      id: string,
      events: readonly Outgoing[] = [],
      run: (e: readonly Outgoing[]) => Promise<Updated<Found>>,
    ): Promise<Updated<Found>> => {
      const answers: Updated<Found>[] = []
      await around({ noun, orgId, id }, events, async (all) => {
        const answer = await run(all)
        answers.push(answer)
        return answer.before !== answer.after
      })
      return answers[0] as Updated<Found>
    }
    const writes: Partial<typeof table> = {
      insert: async (orgId, item, events) =>
        await write(orgId, item.id, events, async (all) => await table.insert(orgId, item, all)),
      put: async (orgId, item, events) =>
        await write(orgId, item.id, events, async (all) => await table.put(orgId, item, all)),
      replace: async (orgId, item, where, events) =>
        await write(orgId, item.id, events, async (all) => await table.replace(orgId, item, where, all)),
      rewrite: async (orgId, item, revision, events) =>
        await write(orgId, item.id, events, async (all) => await table.rewrite(orgId, item, revision, all)),
      remove: async (orgId, id, events, where) =>
        await write(orgId, id, events, async (all) => await table.remove(orgId, id, all, where)),
      update: async (orgId, id, change, events) =>
        await changed(orgId, id, events, async (all) => await table.update(orgId, id, change, all)),
      upsert: async (orgId, id, change, events) =>
        await changed(orgId, id, events, async (all) => await table.upsert(orgId, id, change, all)),
    }
    // Delegates reads at call time, so a replaced verb takes effect.
    return Object.assign(Object.create(table) as typeof table, writes)
  })
}
