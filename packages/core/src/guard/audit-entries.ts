import { backoff } from '../effects/backoff.ts'
import type { Context } from '../effects/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import type { Runtime } from '../effects/runtime.ts'
import { walk as walkPages } from '../effects/tables.ts'
import { inTurn } from '../effects/turn.ts'
import { follow, idOf, type Info, type Last, unbroken, type Verification } from './audit-entry.ts'

/** The newest entry. */
export async function last({ tables, orgId }: Context): Promise<Info | undefined> {
  return (await tables.audit.list(orgId, { descending: true, limit: 1 })).items[0]
}

const walkedAtOnce = 100

/** Every entry one after the other; no more than a hundred are held. */
export function walk({ tables, orgId }: Context, { descending = false } = {}): AsyncGenerator<Info> {
  return walkPages(async (page) => await tables.audit.list(orgId, page), { descending, limit: walkedAtOnce })
}

/** The entries from this number down, the newest first. */
export async function before({ tables, orgId }: Context, sequence: number, limit: number): Promise<Info[]> {
  return (await tables.audit.list(orgId, { descending: true, limit, from: idOf(sequence + 1) })).items
}

/** Goes through the organization's chain from its beginning, and holds no more of it than `walk` does. */
export async function verifyAll(ctx: Context): Promise<Verification> {
  let found = unbroken
  for await (const entry of walk(ctx)) found = follow(found, entry)
  return found
}

const attempts = 30
const mostRemembered = 10_000
/** The ends of chains as this process knows them; other processes may have gone on. */
const ends = new WeakMap<Runtime, Map<string, Last>>()

function endsOf(runtime: Runtime): Map<string, Last> {
  const known = ends.get(runtime) ?? new Map<string, Last>()
  ends.set(runtime, known)
  return known
}

/** The end of the chain as far as this process knows it, so that an entry costs one conditional insert. */
export async function end(ctx: Context): Promise<Last | undefined> {
  return endsOf(ctx.runtime).get(ctx.orgId) ?? (await last(ctx))
}

/** Writes the entry that `make` makes, or makes anew when another process was faster; nothing where it makes none. */
export async function place(ctx: Context, make: () => Promise<Info | undefined>): Promise<void> {
  const known = endsOf(ctx.runtime)
  await inTurn(ctx.runtime, `audit/${ctx.orgId}`, async () => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const entry = await make()
      if (entry === undefined) return
      known.delete(ctx.orgId)
      if (await isInserted(ctx, entry)) {
        if (known.size >= mostRemembered) known.clear()
        known.set(ctx.orgId, { sequence: entry.sequence, hash: entry.hash })
        return
      }
      await backoff(attempt)
    }
    throw new Fault('unavailable', 'Too many changes happen at once. Try again in a moment.')
  })
}

async function isInserted({ tables, orgId }: Context, entry: Info): Promise<boolean> {
  try {
    await tables.audit.insert(orgId, entry)
    return true
  } catch (error) {
    if (isFault(error, 'conflict')) return false
    throw error
  }
}
