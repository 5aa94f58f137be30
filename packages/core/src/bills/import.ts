import * as z from 'zod'
import { type Context, expiryIn } from '../effects/context.ts'
import { Fault, onConflict } from '../kernel/fault.ts'
import { parse } from '../guard/command.ts'
import { event } from '../effects/relay.ts'
import * as Id from '../kernel/id.ts'
import { walk } from '../effects/tables.ts'
import * as Orphans from '../lake/orphans.ts'
import * as Snapshot from '../lake/snapshot.ts'
import * as Usage from '../organization/usage.ts'
import { File } from './file.ts'
import * as Files from './import-files.ts'
import { PartitionChange, Create, type Info, Status } from './import-schema.ts'
import * as Uploads from './import-uploads.ts'
import * as ImportUsage from './import-usage.ts'
import * as Raw from './raw.ts'
import { currentDelivery, digest, withKnownFormats } from './same-delivery.ts'
import * as Tally from './tally.ts'

export { type Stored, sumsOf, withStatus } from './import-files.ts'
export { PartitionChange, Create, Info, mostUploadParts, Origin, Status, Upload } from './import-schema.ts'
export { currentDelivery, digest, withKnownFormats } from './same-delivery.ts'
export { File }

/**
 * Idempotent by id; `unchanged` at once if the lake has files with these hashes. Throws Fault `conflict` or
 * `rate_limited` beyond a quota.
 */
export async function create(
  ctx: Context,
  input: z.input<typeof Create>,
  id = Id.create('imp', ctx.now()),
  given: Pick<Info, 'isUploaded' | 'origin'> = {},
): Promise<Info> {
  const { files, replace } = parse(Create, input)
  await refuseDemo(ctx)
  const now = ctx.now()
  const createdAt = now.toISOString()
  const records = files.map((file) => ({
    ...file,
    parts: Math.ceil(file.bytes / Raw.partBytes),
    encoding: 'identity' as const,
  }))
  const current = files.every((file) => file.sha256)
    ? await currentDelivery(ctx, digest(records), given.origin)
    : undefined
  const info: Info = { id, status: current ? 'unchanged' : 'uploading', createdAt, replace, files: records, ...given }
  if (current) Object.assign(info, { endedAt: createdAt, files: await withKnownFormats(ctx, current, records) })
  // Before the record: an import that waits has its place. A retry of a request keeps the first one.
  if (await ctx.tables.imports.get(ctx.orgId, id)) return await get(ctx, id)
  if (!current) await Usage.open(ctx, id, ImportUsage.bytesOf(records))
  if (current) await Files.keep(ctx, info)
  else await Files.add(ctx, info, expiryIn(ctx, abandonedSeconds))
  const inserted = ctx.tables.imports.insert(ctx.orgId, Files.recordOf(info)).then(async () => {
    await Tally.add(ctx, 1)
    return info
  })
  return await onConflict(inserted, () => get(ctx, id))
}

// An import waits a day for its bytes.
const abandonedSeconds = 2 * 24 * 3600

/** Real costs never mix with invented ones. Only the product itself imports invented costs. */
async function refuseDemo({ actor, orgId, tables }: Context) {
  if (actor.kind === 'system' || !(await tables.organizations.get(orgId, orgId))?.isDemo) return
  throw new Fault(
    'conflict',
    'This is the demo organization with invented costs: it takes no bills. Sign in to your own organization, or ' +
      'register one.',
  )
}

export async function storeFile(
  ctx: Context,
  id: string,
  index: number,
  path: string,
  options: Raw.StoreOptions = {},
): Promise<void> {
  const stored = await Raw.store(ctx, { importId: id, file: index }, path, options)
  await Files.edit(ctx, id, (files) => files.map((file, i) => (i === index ? { ...file, ...stored } : file)))
}

/**
 * A second call changes nothing. Throws Fault `conflict` with the missing parts, while another request starts it, or
 * beyond a quota.
 */
export async function start(ctx: Context, id: string): Promise<Info> {
  const info = await get(ctx, id)
  if (info.status === 'uploading') return await begin(ctx, info)
  if (info.status === 'running') await startWorkflow(ctx, id)
  return info
}

async function begin(ctx: Context, info: Info): Promise<Info> {
  const { id, files, isUploaded, rebuildOf } = info
  await checkComplete(ctx, info)
  const claim = rebuildOf === undefined ? await Usage.run(ctx, id, ImportUsage.bytesOf(files)) : undefined
  // Parts that were copied twice could change after the start. What the product stores itself, nobody else writes.
  if (!claim && isUploaded)
    throw new Fault('conflict', 'Another request is starting this import. Try again in a moment.', [], 1)
  let started: Info
  try {
    if (claim && isUploaded) await Uploads.keep(ctx, info, claim)
    started = await markStarted(ctx, info)
  } catch (error) {
    await claim?.release()
    throw error
  }
  // If this process is killed before the workflow starts, `sweep` starts it.
  await startWorkflow(ctx, id)
  if (isUploaded) await Uploads.remove(ctx, id)
  return started
}

async function startWorkflow(ctx: Context, id: string) {
  await ctx.runtime.workflows.start('bills', id, { orgId: ctx.orgId, importId: id })
}

async function markStarted(ctx: Context, info: Info): Promise<Info> {
  const started: Info = { ...info, status: 'running' }
  await Files.keep(ctx, started)
  const written = ctx.tables.imports
    .replace(ctx.orgId, Files.recordOf(started), { status: 'uploading' })
    .then(() => started)
  return await onConflict(written, () => get(ctx, info.id))
}

