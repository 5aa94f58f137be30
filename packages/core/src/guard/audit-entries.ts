import { LRUCache } from 'lru-cache'
import { backoff, perRuntime, inTurn } from '../effects/concurrency.ts'
import type { Context } from '../effects/context.ts'
import { Fault, isWritten } from '../kernel/fault.ts'
import { walk as walkPages } from '../effects/tables.ts'
import { idOf, type Info, type Last } from './audit-entry.ts'

/** Up to this number, the newest first. */
export async function before({ tables, orgId }: Context, sequence: number, limit: number): Promise<Info[]> {
  return (await tables.audit.list(orgId, { descending: true, limit, from: idOf(sequence + 1) })).items
}

export async function last({ tables, orgId }: Context): Promise<Info | undefined> {
  return (await tables.audit.list(orgId, { descending: true, limit: 1 })).items[0]
}

export function walk({ tables, orgId }: Context, { descending = false } = {}): AsyncGenerator<Info> {
  return walkPages((page) => tables.audit.list(orgId, page), { descending, limit: 100 })
}

const attempts = 30
/** Other processes may have appended since. */
const endsOf = perRuntime(() => new LRUCache<string, Last>({ max: 10_000 }))

/** Cached, so that an append costs one conditional insert. */
export async function end(ctx: Context): Promise<Last | undefined> {
  return endsOf(ctx.runtime).get(ctx.orgId) ?? (await last(ctx))
}

/** Calls `make` again on a conflict. Throws Fault `unavailable`. */
export async function place(ctx: Context, make: () => Promise<Info | undefined>): Promise<void> {
  const known = endsOf(ctx.runtime)
  await inTurn(ctx.runtime, `audit/${ctx.orgId}`, async () => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const entry = await make()
      if (entry === undefined) return
      known.delete(ctx.orgId)
      if (await isWritten(ctx.tables.audit.insert(ctx.orgId, entry))) {
        known.set(ctx.orgId, { sequence: entry.sequence, hash: entry.hash })
        return
      }
      await backoff(attempt)
    }
    throw new Fault('unavailable', 'Too many concurrent changes. Try again in a moment.')
  })
}
