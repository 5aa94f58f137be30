import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Context } from '../effects/context.ts'
import { Fault } from '../kernel/fault.ts'
import { parse } from '../guard/command.ts'
import * as Id from '../kernel/id.ts'
import { Totals } from '../effects/lake.ts'
import { File } from './file.ts'
import * as Parts from './parts.ts'
import * as Raw from './raw.ts'
import * as Tally from './tally.ts'
import { walk } from '../effects/tables.ts'
import * as Snapshot from '../lake/snapshot.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    imports: Table<Info>
  }
}

/** `uploading`: waits for its bytes. `running`: in the pipeline. The others are ends. `failed` is a fault of ours; `refused` says what is wrong with the bill. */
export const Status = z.enum(['uploading', 'running', 'committed', 'unchanged', 'refused', 'failed'])

export { File }

/** What a commit did to one partition. */
export const Change = z.object({
  partition: z.string(),
  version: z.number().int(),
  rows: z.number().int(),
  before: z.array(Totals).optional(),
  rowsBefore: z.number().int().optional(),
  after: z.array(Totals),
})

/** One delivery of bill files on its way into the lake. Its id names the raw files, the snapshot and the execution. */
export const Info = z.object({
  id: z.string(),
  status: Status,
  createdAt: z.string(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** Accept a delivery that shrinks a partition by more than half. */
  replace: z.boolean(),
  /** A rebuild: the import whose raw files are read again. */
  rebuildOf: z.string().optional(),
  /** A rebuild after the pointers were lost: every delivery is applied again, in order, not only where it is current. */
  isReplay: z.boolean().optional(),
  files: z.array(File),
  progress: z
    .object({
      phase: z.enum(['store', 'read', 'normalize', 'commit']),
      percent: z.number(),
      rows: z.number().int().optional(),
    })
    .optional(),
  changes: z.array(Change).optional(),
  /** Where the changes are when they are too many for the record; {@link get} brings them. */
  changesAt: z.string().optional(),
  lakeVersion: z.number().int().optional(),
  reason: z.string().optional(),
})
export type Info = z.infer<typeof Info>
export type Change = z.infer<typeof Change>

// A record is an item of DynamoDB, which ends at 400 KB: what is found out of a thousand files takes about 180, the changes up to 100.
const namesBytes = 100_000
const mebibyte = 1024 * 1024

function delivery(mostParts: number) {
  const mostBytes = mostParts * Raw.partBytes
  const file = z.object({
    name: z.string().min(1).max(1024),
    bytes: z
      .number()
      .int()
      .nonnegative()
      .max(mostBytes, `a file has at most ${mostBytes / mebibyte} MiB: split it by billing period, or compress it`),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  })
  return z.strictObject({
    files: z
      .array(file)
      .min(1)
      .max(1000, 'a delivery has at most 1,000 files: import a folder for each month')
      .refine((files) => files.reduce((sum, { name }) => sum + Buffer.byteLength(name), 0) <= namesBytes, {
        message: 'the names of a delivery have at most 100,000 bytes: shorten them, or import a folder for each month',
      }),
    replace: z.boolean().default(false),
  })
}

/** A delivery of files of this machine: their parts are numbered by five digits. */
export const Create = delivery(100_000)

/** How many parts a delivery has that is uploaded: one answer carries all upload URLs, and an answer of a Lambda ends at 6 MB. */
export const mostUploadParts = 3000

/** A delivery whose parts are uploaded. */
export const Upload = delivery(mostUploadParts)

/** Announces a delivery, under an id that may be chosen before: a second time it is the same delivery. When its bytes are known (sha256) and are what is current, it is `unchanged` at once; otherwise its bytes are awaited. */
export async function create(
  ctx: Context,
  input: z.input<typeof Create>,
  id = Id.create('imp', ctx.now()),
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
  const current = files.every((file) => file.sha256) ? await currentDelivery(ctx, digest(records)) : undefined
  const info: Info = { id, status: current ? 'unchanged' : 'uploading', createdAt, replace, files: records }
  if (current) Object.assign(info, { endedAt: createdAt, files: await describedAs(ctx, current, records) })
  try {
    await ctx.tables.imports.insert(ctx.orgId, info)
    await Tally.add(ctx, 1)
    return info
  } catch (error) {
    if (error instanceof Fault && error.code === 'conflict') return await get(ctx, id)
    throw error
  }
}

/** Real costs never stand beside invented ones. The product itself brings the invented ones in. */
async function refuseDemo({ actor, orgId, tables }: Context): Promise<void> {
  if (actor.kind === 'system' || !(await tables.organizations.get(orgId, orgId))?.isDemo) return
  throw new Fault(
    'conflict',
    'This is the demo organization, whose costs are invented: it takes no bills. Sign in to your own, or register one.',
  )
}

/** Where to PUT each part of each file, in order; a URL lives for `expiresSeconds`. */
export async function uploadUrls(ctx: Context, info: Info, expiresSeconds = 3600): Promise<string[][]> {
  const url = async (file: File, index: number, part: number): Promise<string> =>
    await ctx.runtime.blobs.uploadUrl(
      ctx.orgId,
      Raw.partKey(info.id, index, part),
      expiresSeconds,
      Parts.bytesOf(file, part),
    )
  return await Promise.all(
    info.files.map(
      async (file, index) =>
        await Promise.all(Array.from({ length: file.parts }, async (_, part) => await url(file, index, part))),
    ),
  )
}

/** Stores a file of this machine as file number `index` of the import. */
export async function storeFile(
  ctx: Context,
  id: string,
  index: number,
  path: string,
  onBytes?: (done: number) => void,
): Promise<void> {
  const stored = await Raw.store(ctx, { importId: id, file: index }, path, onBytes)
  const info = await get(ctx, id)
  await ctx.tables.imports.put(ctx.orgId, {
    ...info,
    files: info.files.map((file, i) => (i === index ? { ...file, ...stored } : file)),
  })
}

/** Sends the delivery into the pipeline. Throws Fault `conflict` naming the parts that were not uploaded, or not as they were announced. A second call changes nothing. */
export async function start(ctx: Context, id: string): Promise<Info> {
  const info = await get(ctx, id)
  if (info.status !== 'uploading' && info.status !== 'running') return info
  if (info.status === 'uploading') await checkComplete(ctx, info)
  // The record says so first: from here on the delivery is not forgotten, and `sweep` sends on what is cut off before the next line.
  const started = info.status === 'uploading' ? await markStarted(ctx, info) : info
  await ctx.runtime.workflows.start('bills', id, { orgId: ctx.orgId, importId: id })
  return started
}

async function markStarted(ctx: Context, info: Info): Promise<Info> {
  const started: Info = { ...info, status: 'running' }
  try {
    await ctx.tables.imports.replace(ctx.orgId, started, { status: 'uploading' })
    return started
  } catch (error) {
    if (error instanceof Fault && error.code === 'conflict') return await get(ctx, info.id)
    throw error
  }
}

async function checkComplete(ctx: Context, info: Info): Promise<void> {
  const raw = info.rebuildOf ?? info.id
  const stored = new Map((await ctx.runtime.blobs.list(ctx.orgId, `raw/${raw}/`)).map(({ key, bytes }) => [key, bytes]))
  const wrong = Parts.complaints(raw, info.files, stored)
  const message = `${wrong.length} of the delivery's parts were not uploaded yet, or not as they were announced. Upload them and start again.`
  if (wrong.length > 0) throw new Fault('conflict', message, wrong)
}

/** Throws Fault `not_found`. */
export async function get(ctx: Context, id: string): Promise<Info> {
  const info = await ctx.tables.imports.get(ctx.orgId, id)
  if (!info) throw new Fault('not_found', `There is no import ${id}.`)
  if (info.changesAt === undefined) return info
  return {
    ...info,
    changes: z
      .array(Change)
      .parse(JSON.parse(Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, info.changesAt)).toString())),
  }
}

