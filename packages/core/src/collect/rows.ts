import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as CloudAccount from '../accounts/cloud-account.ts'
import type { Context } from '../effects/context.ts'
import type { Resource } from '../kernel/resource.ts'
import * as Orphans from '../lake/orphans.ts'
import * as Snapshot from '../lake/snapshot.ts'
import type { Found } from './collection.ts'

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
    const { current, syncId, cloudAccountId, facts } = landing
    const kept = 'keptParts' in landing && current ? landing.keptParts() : []
    const isMerged = kept.length > 0 || (current !== undefined && lacksTags)
    const digest = isMerged ? sha256([own, current?.digest, ...kept.toSorted()].join()) : own
    const addsNothing = rows === 0 && (!current || facts.kind === 'utilization')
    if (current?.digest === digest || addsNothing) return { isNew: false, rows, imports: [], regions }
    const path = join(folder, 'rows.parquet')
    const dataset = facts.kind === 'inventory' ? 'resources' : 'utilization'
    const before = current && (isMerged || facts.kind === 'utilization') ? Snapshot.allFiles(current) : []
    const total = await ctx.runtime.lake.writeRows(dataset, { orgId: ctx.orgId, source, path, before, kept })
    const key = `lake/${Snapshot.keyOf({ ...facts, rows: total, files: {} } as never)}/${syncId}-${randomUUID().slice(0, 8)}/${dataset}-0.parquet`
    await ctx.runtime.blobs.putFile(ctx.orgId, key, path)
    const candidate = { ...facts, rows: total, files: { [dataset]: [key] } } as Snapshot.Candidate<
      'inventory' | 'utilization'
    >
    // Asked at each attempt: a purge moves the head after the account is marked, so that no row comes back.
    const isMeant = async () => await CloudAccount.isConnected(ctx, cloudAccountId)
    const delivery = { snapshotId: syncId, raw: '', digest, siblings: 1, replace: false, isMeant }
    const [committed] = await Snapshot.commit(ctx, { ...delivery, partitions: [candidate] })
    if (!committed) {
      await Orphans.removeRefused(ctx, Snapshot.keyOf(candidate), syncId, key)
      return { isNew: false, rows: 0, imports: [], regions }
    }
    return { isNew: true, rows: total, imports: [], regions, lakeVersion: committed.lakeVersion }
  })
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** JSON lines, and a digest that does not depend on their order or on the time when they were read. */
async function writeLines(
  rows: AsyncIterable<object>,
  path: string,
): Promise<{ rows: number; digest: string; regions: string[]; lacksTags: boolean }> {
  let count = 0
  let sum = 0n
  const regions = new Set<string>()
  let lacksTags = false
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
