import { type AccountOfCloud, isOfCloud, isSameAccount } from '../kernel/cloud.ts'
import type { Context } from '../effects/context.ts'
import * as Id from '../kernel/id.ts'
import type { Kind } from '../kernel/partition.ts'
import { event } from '../effects/relay.ts'
import * as Excluded from '../lake/excluded.ts'
import * as Snapshot from '../lake/snapshot.ts'

const movesPerCommit = 100

/**
 * Takes the costs of an account out of every answer, also of the past: hides its own partitions for good, excludes its
 * rows on other bills. Completes a killed call. Returns the number of own partitions, which `removePurged` empties.
 */
export async function purge(ctx: Context, account: Excluded.Connection): Promise<number> {
  for (const kind of ['inventory', 'utilization'] as const) await purgeKind(ctx, account, kind)
  return await purgeKind(ctx, account, 'bill')
}

async function purgeKind(ctx: Context, account: Excluded.Connection, kind: Kind): Promise<number> {
  const own = (await Snapshot.pointers(ctx, kind)).filter((version) => isOwn(version, account))
  const visible = own.filter(Snapshot.isVisible).map(({ partition }) => partition)
  // The first write excludes the account, also if it has no partition of its own.
  for (let start = 0; start === 0 || start < visible.length; start += movesPerCommit)
    await hide(ctx, account, kind, visible.slice(start, start + movesPerCommit))
  return own.length
}

function isOwn(version: Snapshot.Info<Kind>, { cloud, accountId }: AccountOfCloud) {
  return isOfCloud(version.provider, cloud) && isSameAccount(Snapshot.ownerOf(version), accountId)
}

async function hide(ctx: Context, account: Excluded.Connection, kind: Kind, partitions: string[]) {
  const plan = async ({ excluded }: Snapshot.Head, next: Snapshot.NextVersion) => {
    const found = await Promise.all(
      partitions.map(async (partition) => await Snapshot.pointersOf(ctx, kind).get(ctx.orgId, partition)),
    )
    // A new id for each attempt: a tombstone of a failed attempt never becomes visible.
    const snapshotId = Id.create('prg', ctx.now())
    const moves = found.flatMap((current) =>
      current && Snapshot.isVisible(current) ? [tombstone(current, { snapshotId, ...next })] : [],
    )
    if (moves.length === 0 && (kind !== 'bill' || Excluded.isExcludedBy(excluded, account))) return undefined
    await Snapshot.writeHistory(ctx, moves)
    const purged = event(ctx, 'lake.purged', { purgeId: snapshotId }, `lake.purged/${snapshotId}`)
    const events = moves.length > 0 ? [purged] : []
    if (kind !== 'bill') return { moves, events }
    return { moves, excluded: Excluded.withAccount(excluded, { ...account, at: next.at }), events }
  }
  await Snapshot.advanceHead(ctx, plan, kind)
}

function tombstone(
  current: Snapshot.Info<Kind>,
  given: Pick<Snapshot.Committed, 'snapshotId' | 'lakeVersion' | 'at'>,
): Snapshot.Info<Kind> {
  const { version, snapshotId: previous } = current
  return { ...Snapshot.emptied(current), ...given, raw: '', version: version + 1, previous, isPurged: true }
}
