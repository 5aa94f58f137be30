import * as z from 'zod'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import * as Import from '../../bills/import.ts'
import * as Raw from '../../bills/raw.ts'
import * as Usage from '../../organization/usage.ts'
import * as ChargeDays from '../../lake/charge-days.ts'
import { billLimits, tierOf } from '../../organization/tier.ts'
import * as Orphans from '../../lake/orphans.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import { importRecord, type ImportRecord } from './import-record.ts'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { NormalizedPartition, SourceFile } from '../../effects/lake.ts'
import type * as Partition from '../../kernel/partition.ts'

export const Input = z.object({ importId: z.string() })

export interface Output {
  outcome: 'committed' | 'unchanged' | 'refused' | 'failed' | 'canceled'
}

/** State `Normalize`. After an error it runs again from the start. */
export async function run(ctx: Context, { importId }: z.output<typeof Input>): Promise<Output> {
  const info = await Import.get(ctx, importId)
  if (info.status !== 'running' && info.status !== 'uploading') {
    // An earlier run was killed before it removed the raw bill.
    if (info.status === 'unchanged' || info.status === 'refused') await removeRaw(ctx, info)
    await Import.removeCanceled(ctx, importId)
    await Usage.end(ctx, importId, info.status === 'committed')
    return { outcome: info.status }
  }
  const record = importRecord(ctx, { ...info, status: 'running', startedAt: ctx.now().toISOString() })
  const isRepeat = info.startedAt !== undefined
  try {
    const outcome = await ctx.runtime.workspace.within((workDir) => normalize(ctx, record, { workDir, isRepeat }))
    return ended(ctx, record, outcome)
  } catch (error) {
    if ((await ctx.tables.imports.get(ctx.orgId, importId))?.status === 'canceled') {
      // Also the files that this run wrote after the cancellation.
      await Import.removeCanceled(ctx, importId)
      return { outcome: 'canceled' }
    }
    if (!isFault(error, 'invalid')) throw error
    return ended(ctx, record, await endRefused(ctx, record, error))
  }
}

function ended(ctx: Context, { info }: ImportRecord, outcome: Output['outcome']): Output {
  const rows = info.files.reduce((sum, file) => sum + (file.rows ?? 0), 0)
  ctx.log.info('import ended', { importId: info.id, outcome, rows })
  return { outcome }
}

async function normalize(
  ctx: Context,
  record: ImportRecord,
  { workDir, isRepeat }: { workDir: string; isRepeat: boolean },
): Promise<'committed' | 'unchanged'> {
  const { id, rebuildOf, origin } = record.info
  await record.save({ files: record.info.files })
  ctx.runtime.lake.prepare?.()
  const sources = await download(ctx, record, workDir)
  const digest = Import.digest(record.info.files)
  const same = await sameDelivery(ctx, record.info, digest)
  if (same) return await endUnchanged(ctx, record, { same, isRepeat })
  const { progress: onProgress, signal } = record
  const limits = billLimits[await tierOf(ctx)]
  const options = { workDir, snapshotId: id, limits, onProgress, signal }
  const { files, partitions, notes = [] } = await ctx.runtime.lake.normalize(sources, options)
  if (partitions.length === 0) throw new Fault('invalid', 'The delivery has no row that the lake could store.')
  await record.save({
    files: record.info.files.map((file, i) => ({ ...file, ...files[i], name: file.name })),
    ...(notes.length > 0 && { notes }),
  })
  const candidates = await upload(ctx, record, partitions)
  await record.save({ isCommitting: true })
  const acceptedAt = ctx.now().toISOString()
  const manifest = { importId: id, acceptedAt, files: record.info.files, ...(origin && { origin }) }
  if (!rebuildOf) await Raw.writeManifest(ctx, manifest)
  const committed = await commit(ctx, record, { digest, candidates })
  // Before the end is recorded: a run that is killed here runs again.
  if (isRepeat || committed.length < candidates.length) await Orphans.removeUncommitted(ctx, id)
  if (committed.length === 0) return await endUnchanged(ctx, record, {})
  return await endCommitted(ctx, record, committed)
}

async function sameDelivery(
  ctx: Context,
  { id, rebuildOf, origin }: Import.Info,
  digest: string,
): Promise<Snapshot.Info | undefined> {
  const current = rebuildOf ? undefined : await Import.currentDelivery(ctx, digest, origin)
  return current && current.snapshotId !== id && current.raw !== id ? current : undefined
}

async function commit(
  ctx: Context,
  record: ImportRecord,
  { digest, candidates }: { digest: string; candidates: Snapshot.Candidate[] },
): Promise<Snapshot.Info[]> {
  const { id, replace, rebuildOf, isReplay } = record.info
  // A rebuild leaves alone the partitions that later deliveries replaced.
  const isMeant = (current: Snapshot.Info<Partition.Kind> | undefined) =>
    !rebuildOf || isReplay === true || current === undefined || current.raw === rebuildOf
  const delivery = { snapshotId: id, raw: rebuildOf ?? id, digest, siblings: candidates.length }
  try {
    return await Snapshot.commit(ctx, { ...delivery, partitions: candidates, isMeant, replace })
  } catch (error) {
    if (isFault(error, 'invalid')) await Orphans.removeUncommitted(ctx, id)
    throw error
  }
}

