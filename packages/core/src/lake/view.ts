import { backoff } from '../effects/concurrency.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { ExcludedAccount, LakeFiles } from '../effects/lake.ts'
import { filesByDataset, type Kind } from '../kernel/partition.ts'
import { type Head, head } from './head.ts'
import { historyId, type Info, isVisible, pointersOf } from './version.ts'

export interface View<K extends Kind = 'bill'> {
  lakeVersion: number
  at: string
  snapshots: Info<K>[]
  /** The current list, also in a view of the past. */
  excluded: ExcludedAccount[]
  /** Current versions of partitions whose version of that time expired. */
  expired?: Info<K>[] | undefined
}

const attempts = 15

export async function view<K extends Kind = 'bill'>(
  ctx: Context,
  { asOf, kind: wanted }: { asOf?: Date; kind?: K } = {},
): Promise<View<K>> {
  const kind: Kind = wanted ?? 'bill'
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [{ version: lakeVersion, at, moves }, { excluded }] = await headsOf(ctx, kind)
    const snapshots = overlay(await pointersOf(ctx, kind).all(ctx.orgId), moves)
    if (snapshots.some((snapshot) => snapshot.lakeVersion > lakeVersion)) {
      await backoff(attempt)
      continue
    }
    const found = asOf ? await past(ctx, snapshots, asOf) : { lakeVersion, at, snapshots: snapshots.filter(isVisible) }
    return { ...found, excluded } as View<K>
  }
  throw new Fault('unavailable', 'The lake changes faster than it can be read. Try again in a moment.')
}

/** Of the partitions whose keys have these prefixes. Each is current; the head may move while they are read. */
export async function currentView<K extends Kind>(
  ctx: Context,
  kind: K,
  prefixes: readonly string[],
): Promise<View<K>> {
  const [{ version: lakeVersion, at, moves }, { excluded }] = await headsOf(ctx, kind)
  const found = await Promise.all(prefixes.map((prefix) => pointersOf(ctx, kind).all(ctx.orgId, prefix)))
  const own = moves.filter(({ partition }) => prefixes.some((prefix) => partition.startsWith(prefix)))
  return { lakeVersion, at, snapshots: overlay(found.flat(), own).filter(isVisible), excluded } as View<K>
}

/** The head of the kind, and the one of bills, which has the excluded accounts. */
async function headsOf(ctx: Context, kind: Kind): Promise<[Head, Head]> {
  const own = await head(ctx, kind)
  return [own, kind === 'bill' ? own : await head(ctx)]
}

/** Tombstones included. */
export async function pointers(ctx: Context, kind: Kind = 'bill'): Promise<Info<Kind>[]> {
  const { moves } = await head(ctx, kind)
  return overlay(await pointersOf(ctx, kind).all(ctx.orgId), moves)
}

export function filesOf<K extends Kind>(
  orgId: string,
  { excluded, snapshots: all }: View<K>,
  snapshots: readonly Info<K>[] = all,
): LakeFiles {
  return { orgId, files: filesByDataset(snapshots), excluded }
}

function overlay(pointers: Info<Kind>[], moves: Info<Kind>[]): Info<Kind>[] {
  const current = new Map(pointers.map((pointer) => [pointer.partition, pointer]))
  for (const move of moves) {
    const pointer = current.get(move.partition)
    if (!pointer || pointer.lakeVersion < move.lakeVersion) current.set(move.partition, move)
  }
  return [...current.values()].sort((a, b) => (a.partition < b.partition ? -1 : 1))
}

async function past(ctx: Context, snapshots: Info<Kind>[], asOf: Date): Promise<Omit<View<Kind>, 'excluded'>> {
  const history = new Map((await ctx.tables.snapshots.all(ctx.orgId)).map((info) => [info.id, info]))
  const limit = asOf.toISOString()
  const [visible, expired]: [Info<Kind>[], Info<Kind>[]] = [[], []]
  for (const snapshot of snapshots) {
    let version: Info<Kind> | undefined = snapshot
    while (version && version.at > limit) {
      // A tombstone answers for no earlier time, also before its files are removed.
      const before: string | undefined = isVisible(version) ? version.previous : undefined
      version = before === undefined ? undefined : history.get(historyId(version.partition, before))
      if (before !== undefined && !version) expired.push(snapshot)
    }
    if (version?.isForgotten) expired.push(snapshot)
    else if (version && isVisible(version)) visible.push(version)
  }
  const lakeVersion = visible.reduce((newest, { lakeVersion }) => Math.max(newest, lakeVersion), 0)
  return { lakeVersion, at: limit, snapshots: visible, ...(expired.length > 0 && { expired }) }
}
