import type { Context } from '../effects/context.ts'
import { isFault } from '../kernel/fault.ts'
import * as Source from './source.ts'

/** Creates the sources of a connected account, and asks for their first collection. Idempotent. */
export async function planSources(ctx: Context, cloudAccountId: string): Promise<void> {
  const account = await ctx.tables.cloudAccounts.get(ctx.orgId, cloudAccountId)
  if (!account || account.removedAt !== undefined) return
  const { provider, accountId } = account
  for (const kind of Source.kinds) {
    const id = Source.idOf(cloudAccountId, kind)
    const dueAt = ctx.now().toISOString()
    const fresh: Source.Info = {
      id,
      cloudAccountId,
      provider,
      accountId,
      kind,
      dueAt,
      everyMinutes: Source.freshness[kind],
      failures: 0,
      problems: [],
      deliveries: {},
    }
    // A verification after a failure brings the next collection forward.
    await ctx.tables.sources.upsert(ctx.orgId, id, (known) => {
      if (!known) return fresh
      return known.dueAt !== undefined && known.failures > 0 && known.syncId === undefined
        ? { ...known, dueAt }
        : undefined
    })
    await Source.request(ctx, id, (source) => source.dueAt === dueAt && source.ticket === undefined)
  }
}

/** Removes the sources of a disconnected account. Bills that others were refused for its sake are tried again. */
export async function removeSources(ctx: Context, cloudAccountId: string): Promise<void> {
  for (const { id } of await Source.ofAccount(ctx, cloudAccountId))
    await ctx.tables.sources.remove(ctx.orgId, id).catch((error: unknown) => {
      if (!isFault(error, 'not_found')) throw error
    })
  for (const { id, kind, deliveries } of await ctx.tables.sources.all(ctx.orgId))
    if (kind === 'bills' && Object.values(deliveries).some(({ problem }) => problem))
      await ctx.tables.sources.update(ctx.orgId, id, Source.retried)
}
