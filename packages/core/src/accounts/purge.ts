import { type AccountOfCloud, isOfCloud, isSameAccount } from '../kernel/cloud.ts'
import type { Context } from '../effects/context.ts'
import * as Id from '../kernel/id.ts'
import type { Kind } from '../kernel/partition.ts'
import { event } from '../effects/relay.ts'
import * as Excluded from '../lake/excluded.ts'
import * as Snapshot from '../lake/snapshot.ts'

const movesPerCommit = 100

/**
 * Also from the past: hides its own partitions, excludes its rows on other bills; completes a killed call; returns the
 * number of own partitions.
 */
export async function purge(ctx: Context, account: Excluded.Connection): Promise<number> {
  const own = (await Snapshot.pointers(ctx)).filter((version) => isOwn(version, account))
  const visible = own.filter(Snapshot.isVisible).map(({ partition }) => partition)
  // The first write excludes the account, also if it has no partition of its own.
  for (let start = 0; start === 0 || start < visible.length; start += movesPerCommit)
    await hide(ctx, account, visible.slice(start, start + movesPerCommit))
  return own.length
}

function isOwn(version: Snapshot.Info<Kind>, { cloud, accountId }: AccountOfCloud) {
  return isOfCloud(version.provider, cloud) && isSameAccount(Snapshot.ownerOf(version), accountId)
}

async function hide(ctx: Context, account: Excluded.Connection, partitions: string[]) {
  await Snapshot.advanceHead(ctx, async ({ excluded }, next) => {
    const found = await Promise.all(partitions.map((partition) => ctx.tables.partitions.get(ctx.orgId, partition)))
    // A new id for each attempt: a tombstone of a failed attempt never becomes visible.
    const snapshotId = Id.create('prg', ctx.now())
    const moves = found.flatMap((current) =>
      current && Snapshot.isVisible(current) ? [tombstone(current, { snapshotId, ...next })] : [],
    )
    if (moves.length === 0 && Excluded.isExcludedBy(excluded, account)) return undefined
    await Snapshot.writeHistory(ctx, moves)
    const purged = event(ctx, 'lake.purged', { purgeId: snapshotId }, `lake.purged/${snapshotId}`)
    const withAccount = Excluded.withAccount(excluded, { ...account, at: next.at })
    return { moves, excluded: withAccount, events: moves.length > 0 ? [purged] : [] }
  })
}

function tombstone(
  current: Snapshot.Info<Kind>,
  given: Pick<Snapshot.Committed, 'snapshotId' | 'lakeVersion' | 'at'>,
): Snapshot.Info<Kind> {
  const { version, snapshotId: previous } = current
  return { ...Snapshot.emptied(current), ...given, raw: '', version: version + 1, previous, isPurged: true }
}
