import { type AccountOfCloud, isOfCloud } from '../kernel/cloud.ts'
import type { Context } from '../kernel/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import * as Import from '../bills/import.ts'
import * as Raw from '../bills/raw.ts'
import * as Rebuild from '../bills/rebuild.ts'
import * as Snapshot from '../lake/snapshot.ts'

declare module '../kernel/tables.ts' {
  interface Tables {
    withheld: Table<Info>
  }
}

/** A sub-account whose costs were purged, while the bill that they stand on is another account's: they stay out of the lake until it is connected again. */
export interface Info extends AccountOfCloud {
  /** `{cloud}/{account}` */
  id: string
  at: string
  /** The connection that was ended with it: another one lets the account in again. */
  cloudAccountId: string
  /** It was let in again. */
  liftedAt?: string
}

/** An account as it was connected. */
export interface Connection extends AccountOfCloud {
  cloudAccountId: string
}

/** The accounts whose costs an organization does not want to see. */
export async function list(ctx: Context): Promise<Info[]> {
  return (await ctx.tables.withheld.all(ctx.orgId)).filter(isInForce)
}

/** Whether an account is withheld still. */
export function isInForce({ liftedAt }: Info): boolean {
  return liftedAt === undefined
}

/**
 * Withholds an account from now on, also from bills that are on their way, and begins to take it out of what the lake has: an import for each delivery that the lake
 * stands on, which reads the stored bill again. Answers their ids; a second call begins them again.
 */
export async function begin(ctx: Context, { cloud, accountId, cloudAccountId }: Connection): Promise<string[]> {
  await ctx.tables.withheld.put(ctx.orgId, {
    id: `${cloud}/${accountId}`,
    cloud,
    accountId,
    cloudAccountId,
    at: ctx.now().toISOString(),
  })
  // Whoever read the list before cannot commit any more: their commit is that of another version of the lake.
  await Snapshot.touch(ctx)
  return await readAgain(ctx, await deliveriesOf(ctx, cloud), { withholds: { cloud, accountId } })
}

/** Throws Fault `conflict` where a stored bill of the cloud is lost: nothing can be taken out of what was made from it. */
export async function demandRaw(ctx: Context, cloud: string): Promise<void> {
  await deliveriesOf(ctx, cloud)
}

/** Lets the costs of an account in again, if it was purged by an earlier connection, and begins to bring back what stored bills have of it; answers the imports' ids. A second call
 * begins again what has not come back yet. */
export async function lift(ctx: Context, { cloud, accountId, cloudAccountId }: Connection): Promise<string[]> {
  const { withheld } = ctx.tables
  const found = await withheld.get(ctx.orgId, `${cloud}/${accountId}`)
  if (!found || found.cloudAccountId === cloudAccountId) return []
  try {
    if (found.liftedAt === undefined)
      await withheld.replace(
        ctx.orgId,
        { ...found, liftedAt: ctx.now().toISOString() },
        { cloudAccountId: found.cloudAccountId, liftedAt: undefined },
      )
  } catch (error) {
    // Purged anew, or let in by another request.
    if (isFault(error, 'conflict')) return []
    throw error
  }
  // Whoever read the list before would leave the account out once more.
  await Snapshot.touch(ctx)
  const without = (await Snapshot.view(ctx)).snapshots.filter((bill) =>
    bill.withheld?.some((account) => account.accountId === accountId),
  )
  return await readAgain(ctx, (await manifestsOf(ctx, without)).found, {})
}

/** Begins anew what failed of taking accounts out, under an id that the failed import names; answers how much. */
export async function resume(ctx: Context): Promise<number> {
  const { imports } = ctx.tables
  const wanted = new Set((await list(ctx)).map(({ id }) => id))
  const isWanted = ({ withholds }: Import.Info) =>
    withholds !== undefined && wanted.has(`${withholds.cloud}/${withholds.accountId}`)
  const failed = (await Import.list(ctx)).filter(
    (info) => (info.status === 'failed' || info.status === 'refused') && isWanted(info),
  )
  let begun = 0
  for (const info of failed) {
    const { continuedBy = Id.create('imp', ctx.now()), rebuildOf = info.id, files, withholds } = info
    const next = await imports.get(ctx.orgId, continuedBy)
    if (next && next.status !== 'uploading') continue
    // The bill was purged since: nothing is left to take the account out of.
    if (!(await Raw.manifest(ctx, rebuildOf))) continue
    if (info.continuedBy === undefined) await imports.put(ctx.orgId, { ...info, continuedBy })
    if (!next) await Rebuild.again(ctx, { importId: rebuildOf, files }, { withholds }, continuedBy)
    await Import.start(ctx, continuedBy)
    begun++
  }
  return begun
}

async function readAgain(
  ctx: Context,
  manifests: readonly Raw.Manifest[],
  purpose: Pick<Import.Info, 'withholds'>,
): Promise<string[]> {
  const ids: string[] = []
  for (const manifest of manifests) {
    const { id } = await Rebuild.again(ctx, manifest, purpose)
    await Import.start(ctx, id)
    ids.push(id)
  }
  return ids
}

/** The deliveries that the lake's bills of a cloud were made from. */
async function deliveriesOf(ctx: Context, cloud: string): Promise<Raw.Manifest[]> {
  const { snapshots } = await Snapshot.view(ctx)
  const { found, lost } = await manifestsOf(
    ctx,
    snapshots.filter(({ provider }) => isOfCloud(provider, cloud)),
  )
  const [bill] = lost
  if (!bill) return found
  const name = `${bill.provider} account ${bill.billingAccountId}, ${bill.period}`
  throw new Fault(
    'conflict',
    `The stored bill of ${name} is lost, so nothing can be taken out of it. Import that bill again first.`,
  )
}

async function manifestsOf(
  ctx: Context,
  bills: readonly Snapshot.Info[],
): Promise<{ found: Raw.Manifest[]; lost: Snapshot.Info[] }> {
  const raws = [...new Set(bills.map(({ raw }) => raw))]
  const manifests = new Map(await Promise.all(raws.map(async (raw) => [raw, await Raw.manifest(ctx, raw)] as const)))
  return {
    found: [...manifests.values()].filter((manifest) => manifest !== undefined),
    lost: bills.filter(({ raw }) => !manifests.get(raw)),
  }
}
