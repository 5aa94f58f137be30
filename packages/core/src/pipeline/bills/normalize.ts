import * as z from 'zod'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import type { Context } from '../../effects/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import * as Import from '../../bills/import.ts'
import * as Orphans from '../../lake/orphans.ts'
import type { Normalized, NormalizedPartition, Progress, SourceFile } from '../../effects/lake.ts'
import * as Partition from '../../kernel/partition.ts'
import * as Raw from '../../bills/raw.ts'
import * as Snapshot from '../../lake/snapshot.ts'

export const Input = z.object({ importId: z.string() })

export interface Output {
  outcome: 'committed' | 'unchanged' | 'refused'
}

/** Raw bytes -> FOCUS Parquet -> visible. Runs again from the start after a fault, and then ends in the same state. */
export async function run(ctx: Context, { importId }: z.output<typeof Input>): Promise<Output> {
  const info = await Import.get(ctx, importId)
  const workDir = join(tmpdir(), 'cloudoptima', importId)
  await rm(workDir, { recursive: true, force: true })
  if (info.status === 'committed' || info.status === 'unchanged' || info.status === 'refused') {
    // A run that was cut off after it recorded its end did not come to this.
    if (info.status !== 'committed') await discardRaw(ctx, info)
    return { outcome: info.status }
  }
  await mkdir(workDir, { recursive: true })
  const record = recorder(ctx, { ...info, status: 'running', startedAt: ctx.now().toISOString() })
  try {
    return ended(ctx, record, await bringIn(ctx, record, { workDir, isRepeat: info.startedAt !== undefined }))
  } catch (error) {
    if (!isFault(error, 'invalid')) throw error
    return ended(ctx, record, await refuse(ctx, record, error))
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
}

function ended(ctx: Context, { info }: Recorder, outcome: Output['outcome']): Output {
  const rows = info.files.reduce((sum, file) => sum + (file.rows ?? 0), 0)
  ctx.log.info('import ended', { importId: info.id, outcome, rows })
  return { outcome }
}

type Recorder = ReturnType<typeof recorder>

async function bringIn(
  ctx: Context,
  record: Recorder,
  { workDir, isRepeat }: { workDir: string; isRepeat: boolean },
): Promise<'committed' | 'unchanged'> {
  await record.save({})
  const files = await fetchAll(ctx, record, workDir)
  const digest = Import.digest(record.info.files)
  const same = await sameDelivery(ctx, record.info, digest)
  if (same) return await endUnchanged(ctx, record, { same, isRepeat })
  const { id, rebuildOf } = record.info
  const options = { workDir, snapshotId: id, onProgress: record.progress }
  const normalized = await ctx.runtime.lake.normalize(files, options)
  await record.save({ files: described(record.info.files, normalized) })
  const candidates = await upload(ctx, record, normalized.partitions)
  if (!rebuildOf)
    await Raw.describe(ctx, { importId: id, acceptedAt: ctx.now().toISOString(), files: record.info.files })
  const committed = await land(ctx, record, { digest, candidates })
  // Before the end is recorded: a run that is cut off here is repeated.
  if (isRepeat || committed.length < candidates.length) await Orphans.removeUncommitted(ctx, id)
  if (committed.length === 0) return await endUnchanged(ctx, record, {})
  const changes = await Promise.all(committed.map(async (version) => await change(ctx, version)))
  await record.end({
    status: 'committed',
    ...(await Import.keepChanges(ctx, id, changes)),
    lakeVersion: committed.reduce((newest, { lakeVersion }) => Math.max(newest, lakeVersion), 0),
  })
  return 'committed'
}

/** Another delivery of the same bytes that is what is visible. */
async function sameDelivery(
  ctx: Context,
  { id, rebuildOf }: Import.Info,
  digest: string,
): Promise<Snapshot.Info | undefined> {
  const current = rebuildOf ? undefined : await Import.currentDelivery(ctx, digest)
  // A rebuild since then was made from this very delivery.
  return current && current.snapshotId !== id && current.raw !== id ? current : undefined
}

async function endUnchanged(
  ctx: Context,
  record: Recorder,
  { same, isRepeat = false }: { same?: Snapshot.Info; isRepeat?: boolean },
): Promise<'unchanged'> {
  const { info } = record
  if (isRepeat) await Orphans.removeUncommitted(ctx, info.id)
  const files = same ? await Import.describedAs(ctx, same, info.files) : info.files
  await record.end({ files, status: 'unchanged' })
  if (same) await discardRaw(ctx, info)
  return 'unchanged'
}

async function fetchAll(ctx: Context, record: Recorder, workDir: string): Promise<SourceFile[]> {
  const { info } = record
  const from = info.rebuildOf ?? info.id
  const fetched: SourceFile[] = []
  for (const [index, file] of info.files.entries()) {
    // Never under the owner's name: it may be any text.
    const path = join(workDir, `raw-${index}`)
    const sha256 = await Raw.fetch(ctx, { importId: from, file: index }, file, path, (done) =>
      record.progress({ phase: 'read', percent: (100 * (index + done / (file.bytes + 1))) / info.files.length }),
    )
    if (file.sha256 && file.sha256 !== sha256) {
      throw new Fault('invalid', `${file.name} is not what was announced: its sha256 is ${sha256}. Upload it again.`, [
        { path: file.name, message: 'sha256 differs' },
      ])
    }
    record.info.files[index] = { ...file, sha256 }
    fetched.push({ name: file.name, path })
  }
  refuseTwins(info.files)
  return fetched
}

/** The same file twice would count everything in it twice. */
function refuseTwins(files: Import.File[]): void {
  const seen = new Map<string, string>()
  for (const { name, sha256 = '' } of files) {
    const twin = seen.get(sha256)
    if (twin !== undefined) {
      throw new Fault(
        'invalid',
        `${name} and ${twin} are the same file: the delivery would count it twice. Remove one of them.`,
        [{ path: name, message: `the same as ${twin}` }],
      )
    }
    seen.set(sha256, name)
  }
}

function described(files: Import.File[], normalized: Normalized): Import.File[] {
  return files.map((file, index) => ({ ...file, ...normalized.files[index], name: file.name }))
}

/** Every attempt writes under keys of its own: what a reader may be reading is never written over. */
async function upload(
  ctx: Context,
  record: Recorder,
  partitions: NormalizedPartition[],
): Promise<Snapshot.Candidate[]> {
  const attempt = randomUUID().slice(0, 8)
  const candidates: Snapshot.Candidate[] = []
  for (const [index, partition] of partitions.entries()) {
    const folder = `lake/${Partition.key(partition)}/${record.info.id}-${attempt}`
    const put = async (paths: string[], dataset: Partition.Dataset): Promise<string[]> => {
      const keys = paths.map((_, i) => `${folder}/${dataset}-${i}.parquet`)
      for (const [i, key] of keys.entries()) await ctx.runtime.blobs.putFile(ctx.orgId, key, paths[i] ?? '')
      return keys
    }
    const { costs, cost_rollup } = partition.files
    const files = { costs: await put(costs, 'costs'), cost_rollup: await put(cost_rollup, 'cost_rollup') }
    candidates.push({ ...partition, kind: 'bill', files })
    record.progress({ phase: 'commit', percent: (100 * (index + 1)) / partitions.length })
  }
  return candidates
}

async function land(
  ctx: Context,
  record: Recorder,
  { digest, candidates }: { digest: string; candidates: Snapshot.Candidate[] },
): Promise<Snapshot.Info[]> {
  const { id, replace, rebuildOf, isReplay } = record.info
  // A rebuild touches only what its delivery still stands for: later deliveries replaced the rest.
  const isMeant = (current: Snapshot.Info<Partition.Kind> | undefined): boolean =>
    !rebuildOf || isReplay === true || current === undefined || current.raw === rebuildOf
  const delivery = { snapshotId: id, raw: rebuildOf ?? id, digest, siblings: candidates.length }
  try {
    return await Snapshot.commit(ctx, { ...delivery, partitions: candidates, isMeant, replace })
  } catch (error) {
    if (isFault(error, 'invalid')) await Orphans.removeUncommitted(ctx, id)
    throw error
  }
}

async function change(ctx: Context, version: Snapshot.Info): Promise<Import.Change> {
  const before = await Snapshot.previousOf(ctx, version)
  const { partition, rows, totals } = version
  return {
    partition,
    version: version.version,
    rows,
    after: totals,
    ...(before && { before: before.totals, rowsBefore: before.rows }),
  }
}

async function refuse(ctx: Context, record: Recorder, fault: Fault): Promise<'refused'> {
  const reasonOf = new Map(fault.complaints.map(({ path, message }) => [path, message]))
  const files = record.info.files.map((file) => {
    const reason = reasonOf.get(file.name)
    return reason ? { ...file, reason } : file
  })
  await record.end({ status: 'refused', reason: fault.message, files })
  await discardRaw(ctx, record.info)
  return 'refused'
}

/** The bytes of a delivery that the lake does not stand on. A rebuild has none of its own. */
async function discardRaw(ctx: Context, { id, rebuildOf }: Import.Info): Promise<void> {
  if (!rebuildOf) await Raw.discard(ctx, id)
}

/** Keeps the import's record: progress at most twice a second and never two writes at once, so that the last one written is the newest. */
function recorder(ctx: Context, info: Import.Info) {
  let writing: Promise<void> = Promise.resolve()
  let wroteAt = 0
  const save = async (change: Partial<Import.Info>): Promise<void> => {
    Object.assign(info, change)
    const copy = structuredClone(info)
    // Whoever asked for the earlier write hears of its failure; this one is tried all the same.
    writing = writing.catch(() => undefined).then(async () => await ctx.tables.imports.put(ctx.orgId, copy))
    await writing
  }
  return {
    info,
    save,
    progress: (progress: Progress): void => {
      info.progress = progress
      const now = performance.now()
      if (now - wroteAt < 500) return
      wroteAt = now
      save({}).catch((error: unknown) =>
        ctx.log.warn('progress was not recorded', { importId: info.id, error: String(error) }),
      )
    },
    end: async (change: Partial<Import.Info>): Promise<void> => {
      delete info.progress
      await save({ ...change, endedAt: ctx.now().toISOString() })
    },
  }
}