// A record is an item of DynamoDB, which ends at 400 KB, and names up to a thousand files besides.
const changesBytes = 100_000

/** The changes as a record holds them: in it, or in an object of their own. */
export async function keepChanges(
  ctx: Context,
  id: string,
  changes: Change[],
): Promise<Pick<Info, 'changes' | 'changesAt'>> {
  const text = JSON.stringify(changes)
  if (text.length <= changesBytes) return { changes }
  const changesAt = `imports/${id}/changes.json`
  await ctx.runtime.blobs.put(ctx.orgId, changesAt, Buffer.from(text), 'application/json')
  return { changesAt }
}

/** Newest first. */
export async function list(ctx: Context): Promise<Info[]> {
  return (await ctx.tables.imports.all(ctx.orgId)).reverse()
}

/**
 * Sends on deliveries whose start was cut off before the pipeline had them. Forgets those whose bytes never came, announced more than a day ago, with
 * upload URLs that no longer work; answers how many.
 */
export async function sweep(ctx: Context): Promise<number> {
  const limit = new Date(ctx.now().getTime() - 24 * 3600 * 1000).toISOString()
  let forgotten = 0
  for await (const { id } of withStatus(ctx, 'running')) await start(ctx, id)
  for await (const { id, createdAt } of withStatus(ctx, 'uploading')) {
    if (createdAt >= limit) continue
    await Raw.discard(ctx, id)
    await ctx.tables.imports.remove(ctx.orgId, id)
    await Tally.add(ctx, -1)
    forgotten++
  }
  await Tally.correct(ctx, async () => {
    const counts = Status.options.map(async (status) => await ctx.tables.imports.count(ctx.orgId, status))
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  })
  return forgotten
}

/** Every import of a status, by its index. */
export function withStatus(ctx: Context, status: Info['status']): AsyncGenerator<Info> {
  return walk(async (page) => await ctx.tables.imports.byStatus(ctx.orgId, status, page))
}

/** What makes two deliveries the same: the bytes of their files, whatever their names and order. */
export function digest(files: { sha256?: string | undefined }[]): string {
  const hashes = files.map(({ sha256 }) => sha256 ?? '').sort()
  return createHash('sha256').update(hashes.join('\n')).digest('hex')
}

/** The delivery of these bytes, when it is still what is visible in every partition that it brought, and its own bytes are kept. */
export async function currentDelivery(ctx: Context, wanted: string): Promise<Snapshot.Info | undefined> {
  const { snapshots } = await Snapshot.view(ctx)
  const same = snapshots.filter(({ digest }) => digest === wanted)
  const [first] = same
  if (first === undefined || same.length !== first.siblings) return undefined
  const raws = [...new Set(same.map(({ raw }) => raw))]
  const isKept = await Promise.all(raws.map(async (raw) => (await Raw.manifest(ctx, raw)) !== undefined))
  return isKept.every(Boolean) ? first : undefined
}

/** The files as the earlier delivery of the same bytes was understood. */
export async function describedAs(ctx: Context, delivery: Snapshot.Info, files: File[]): Promise<File[]> {
  const earlier = await ctx.tables.imports.get(ctx.orgId, delivery.snapshotId)
  const known = new Map(earlier?.files.map((file) => [file.sha256, file]))
  return files.map((file) => {
    const { format, rows, periods } = known.get(file.sha256) ?? {}
    return { ...file, ...(format && { format }), ...(rows !== undefined && { rows }), ...(periods && { periods }) }
  })
}
