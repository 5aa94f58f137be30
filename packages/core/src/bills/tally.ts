import type { Context } from '../effects/context.ts'

const key = 'imports'
const never = new Date('9999-12-31T00:00:00Z')

/** A killed process may not count: see {@link correct}. */
export async function add({ runtime, orgId }: Context, imports: number): Promise<number> {
  return await runtime.counters.add(orgId, key, imports, never)
}

/** The number of imports of the organization. */
export async function total({ runtime, orgId }: Context): Promise<number> {
  return await runtime.counters.get(orgId, key)
}

/** Unless the tally changes meanwhile. */
export async function correct(ctx: Context, count: () => Promise<number>): Promise<void> {
  const before = await total(ctx)
  const counted = await count()
  if (counted !== before && (await total(ctx)) === before) await add(ctx, counted - before)
}
