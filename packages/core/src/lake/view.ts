import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { ExcludedAccount, LakeFiles } from '../kernel/lake.ts'
import { head } from './head.ts'
import { historyId, type Info, isVisible, type Pointer } from './version.ts'

/** What the lake holds at one lake version: consistent, however many commits happen meanwhile. */
export interface View {
  lakeVersion: number
  /** When that version was committed. */
  at: string
  snapshots: Info[]
  /** Accounts that no answer contains: those of now, also in a view of the past. */
  excluded: ExcludedAccount[]
  /** The current versions of partitions whose version of that time was replaced since, and is kept no longer. */
  expired?: Info[]
}

const attempts = 50

/** What is visible now, or what was visible at `asOf`. */
export async function view(ctx: Context, options: { asOf?: Date } = {}): Promise<View> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { version: lakeVersion, at, moves, excluded } = await head(ctx)
    const snapshots = overlay(await ctx.tables.partitions.all(ctx.orgId), moves)
    if (snapshots.some((snapshot) => snapshot.lakeVersion > lakeVersion)) continue
    if (options.asOf) return { excluded, ...(await past(ctx, snapshots, options.asOf)) }
    return { lakeVersion, at, excluded, snapshots: snapshots.filter(isVisible) }
  }
  throw new Fault('unavailable', 'The lake changes faster than it can be read. Try again in a moment.')
}

/** The current version of every partition, tombstones too. */
export async function pointers(ctx: Context): Promise<Pointer[]> {
  const { moves } = await head(ctx)
  return overlay(await ctx.tables.partitions.all(ctx.orgId), moves)
}

/** The files of snapshots of a view, as the engine reads them. */
export function filesOf(
  orgId: string,
  { excluded, snapshots: all }: View,
  snapshots: readonly Info[] = all,
): LakeFiles {
  return {
    orgId,
    costs: snapshots.flatMap(({ costs }) => costs),
    rollup: snapshots.flatMap(({ rollup }) => rollup),
    excluded,
  }
}

function overlay(pointers: Info[], moves: Info[]): Info[] {
  const current = new Map(pointers.map((pointer) => [pointer.partition, pointer]))
  for (const move of moves) {
    const pointer = current.get(move.partition)
    if (!pointer || pointer.lakeVersion < move.lakeVersion) current.set(move.partition, move)
  }
  return [...current.values()].sort((a, b) => (a.partition < b.partition ? -1 : 1))
}

async function past(ctx: Context, snapshots: Info[], asOf: Date): Promise<Omit<View, 'excluded'>> {
  const history = new Map((await ctx.tables.snapshots.all(ctx.orgId)).map((info) => [info.id, info]))
  const limit = asOf.toISOString()
  const [visible, expired]: [Info[], Info[]] = [[], []]
  for (const snapshot of snapshots) {
    let version: Info | undefined = snapshot
    while (version && version.at > limit) {
      // A tombstone ends the walk: a purged bill answers no earlier time, also while its files are being removed.
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