async function endCommitted(ctx: Context, record: ImportRecord, committed: Snapshot.Info[]): Promise<'committed'> {
  const changes = await Promise.all(committed.map((version) => changeOf(ctx, version)))
  await record.end({
    status: 'committed',
    ...(await Import.storeChanges(ctx, record.info.id, changes)),
    lakeVersion: committed.reduce((newest, { lakeVersion }) => Math.max(newest, lakeVersion), 0),
  })
  return 'committed'
}

async function changeOf(ctx: Context, version: Snapshot.Info): Promise<Import.PartitionChange> {
  const before = await Snapshot.previousOf(ctx, version)
  const { partition, rows, totals, days } = version
  return {
    partition,
    version: version.version,
    rows,
    days: ChargeDays.summaryOf(days),
    after: totals,
    ...(before && {
      before: before.totals,
      rowsBefore: before.rows,
      replaced: { rows: before.rows, days: ChargeDays.summaryOf(before.days) },
    }),
  }
}

async function endUnchanged(
  ctx: Context,
  record: ImportRecord,
  { same, isRepeat = false }: { same?: Snapshot.Info; isRepeat?: boolean },
): Promise<'unchanged'> {
  const { info } = record
  if (isRepeat) await Orphans.removeUncommitted(ctx, info.id)
  const files = same ? await Import.withKnownFormats(ctx, same, info.files) : info.files
  await record.end({ files, status: 'unchanged' })
  if (same || info.origin?.preliminary) await removeRaw(ctx, info)
  return 'unchanged'
}

async function endRefused(ctx: Context, record: ImportRecord, fault: Fault): Promise<'refused'> {
  const reasonOf = new Map(fault.complaints.map(({ path, message }) => [path, message]))
  const files = record.info.files.map((file) => {
    const reason = reasonOf.get(file.name)
    return reason ? { ...file, reason } : file
  })
  await record.end({ status: 'refused', reason: fault.message, files })
  await removeRaw(ctx, record.info)
  return 'refused'
}

/** A rebuild has no bytes of its own. */
async function removeRaw(ctx: Context, { id, rebuildOf }: Import.Info) {
  if (!rebuildOf) await Raw.remove(ctx, id)
}

/** Throws Fault `invalid` for an unexpected file. */
export async function download(ctx: Context, record: ImportRecord, workDir: string): Promise<SourceFile[]> {
  const { info } = record
  const importId = info.rebuildOf ?? info.id
  const sources: SourceFile[] = []
  for (const [index, file] of info.files.entries()) {
    // The owner's file name may be any text, so it never becomes a path.
    const path = join(workDir, `raw-${index}`)
    const onBytes = (done: number) =>
      record.progress({ phase: 'read', percent: (100 * (index + done / (file.bytes + 1))) / info.files.length })
    const { sha256, ...facts } = await Raw.fetch(ctx, { importId, file: index }, file, { path, onBytes })
    if (file.sha256 && file.sha256 !== sha256) {
      const found = `its sha256 is ${sha256}. Upload it again.`
      const message = `${file.name} is not the file that was created with the import: ${found}`
      throw new Fault('invalid', message, [{ path: file.name, message: 'sha256 differs' }])
    }
    record.info.files[index] = { ...file, sha256 }
    sources.push({ name: file.name, path, ...facts })
  }
  return sources
}

/** Each attempt has its own keys: no file changes while a reader reads it. */
export async function upload(
  ctx: Context,
  record: ImportRecord,
  partitions: readonly NormalizedPartition[],
): Promise<Snapshot.Candidate[]> {
  const attempt = randomUUID().slice(0, 8)
  const candidates: Snapshot.Candidate[] = []
  for (const [index, partition] of partitions.entries()) {
    const { origin } = record.info
    const facts = { ...partition, kind: 'bill' as const, ...(origin && { origin }) }
    const folder = `lake/${Snapshot.keyOf(facts)}/${record.info.id}-${attempt}`
    const put = async (dataset: 'costs' | 'cost_rollup') => {
      const keys: string[] = []
      for (const [i, path] of partition.files[dataset].entries()) {
        const key = `${folder}/${dataset}-${i}.parquet`
        await ctx.runtime.blobs.putFile(ctx.orgId, key, path)
        keys.push(key)
      }
      return keys
    }
    const files = { costs: await put('costs'), cost_rollup: await put('cost_rollup') }
    candidates.push({ ...facts, files })
    record.progress({ phase: 'commit', percent: (100 * (index + 1)) / partitions.length })
  }
  return candidates
}
