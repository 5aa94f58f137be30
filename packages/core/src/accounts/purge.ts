import { type AccountOfCloud, isOfCloud, isSameAccount } from '../kernel/cloud.ts'
import type { Context } from '../effects/context.ts'
import * as Id from '../kernel/id.ts'
import { type Kind, keyOfKind, kindOf, kinds } from '../kernel/partition.ts'
import { event } from '../effects/relay.ts'
import * as Excluded from '../lake/excluded.ts'
import * as Snapshot from '../lake/snapshot.ts'
import * as Import from '../bills/import.ts'
import * as Raw from '../bills/raw.ts'
import { walk } from '../effects/tables.ts'
import * as Orphans from '../lake/orphans.ts'
import * as Usage from '../organization/usage.ts'

const movesPerCommit = 100

/**
 * Also from the past: hides its own partitions, excludes its rows on other bills; completes a killed call; returns the
 * number of own partitions.
 */
export async function purge(ctx: Context, account: Excluded.Connection): Promise<number> {
  let purged = 0
  for (const kind of kinds) purged += await purgeKind(ctx, account, kind)
  return purged
}

async function purgeKind(ctx: Context, account: Excluded.Connection, kind: Kind): Promise<number> {
  let hidden = await hide(ctx, account, kind, { isFirst: true })
  while (hidden.left > 0) hidden = await hide(ctx, account, kind, { isFirst: false })
  return hidden.own
}

function isOwn(version: Snapshot.Info<Kind>, { cloud, accountId }: AccountOfCloud) {
  return isOfCloud(version.provider, cloud) && isSameAccount(Snapshot.ownerOf(version), accountId)
}

/**
 * The first call writes the head also without a move: a collection that is about to commit then asks again whether its
 * account is connected, and an account without a bill is excluded.
 */
async function hide(ctx: Context, account: Excluded.Connection, kind: Kind, { isFirst }: { isFirst: boolean }) {
  const counts = { own: 0, left: 0 }
  const prefix = kind === 'bill' ? '' : keyOfKind(kind, account.cloud, account.accountId)
  const plan = async ({ excluded }: Snapshot.Head, next: Snapshot.NextVersion) => {
    const pointers = await Snapshot.pointersOf(ctx, kind).all(ctx.orgId, prefix)
    const own = pointers.filter((version) => isOwn(version, account))
    const visible = own.filter(Snapshot.isVisible)
    // A new id for each attempt: a tombstone of a failed attempt never becomes visible.
    const snapshotId = Id.create('prg', ctx.now())
    const moves = visible.slice(0, movesPerCommit).map((current) => tombstone(current, { snapshotId, ...next }))
    Object.assign(counts, { own: own.length, left: visible.length - moves.length })
    const isDone = kind === 'bill' ? Excluded.isExcludedBy(excluded, account) : !isFirst
    if (moves.length === 0 && isDone) return undefined
    await Snapshot.writeHistory(ctx, moves)
    const purged = event(ctx, 'lake.purged', { purgeId: snapshotId }, `lake.purged/${snapshotId}`)
    const events = moves.length > 0 ? [purged] : []
    if (kind !== 'bill') return { moves, events }
    return { moves, excluded: Excluded.withAccount(excluded, { ...account, at: next.at }), events }
  }
  await Snapshot.advanceHead(ctx, plan, kind)
  return counts
}

function tombstone(
  current: Snapshot.Info<Kind>,
  given: Pick<Snapshot.Committed, 'snapshotId' | 'lakeVersion' | 'at'>,
): Snapshot.Info<Kind> {
  const { version, snapshotId: previous } = current
  return { ...Snapshot.emptied(current), ...given, raw: '', version: version + 1, previous, isPurged: true }
}

/** Removes files, versions, raw bills of no other version, and totals of imports; completes killed calls. */
export async function removePurged(ctx: Context): Promise<void> {
  const { tables } = ctx
  const { blobs } = ctx.runtime
  const where = { isPurged: true, emptiedAt: undefined } as const
  const { items: pending } = await tables.snapshots.select(ctx.orgId, { where })
  if (pending.length === 0) return
  const partitions = new Set(pending.map(({ partition }) => partition))
  const histories = [...partitions].map(
    async (partition) => await tables.snapshots.all(ctx.orgId, Snapshot.historyId(partition, '')),
  )
  const history = (await Promise.all(histories)).flat()
  const listed = [...partitions].map((partition) => blobs.list(ctx.orgId, `lake/${partition}/`))
  const files = (await Promise.all(listed)).flat()
  // Read after the files: a file of an import that ended before is an orphan. Read before the pointers: they show an
  // import that ends in between.
  const { items: running } = await tables.imports.select(ctx.orgId, { where: { status: 'running' } })
  const chains = await chainsOf(ctx, partitions)
  const hidden: Hidden = {
    isGone: goneFrom(chains, new Set(running.map(({ id }) => id))),
    isUnfinished: (importId) => running.some(({ id, rebuildOf }) => id === importId || rebuildOf === importId),
  }
  for (const { key } of files) if (hidden.isGone(...Orphans.holderOf(key))) await blobs.remove(ctx.orgId, key)
  // A tombstone of a later lake version than the head's may still become visible.
  const isKnown = ({ kind, lakeVersion }: Snapshot.Info<Kind>) => lakeVersion <= chains.lakeVersion[kind]
  const known = history.filter((version) => !version.isPurged || isKnown(version))
  await removeVersions(ctx, known, hidden)
  for (const { id, partition } of pending.filter(isKnown))
    if (!chains.tombstones.has(partition)) await tables.snapshots.remove(ctx.orgId, id)
  const visible = pending.filter((one) => chains.tombstones.get(one.partition) === one.snapshotId)
  // A running import from before the purge may still write files and totals. A later call removes them.
  const done = visible.filter(({ at }) => !running.some(({ createdAt }) => createdAt <= at))
  for (const one of done) await tables.snapshots.put(ctx.orgId, { ...one, emptiedAt: ctx.now().toISOString() })
}

