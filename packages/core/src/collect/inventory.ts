import type { InventoryPart } from '../effects/clouds.ts'
import type { Context } from '../effects/context.ts'
import * as Snapshot from '../lake/snapshot.ts'
import type { Found, Given } from './collection.ts'
import { refreshPrices } from './prices.ts'
import { landRows } from './rows.ts'
import type * as Source from './source.ts'

/** Replaces the inventory of the account. A part that could not be read keeps its last state. */
export async function collectInventory(ctx: Context, given: Given): Promise<Found> {
  const { source, syncId, access, problems } = given
  const { provider, accountId } = source
  const takenAt = ctx.now().toISOString()
  const current = await currentOf(ctx, source)
  const landed = await landRows(ctx, {
    syncId,
    cloudAccountId: source.cloudAccountId,
    facts: { kind: 'inventory', provider, accountId, takenAt },
    current,
    rows: rowsOf(ctx.runtime.clouds[provider].inventory(access), source, takenAt),
    keptParts: () => [...new Set(problems.map(({ part }) => part))],
  })
  await refreshPrices(ctx, given, landed.regions ?? [])
  return landed
}

async function* rowsOf(parts: AsyncIterable<InventoryPart>, { provider, accountId }: Source.Info, takenAt: string) {
  for await (const { part, resources } of parts)
    for (const resource of resources)
      yield { provider, accountId, part, takenAt, ...resource, ...(resource.tags && { tags: inOrder(resource.tags) }) }
}

// Clouds list tags in any order, and the same tags are no change.
function inOrder(tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The visible inventory of an account. */
export async function currentOf(ctx: Context, { provider, accountId }: Pick<Source.Info, 'provider' | 'accountId'>) {
  const { snapshots } = await Snapshot.view(ctx, { kind: 'inventory' })
  return snapshots.find((each) => each.provider === provider && each.accountId === accountId)
}
