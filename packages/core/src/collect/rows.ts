import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as CloudAccount from '../accounts/cloud-account.ts'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Resource } from '../kernel/resource.ts'
import * as Orphans from '../lake/orphans.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { changesBetween } from './changes.ts'
import type { Found } from './collection.ts'

type Kind = 'inventory' | 'utilization'
type Row<Landed> = Omit<Landed, 'rows' | 'files'>

/** Rows of the cloud at one time: those of an inventory replace the earlier ones, those of utilization join them. */
export type Landing = { syncId: string; cloudAccountId: string; rows: AsyncIterable<object> } & (
  | {
      facts: Row<Snapshot.Candidate<'inventory'>>
      current: Snapshot.Info<'inventory'> | undefined
      /** Parts whose last rows stay, asked when all rows were read. */
      keptParts: () => string[]
    }
  | { facts: Row<Snapshot.Candidate<'utilization'>>; current: Snapshot.Info<'utilization'> | undefined }
)

/** Writes rows as Parquet and makes them visible; the same rows change nothing. */
export async function landRows(ctx: Context, landing: Landing): Promise<Found> {
  return await ctx.runtime.workspace.within(async (folder) => {
    const source = join(folder, 'rows.jsonl')
    const { rows, digest: own, regions, lacksTags } = await writeLines(landing.rows, source)
    const { current, facts } = landing
    const unchanged = { isNew: false, rows, imports: [], regions }
    const kept = 'keptParts' in landing && current ? landing.keptParts() : []
    const isMerged = kept.length > 0 || (current !== undefined && lacksTags)
    const digest = isMerged ? sha256([own, current?.digest, ...kept.toSorted()].join()) : own
    const addsNothing = rows === 0 && (!current || facts.kind === 'utilization')
    if (current?.digest === digest || addsNothing) return unchanged
    const path = join(folder, 'rows.parquet')
    const before = current && (isMerged || facts.kind === 'utilization') ? mainFilesOf(current) : []
    const dataset = facts.kind === 'inventory' ? 'resources' : 'utilization'
    const total = await ctx.runtime.lake.writeRows(dataset, { orgId: ctx.orgId, source, path, before, kept })
    const changed = current?.kind === 'inventory' ? await changesBetween(ctx, current, path, facts.takenAt) : undefined
    if (changed?.isSame) return unchanged
    const paths = { [dataset]: path, ...(changed && changed.rows > 0 && { resource_changes: changed.path }) }
    return await commitRows(ctx, landing, { rows: total, digest, paths, changes: changed?.named, regions })
  })
}

function mainFilesOf({ files }: Snapshot.Info<'inventory'> | Snapshot.Info<'utilization'>): string[] {
  return 'resources' in files ? files.resources : files.utilization
}

interface Written {
  rows: number
  digest: string
  /** Local, by dataset. */
  paths: Record<string, string>
  changes: Snapshot.Delivery['changes']
  regions: string[]
}

async function commitRows(
  ctx: Context,
  { facts, current, syncId, cloudAccountId }: Landing,
  { rows, digest, paths, changes, regions }: Written,
): Promise<Found> {
  const folder = `lake/${Snapshot.keyOf({ ...facts, rows, files: {} } as never)}/${syncId}-${randomUUID().slice(0, 8)}`
  const files: Record<string, string[]> = facts.kind === 'inventory' ? { resource_changes: [] } : {}
  for (const [dataset, path] of Object.entries(paths)) {
    const key = `${folder}/${dataset}-0.parquet`
    await ctx.runtime.blobs.putFile(ctx.orgId, key, path)
    files[dataset] = [key]
  }
  const candidate = { ...facts, rows, files } as Snapshot.Candidate<Kind>
  // Asked at each attempt: a purge moves the head after the account is marked, so that no row comes back.
  const isConnected = async () => await CloudAccount.isConnected(ctx, cloudAccountId)
  const isMeant = async (found: Snapshot.Info<Kind | 'bill'> | undefined) => {
    const base = found && Snapshot.isVisible(found) ? found.snapshotId : undefined
    return base === current?.snapshotId && (await isConnected())
  }
  const delivery = { snapshotId: syncId, raw: '', digest, siblings: 1, replace: false, isMeant }
  const [committed] = await Snapshot.commit(ctx, {
    ...delivery,
    ...(changes && { changes }),
    partitions: [candidate],
  })
  if (committed) return { isNew: true, rows, imports: [], regions, lakeVersion: committed.lakeVersion }
  await Orphans.removeRefused(ctx, Snapshot.keyOf(candidate), syncId, Object.values(files).flat())
  if (await isConnected())
    throw new Fault('unavailable', 'Another collection of this account was faster. The next one reads it again.')
  return { isNew: false, rows: 0, imports: [], regions }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

interface Lines {
  rows: number
  digest: string
  regions: string[]
  /** Of a resource. */
  lacksTags: boolean
}

/** JSON lines, and a digest that does not depend on their order or on the time when they were read. */
async function writeLines(rows: AsyncIterable<object>, path: string): Promise<Lines> {
  let count = 0
  let sum = 0n
  let lacksTags = false
  const regions = new Set<string>()
  const lines = async function* () {
    for await (const row of rows) {
      count++
      const { takenAt: _, ...lasting } = row as Partial<Resource> & { takenAt?: string }
      lacksTags ||= lasting.kind !== undefined && lasting.tags === undefined
      if (lasting.region !== undefined) regions.add(lasting.region)
      sum += BigInt(`0x${sha256(JSON.stringify(lasting))}`)
      yield `${JSON.stringify(row)}\n`
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path))
  return { rows: count, digest: sha256(`${count} ${sum}`), regions: [...regions].toSorted(), lacksTags }
}
