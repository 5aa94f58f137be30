import type { Context } from '../effects/context.ts'

const key = 'imports'
const never = new Date('9999-12-31T00:00:00Z')

/** Counts imports that came, or went (negative); answers how many there are. A process that ends before it counts leaves the tally wrong until {@link correct}. */
export async function add({ runtime, orgId }: Context, imports: number): Promise<number> {
  return await runtime.counters.add(orgId, key, imports, never)
}

/** How many imports the organization has, in one call. */
export async function total(ctx: Context): Promise<number> {
  return await add(ctx, 0)
}

/** Sets the tally to what `count` finds, unless imports come or go meanwhile. */
export async function correct(ctx: Context, count: () => Promise<number>): Promise<void> {
  const before = await total(ctx)
  const counted = await count()
  if (counted !== before && (await total(ctx)) === before) await add(ctx, counted - before)
}
