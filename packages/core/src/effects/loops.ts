import { Fault, isWritten, raise } from '../kernel/fault.ts'
import type { Table, Updated } from './tables.ts'
import { backoff } from './concurrency.ts'

const attempts = 15

type Loops<Item extends { id: string }> = Pick<Table<Item>, 'update' | 'upsert'>

/** Only the lake's head and the audit chain have compare-and-swap loops of their own. */
export function loopsOf<Item extends { id: string }>(
  table: Pick<Table<Item>, 'read' | 'insert' | 'rewrite'>,
): Loops<Item> {
  const upsert: Loops<Item>['upsert'] = async (orgId, id, edit, events = []) => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const found = await table.read(orgId, id)
      const next = await edit(structuredClone(found?.item))
      if (next === undefined) return { before: found?.item, after: found?.item }
      const write = found ? table.rewrite(orgId, next, found.revision, events) : table.insert(orgId, next, events)
      if (await isWritten(write)) return { before: found?.item, after: next }
      await backoff(attempt)
    }
    throw new Fault('unavailable', `Too many concurrent changes of ${id}. Try again in a moment.`)
  }
  return {
    upsert,
    update: async (orgId, id, edit, events) =>
      (await upsert(
        orgId,
        id,
        async (found) => await edit(found ?? raise(new Fault('not_found', `${id} does not exist.`))),
        events,
      )) as Updated<Item>,
  }
}
