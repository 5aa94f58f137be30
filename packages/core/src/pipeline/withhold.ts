import { type AccountOfCloud, isOfCloud } from '../account-of-cloud.ts'
import type { Context } from '../context.ts'
import { Fault } from '../fault.ts'
import type * as Import from '../import.ts'
import * as Snapshot from '../snapshot.ts'
import * as Withheld from '../withheld.ts'

/** The list that a bill is read with, and a check to be made before its commit. */
export async function withholding(ctx: Context): Promise<{ withhold: Withheld.Info[]; isCurrent: () => Promise<void> }> {
  const withhold = await Withheld.list(ctx)
  const known = new Set(withhold.map(({ id }) => id))
  const isCurrent = async (): Promise<void> => {
    if ((await Withheld.list(ctx)).every(({ id }) => known.has(id))) return
    // The workflow carries it out once more, with the new list.
    throw new Fault('unavailable', 'An account was purged while the bill was being read. It is read again.')
  }
  return { withhold, isCurrent }
}

type Purge = Pick<Import.Info, 'id' | 'rebuildOf'>

/** Whether an account has to be taken out of a visible bill of the delivery, or was by this very import. Where it does not, it is taken out of what was visible before. */
export async function isLeft(ctx: Context, { id, rebuildOf }: Purge, account: AccountOfCloud): Promise<boolean> {
  // Let in again meanwhile: nothing is to be done.
  if (!(await Withheld.list(ctx)).some(({ cloud, accountId }) => cloud === account.cloud && accountId === account.accountId)) return false
  const { snapshots } = await Snapshot.view(ctx)
  for (const version of snapshots.filter(({ raw, provider }) => raw === rebuildOf && isOfCloud(provider, account.cloud)))
    if (version.snapshotId === id || (await holds(ctx, version, account))) return true
  await forgetEarlier(ctx, { id, rebuildOf }, account)
  return false
}

/** Removes the files of earlier versions of the bills that the delivery was of, where they hold the account: what was visible then is kept no longer. */
export async function forgetEarlier(ctx: Context, { rebuildOf }: Purge, account: AccountOfCloud): Promise<void> {
  const { snapshots } = await Snapshot.view(ctx)
  const current = new Map(snapshots.map(({ partition, version }) => [partition, version]))
  const history = (await ctx.runtime.tables.snapshots.all(ctx.orgId)).filter(
    ({ isPurged, provider }) => isPurged !== true && isOfCloud(provider, account.cloud),
  )
  const bills = new Set(history.filter(({ raw }) => raw === rebuildOf).map(({ partition }) => partition))
  const earlier = history.filter(({ partition, version }) => bills.has(partition) && version < (current.get(partition) ?? 0))
  for (const version of earlier) if (version.isForgotten ? version.rollup.length > 0 : await holds(ctx, version, account)) await Snapshot.forget(ctx, version)
}

async function holds(ctx: Context, { costs, rollup }: Snapshot.Info, { accountId }: AccountOfCloud): Promise<boolean> {
  return (await ctx.runtime.lake.query('rowsOfAccount', { orgId: ctx.orgId, costs, rollup }, { accountId })).length > 0
}
