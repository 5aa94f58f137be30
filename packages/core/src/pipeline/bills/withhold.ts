import { type AccountOfCloud, isOfCloud } from '../../kernel/cloud.ts'
import type { Context } from '../../kernel/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import type * as Import from '../../bills/import.ts'
import * as Orphans from '../../lake/orphans.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import * as Withheld from '../../accounts/withheld.ts'

/** The list that a bill is read with, and a check to be made before its commit. */
export async function withholding(
  ctx: Context,
): Promise<{ withhold: Withheld.Info[]; isCurrent: () => Promise<void> }> {
  const { withheld } = ctx.tables
  const before = await withheld.all(ctx.orgId)
  const isCurrent = async (): Promise<void> => {
    // Not only the same accounts: one that came and went may have taken files along.
    if (JSON.stringify(await withheld.all(ctx.orgId)) === JSON.stringify(before)) return
    // The workflow carries it out once more, with the new list.
    throw new Fault(
      'unavailable',
      'An account was purged, or connected again, while the bill was being read. It is read again.',
    )
  }
  return { withhold: before.filter(Withheld.isInForce), isCurrent }
}

type Purge = Pick<Import.Info, 'id' | 'rebuildOf'>

/** Whether an account has to be taken out of a visible bill of the delivery, or was by this very import. Where it does not, it is taken out of what was visible before. */
export async function isLeft(ctx: Context, { id, rebuildOf }: Purge, account: AccountOfCloud): Promise<boolean> {
  // Let in again meanwhile: nothing is to be done.
  if (
    !(await Withheld.list(ctx)).some(
      ({ cloud, accountId }) => cloud === account.cloud && accountId === account.accountId,
    )
  )
    return false
  const { snapshots } = await Snapshot.view(ctx)
  for (const version of snapshots.filter(
    ({ raw, provider }) => raw === rebuildOf && isOfCloud(provider, account.cloud),
  ))
    if (version.snapshotId === id || (await holds(ctx, version, account))) return true
  await forgetEarlier(ctx, { id, rebuildOf }, account)
  return false
}

/**
 * Removes the files of all other versions of the bills that the delivery was of, where they hold the account: what was visible then is kept no longer. And files that
 * no version names, which imports left behind that never came to an end.
 */
export async function forgetEarlier(ctx: Context, { rebuildOf }: Purge, account: AccountOfCloud): Promise<void> {
  const { snapshots } = await Snapshot.view(ctx)
  const visible = new Set(snapshots.map(({ partition, snapshotId }) => Snapshot.historyId(partition, snapshotId)))
  const current = new Map(snapshots.map(({ partition, version }) => [partition, version]))
  const history = (await ctx.tables.snapshots.all(ctx.orgId)).filter(
    ({ isPurged, provider }) => isPurged !== true && isOfCloud(provider, account.cloud),
  )
  const bills = new Set(history.filter(({ raw }) => raw === rebuildOf).map(({ partition }) => partition))
  const running = new Set(
    (await ctx.tables.imports.all(ctx.orgId)).filter(({ status }) => status === 'running').map(({ id }) => id),
  )
  // What is on its way is made anew before it becomes visible.
  const isOver = ({ id, snapshotId, version, partition }: Snapshot.Info): boolean =>
    !visible.has(id) && (!running.has(snapshotId) || version < (current.get(partition) ?? 0))
  const others = history.filter((version) => bills.has(version.partition) && isOver(version))
  for (const version of others)
    if (version.isForgotten ? version.rollup.length > 0 : await holds(ctx, version, account))
      await Orphans.forget(ctx, version)
  for (const partition of bills) await Orphans.removeOrphans(ctx, partition)
}

async function holds(ctx: Context, { costs, rollup }: Snapshot.Info, { accountId }: AccountOfCloud): Promise<boolean> {
  try {
    return (
      (await ctx.runtime.lake.query('rowsOfAccount', { orgId: ctx.orgId, costs, rollup }, { accountId })).length > 0
    )
  } catch (error) {
    // A purge of the bill itself is removing it.
    if (isFault(error, 'not_found')) return false
    throw error
  }
}