interface Hidden {
  isGone(partition: string, snapshotId: string): boolean
  isUnfinished(importId: string): boolean
}

async function removeVersions(ctx: Context, history: readonly Snapshot.Info<Kind>[], { isGone, isUnfinished }: Hidden) {
  const { snapshots } = ctx.tables
  const gone = history.filter(({ partition, snapshotId }) => isGone(partition, snapshotId))
  const unused = new Set(gone.map(({ raw }) => raw))
  for await (const { partition, snapshotId, raw } of walk((page) => snapshots.list(ctx.orgId, page)))
    if (!isGone(partition, snapshotId)) unused.delete(raw)
  for (const raw of unused) if (raw !== '' && !isUnfinished(raw)) await Usage.free(ctx, await Raw.remove(ctx, raw))
  await removeChanges(ctx, isGone)
  const unfinished = new Set(
    gone.filter(({ snapshotId }) => isUnfinished(snapshotId)).map(({ partition }) => partition),
  )
  // The oldest first, because the chain of previous versions leads to the others.
  for (const version of gone.toSorted((a, b) => a.version - b.version)) {
    // An import killed between commit and record must find its version, or it would commit again.
    if (unfinished.has(version.partition))
      await snapshots.put(ctx.orgId, { ...Snapshot.emptied(version), isForgotten: true })
    else await snapshots.remove(ctx.orgId, version.id)
  }
}

async function removeChanges(ctx: Context, isGone: Hidden['isGone']) {
  const { tables } = ctx
  const { blobs } = ctx.runtime
  for await (const { id, status } of Import.records(ctx)) {
    if (status !== 'committed') continue
    const { changes = [], changesAt } = await Import.get(ctx, id)
    const left = changes.filter(({ partition }) => !isGone(partition, id))
    if (left.length === changes.length) continue
    if (changesAt === undefined) await tables.imports.update(ctx.orgId, id, (info) => ({ ...info, changes: left }))
    else await blobs.put(ctx.orgId, changesAt, Buffer.from(JSON.stringify(left)), 'application/json')
  }
}

/** Before and since the newest visible tombstone (a snapshot) of each partition. */
async function chainsOf(ctx: Context, partitions: ReadonlySet<string>) {
  const lakeVersion: Record<Kind, number> = { bill: 0, inventory: 0, utilization: 0 }
  const pointers: Snapshot.Info<Kind>[] = []
  for (const kind of kinds) {
    // Read before the pointers.
    lakeVersion[kind] = (await Snapshot.head(ctx, kind)).version
    pointers.push(...(await Snapshot.pointers(ctx, kind)))
  }
  const tombstones = new Map<string, string>()
  const [since, before] = [new Set<string>(), new Set<string>()]
  for (const pointer of pointers) {
    if (!partitions.has(pointer.partition)) continue
    for (let at: Snapshot.Info<Kind> | undefined = pointer; at; at = await Snapshot.previousOf(ctx, at)) {
      const isHidden = tombstones.has(at.partition)
      if (!isHidden && at.isPurged) tombstones.set(at.partition, at.snapshotId)
      else (isHidden ? before : since).add(Snapshot.historyId(at.partition, at.snapshotId))
    }
  }
  return { lakeVersion, tombstones, since, before }
}

type Chains = Awaited<ReturnType<typeof chainsOf>>

/** Hidden: a version before the tombstone, or in no chain unless its import still runs and may make it visible. */
function goneFrom({ tombstones, since, before }: Chains, running: ReadonlySet<string>): Hidden['isGone'] {
  return (partition, snapshotId) => {
    const tombstone = tombstones.get(partition)
    if (tombstone === undefined || tombstone === snapshotId) return false
    const id = Snapshot.historyId(partition, snapshotId)
    // A collection of the account that was connected again may still commit its files.
    const isNewer = kindOf(partition) !== 'bill' && Id.timeOf(snapshotId) > Id.timeOf(tombstone)
    return before.has(id) || !(since.has(id) || running.has(snapshotId) || isNewer)
  }
}
