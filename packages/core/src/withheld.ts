import { type AccountOfCloud, isOfCloud } from './account-of-cloud.ts'
import type { Context } from './context.ts'
import { Fault } from './fault.ts'
import * as Import from './import.ts'
import * as Raw from './raw.ts'
import * as Rebuild from './rebuild.ts'
import * as Snapshot from './snapshot.ts'

/** A sub-account whose costs were purged, while the bill that they stand on is another account's: they stay out of the lake until it is connected again. */
export interface Info extends AccountOfCloud {
  /** `{cloud}/{account}` */
  id: string
  at: string
}

/** The accounts whose costs an organisation does not want to see. */
export async function list(ctx: Context): Promise<Info[]> {
  return await ctx.runtime.tables.withheld.all(ctx.orgId)
}

/**
 * Withholds an account from now on, also from bills that are on their way, and begins to take it out of what the lake has: an import for each bill of its cloud, which
 * reads the stored bill again. Answers their ids; a second call begins them again.
 */
export async function begin(ctx: Context, { cloud, accountId }: AccountOfCloud): Promise<string[]> {
  await ctx.runtime.tables.withheld.put(ctx.orgId, { id: `${cloud}/${accountId}`, cloud, accountId, at: ctx.now().toISOString() })
  // Whoever read the list before cannot commit any more: their commit is that of another version of the lake.
  await Snapshot.touch(ctx)
  const ids: string[] = []
  for (const manifest of await manifestsOf(ctx, cloud)) {
    const { id } = await Rebuild.again(ctx, manifest, { withholds: { cloud, accountId } })
    await Import.start(ctx, id)
    ids.push(id)
  }
  return ids
}

/** Throws Fault `conflict` where a stored bill of the cloud is lost: nothing can be taken out of what was made from it. */
export async function demandRaw(ctx: Context, cloud: string): Promise<void> {
  await manifestsOf(ctx, cloud)
}

/** The deliveries that the lake's bills of a cloud were made from. */
async function manifestsOf(ctx: Context, cloud: string): Promise<Raw.Manifest[]> {
  const { snapshots } = await Snapshot.view(ctx)
  const raws = new Set(snapshots.filter(({ provider }) => isOfCloud(provider, cloud)).map(({ raw }) => raw))
  const manifests = (await Raw.manifests(ctx)).filter(({ importId }) => raws.has(importId))
  if (manifests.length < raws.size)
    throw new Fault(
      'conflict',
      'A stored bill that the lake was made from is lost, so nothing can be taken out of it. Import the bills of this cloud again first.',
    )
  return manifests
}

/** Lets the costs of an account in again, with the next delivery of each bill. */
export async function lift(ctx: Context, { cloud, accountId }: AccountOfCloud): Promise<void> {
  await ctx.runtime.tables.withheld.remove(ctx.orgId, `${cloud}/${accountId}`)
}

/** Begins anew what failed of taking accounts out; answers how much. */
export async function resume(ctx: Context): Promise<number> {
  const wanted = new Set((await list(ctx)).map(({ id }) => id))
  const failed = (await Import.list(ctx)).filter(
    ({ status, withholds }) => status === 'failed' && withholds && wanted.has(`${withholds.cloud}/${withholds.accountId}`),
  )
  for (const info of failed) {
    const { id } = await Rebuild.again(ctx, { importId: info.rebuildOf ?? info.id, files: info.files }, { withholds: info.withholds })
    await Import.start(ctx, id)
    await ctx.runtime.tables.imports.remove(ctx.orgId, info.id)
  }
  return failed.length
}