async function checkComplete(ctx: Context, info: Info) {
  const raw = info.rebuildOf ?? info.id
  const stored = info.isUploaded
    ? await Uploads.uploaded(ctx, info)
    : new Map((await ctx.runtime.blobs.list(ctx.orgId, `raw/${raw}/`)).map(({ key, bytes }) => [key, bytes]))
  const wrong = Uploads.complaints(raw, info.files, stored)
  const message = `${wrong.length} parts of the delivery are missing or have a wrong size. Upload them and start again.`
  if (wrong.length > 0) throw new Fault('conflict', message, wrong)
}

/** Throws Fault `not_found`. */
export async function get(ctx: Context, id: string): Promise<Info> {
  const stored = await ctx.tables.imports.get(ctx.orgId, id)
  if (!stored) throw new Fault('not_found', `There is no import ${id}.`)
  const { sums: _, ...record } = stored
  const info: Info = { ...record, files: await Files.filesOf(ctx, stored) }
  if (info.changesAt === undefined) return info
  return {
    ...info,
    changes: z
      .array(PartitionChange)
      .parse(JSON.parse(Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, info.changesAt)).toString())),
  }
}

// A page of records is read at once.
const changesBytes = 10_000

/** Small changes in the record, large ones in a blob; returns the record's fields. */
export async function storeChanges(
  ctx: Context,
  id: string,
  changes: PartitionChange[],
): Promise<Pick<Info, 'changes' | 'changesAt'>> {
  const text = JSON.stringify(changes)
  if (text.length <= changesBytes) return { changes }
  const changesAt = `imports/${id}/changes.json`
  await ctx.runtime.blobs.put(ctx.orgId, changesAt, Buffer.from(text), 'application/json')
  return { changesAt }
}

/** Idempotent. Throws Fault `conflict` if the import has ended otherwise, or since its commit began. */
export async function cancel(ctx: Context, id: string): Promise<Info> {
  await get(ctx, id)
  const canceled = event(ctx, 'import.canceled', { importId: id }, `import.canceled/${id}`)
  await ctx.tables.imports.update(
    ctx.orgId,
    id,
    (known) => {
      const { progress: _, ...info } = known
      if (info.status === 'canceled') return undefined
      if (info.status !== 'uploading' && info.status !== 'running')
        throw new Fault('conflict', `The import has ended already: it is ${info.status}.`)
      if (info.isCommitting) throw new Fault('conflict', 'The import is being committed. Wait for its end.', [], 1)
      return { ...info, status: 'canceled', endedAt: ctx.now().toISOString() }
    },
    [canceled],
  )
  await ctx.runtime.workflows.stop('bills', id, 'The import was canceled.')
  await Usage.end(ctx, id, false)
  return await get(ctx, id)
}

/** Also its use of the quotas, if the cancellation was killed. */
export async function removeCanceled(ctx: Context, id: string): Promise<void> {
  const info = await ctx.tables.imports.get(ctx.orgId, id)
  if (info?.status !== 'canceled') return
  await Usage.end(ctx, id, false)
  if (!info.rebuildOf) await Promise.all([Raw.remove(ctx, id), Uploads.remove(ctx, id)])
  await Orphans.removeUncommitted(ctx, id)
  await Files.keep(ctx, await get(ctx, id))
}

export function records({ tables, orgId }: Context): AsyncGenerator<Files.Stored> {
  return walk((page) => tables.imports.list(orgId, page), { descending: true })
}

/** Completes killed imports, and removes those without bytes after a day; returns the number of removed ones. */
export async function sweep(ctx: Context): Promise<number> {
  const limit = new Date(ctx.now().getTime() - abandonedSeconds * 500).toISOString()
  let removed = 0
  for await (const { id } of Files.withStatus(ctx, 'running')) await resume(ctx, id)
  for await (const { id, createdAt } of Files.withStatus(ctx, 'uploading')) {
    if (createdAt >= limit) continue
    // Not one that was started meanwhile.
    const isRemoved = ctx.tables.imports.remove(ctx.orgId, id, [], { status: 'uploading' }).then(() => true)
    if (!(await onConflict(isRemoved, () => false))) continue
    await Promise.all([Raw.remove(ctx, id), Uploads.remove(ctx, id), ctx.tables.importFiles.remove(ctx.orgId, id)])
    await Usage.end(ctx, id, false)
    await Tally.add(ctx, -1)
    removed++
  }
  await ImportUsage.repair(ctx)
  await Tally.correct(ctx, async () => {
    const counts = Status.options.map((status) => ctx.tables.imports.count(ctx.orgId, status))
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  })
  return removed
}

async function resume(ctx: Context, id: string) {
  const execution = await ctx.runtime.workflows.describe('bills', id)
  if (!execution) await start(ctx, id)
  else if (execution.status !== 'running') await fail(ctx, id)
}

/** By an error of the product. An import that has ended stays as it is. */
export async function fail(ctx: Context, id: string, cause?: string): Promise<void> {
  const { snapshots } = await Snapshot.view(ctx)
  const visible = snapshots.some(({ snapshotId }) => snapshotId === id)
    ? 'Its costs are visible already, but the import did not end.'
    : 'The visible costs are unchanged.'
  const reason = cause
    ? `The import failed. ${cause} ${visible} Split the bill, or give the product more memory, and import it again.`
    : `The import failed because of an error in the product. ${visible} Import the files again.`
  const { after } = await ctx.tables.imports.update(ctx.orgId, id, (info) =>
    info.status === 'running' ? { ...info, status: 'failed', reason, endedAt: ctx.now().toISOString() } : undefined,
  )
  await Usage.end(ctx, id, after.status === 'failed' || after.status === 'committed')
}
