import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import * as Id from '../kernel/id.ts'
import * as Import from '../bills/import.ts'
import * as Raw from '../bills/raw.ts'
import * as Orphans from '../lake/orphans.ts'
import * as Snapshot from '../lake/snapshot.ts'

const movesPerCommit = 100
const attempts = 50

/**
 * Takes partitions out of the lake for good: from now on they answer nothing, nor does any time before; then their files and versions are removed, and the raw
 * bills that held nothing else, and what imports say of them. A second call goes on where the first was cut off. Answers how many partitions it found.
 */
export async function purge(ctx: Context, isMeant: (partition: Snapshot.Info) => boolean): Promise<number> {
  const meant = (await Snapshot.pointers(ctx)).filter(isMeant)
  const visible = meant.filter(({ isPurged }) => isPurged !== true).map(({ partition }) => partition)
  // Anew at each call: two versions of one id would each lead to the other.
  const id = Id.create('prg', ctx.now())
  for (let start = 0; start < visible.length; start += movesPerCommit)
    await hide(ctx, id, visible.slice(start, start + movesPerCommit))
  // Whoever was cut off may have left what the pointers still say.
  await Snapshot.settle(ctx, await Snapshot.head(ctx))
  await forget(ctx, new Set(meant.map(({ partition }) => partition)))
  return meant.length
}

async function hide(ctx: Context, snapshotId: string, partitions: string[]): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = await Snapshot.head(ctx)
    await Snapshot.settle(ctx, before)
    const now = ctx.now().toISOString()
    const at = now > before.at ? now : before.at
    const found = await Promise.all(
      partitions.map(async (partition) => await ctx.tables.partitions.get(ctx.orgId, partition)),
    )
    const moves = found.flatMap((current) =>
      current ? [nothing(current, { snapshotId, lakeVersion: before.version + 1, at })] : [],
    )
    for (const move of moves)
      await ctx.tables.snapshots.put(ctx.orgId, { ...move, id: Snapshot.historyId(move.partition, snapshotId) })
    const after: Snapshot.Head = { id: 'head', version: before.version + 1, at, moves }
    if (await Snapshot.moveHead(ctx, before, after)) return await Snapshot.settle(ctx, after)
  }
  throw new Fault('unavailable', 'Imports keep changing the lake. Try again in a moment.')
}

/** A version that says that there is nothing. */
function nothing(
  current: Snapshot.Info,
  given: Pick<Snapshot.Info, 'snapshotId' | 'lakeVersion' | 'at'>,
): Snapshot.Info {
  const empty = {
    rows: 0,
    totals: [],
    control: [],
    formats: [],
    costs: [],
    rollup: [],
    raw: '',
    digest: '',
    siblings: 0,
  }
  const { lacks: _, withheld: __, ...rest } = current
  return { ...rest, ...empty, ...given, version: current.version + 1, previous: current.snapshotId, isPurged: true }
}

/** Removes what nobody can see any more. */
async function forget(ctx: Context, partitions: ReadonlySet<string>): Promise<void> {
  const { tables, blobs } = ctx.runtime
  const history = (await tables.snapshots.all(ctx.orgId)).filter(({ isPurged }) => isPurged !== true)
  const files = (
    await Promise.all([...partitions].map(async (partition) => await blobs.list(ctx.orgId, `lake/${partition}/`)))
  ).flat()
  const { spared, isRunning } = await newer(ctx, partitions)
  const gone = history.filter(({ id, partition }) => partitions.has(partition) && !spared(id))
  const kept = new Set(history.filter((version) => !gone.includes(version)).map(({ raw }) => raw))
  for (const { key } of files) if (!spared(holderOf(key))) await blobs.remove(ctx.orgId, key)
  for (const raw of new Set(gone.map(({ raw }) => raw))) if (raw !== '' && !kept.has(raw)) await Raw.discard(ctx, raw)
  await forgetChanges(
    ctx,
    (partition, importId) => partitions.has(partition) && !spared(Snapshot.historyId(partition, importId)),
  )
  const unended = new Set(gone.filter(({ id }) => isRunning(id)).map(({ partition }) => partition))
  // The oldest first: what leads to the others stays until they are gone.
  for (const version of gone.toSorted((a, b) => a.version - b.version)) {
    // An import that landed and has yet to say so finds that it did, and does not land again: through all that came after it.
    if (unended.has(version.partition)) await tables.snapshots.put(ctx.orgId, trace(version))
    else await tables.snapshots.remove(ctx.orgId, version.id)
  }
}

function trace(version: Snapshot.Info): Snapshot.Info {
  const { withheld: _, ...rest } = version
  return { ...rest, rows: 0, totals: [], control: [], costs: [], rollup: [], raw: '', digest: '', isForgotten: true }
}

/** What imports say of themselves holds the totals of what they brought, and of what that replaced. */
async function forgetChanges(ctx: Context, isGone: (partition: string, importId: string) => boolean): Promise<void> {
  const { tables, blobs } = ctx.runtime
  for (const { id, status } of await tables.imports.all(ctx.orgId)) {
    if (status !== 'committed') continue
    const { changes = [], changesAt, ...info } = await Import.get(ctx, id)
    const left = changes.filter(({ partition }) => !isGone(partition, id))
    if (left.length === changes.length) continue
    if (changesAt === undefined) await tables.imports.put(ctx.orgId, { ...info, changes: left })
    else await blobs.put(ctx.orgId, changesAt, Buffer.from(JSON.stringify(left)), 'application/json')
  }
}

/** The version that a file of the lake belongs to: `lake/{partition}/{import}-{attempt}/...`. */
function holderOf(key: string): string {
  const [, provider = '', account = '', period = ''] = key.split('/')
  return Snapshot.historyId([provider, account, period].join('/'), Orphans.importOf(key))
}

interface Newer {
  /** Whether a version is of an import that came after the purge or is still on its way: it reads its own files. */
  spared(historyId: string): boolean
  isRunning(historyId: string): boolean
}

async function newer(ctx: Context, partitions: ReadonlySet<string>): Promise<Newer> {
  // Before the pointers: an import that ends in between is found there.
  const imports = await ctx.tables.imports.all(ctx.orgId)
  const running = new Set(imports.filter(({ status }) => status === 'running').map(({ id }) => id))
  const [since, before] = [new Set<string>(), new Set<string>()]
  for (const pointer of await Snapshot.pointers(ctx)) {
    let found = since
    for (
      let at: Snapshot.Info | undefined = partitions.has(pointer.partition) ? pointer : undefined;
      at;
      at = await Snapshot.previousOf(ctx, at)
    ) {
      if (at.isPurged) found = before
      found.add(Snapshot.historyId(at.partition, at.snapshotId))
    }
  }
  const isRunning = (id: string): boolean => running.has(id.slice(id.lastIndexOf('#') + 1))
  return { isRunning, spared: (id) => since.has(id) || (!before.has(id) && isRunning(id)) }
}
