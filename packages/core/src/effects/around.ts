import type { Outgoing } from '../kernel/event.ts'
import { type Pending, tableOf, type Tables, tablesOf, type Updated } from './tables.ts'

type Run = (events: readonly Outgoing[]) => Promise<boolean>
/** A write that is about to happen; `run` answers whether it wrote. */
export type Around = (write: Omit<Pending, 'events'>, events: readonly Outgoing[], run: Run) => Promise<unknown>

/** The same tables, with every write made by `around`. */
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
      remove: async (orgId, id, events) =>
        await write(orgId, id, events, async (all) => await table.remove(orgId, id, all)),
      update: async (orgId, id, change, events) =>
        await changed(orgId, id, events, async (all) => await table.update(orgId, id, change, all)),
      upsert: async (orgId, id, change, events) =>
        await changed(orgId, id, events, async (all) => await table.upsert(orgId, id, change, all)),
    }
    // Reads are looked up when they are called, so that they are those of the table as it is then.
    return Object.assign(Object.create(table) as typeof table, writes)
  })
}
