import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type Context, Import } from '@cloudoptima/core'
import type { Product } from '../product.ts'
import type { Interrupt } from './interrupt.ts'
import type { Delivery } from './paths.ts'
import type { Reporter } from './progress.ts'
import { bytes, count } from './output.ts'

export async function deliver(
  product: Product,
  delivery: Delivery,
  { replace, reporter, interrupt }: { replace: boolean; reporter: Reporter; interrupt: Interrupt },
): Promise<Import.Info> {
  const { ctx } = product
  const began = performance.now()
  const size = sizeOf(delivery.files)
  reporter.begin(`Importing ${titleOf(delivery)} (${bytes(size)})`)
  const files = await describedFiles(ctx, delivery)
  const created = await Import.create(ctx, { files, replace })
  const ended = await interrupt.during(ctx, created.id, async () => {
    if (created.status !== 'uploading') return created
    await store(ctx, created.id, delivery, { size, reporter, signal: interrupt.signal })
    return await runImport(product, created.id, reporter)
  })
  reporter.end(resultText(ended, (performance.now() - began) / 1000))
  return ended
}

function titleOf({ argument, files }: Delivery) {
  return files.length === 1 ? (files[0]?.name ?? argument) : `${argument}, ${count(files.length)} files`
}

/** Hashes files whose sizes are known from earlier imports, so that known bytes are not stored again. */
async function describedFiles(ctx: Context, { files }: Delivery) {
  const isFamiliar = await hasSums(ctx, files.length, sizeOf(files))
  return await Promise.all(
    files.map(async ({ name, path, bytes }) => ({ name, bytes, ...(isFamiliar && { sha256: await sha256(path) }) })),
  )
}

async function hasSums(ctx: Context, fileCount: number, size: number) {
  for await (const record of Import.records(ctx)) {
    const sums = Import.sumsOf(record)
    if (sums.fileCount === fileCount && sums.bytes === size) return true
  }
  return false
}

const sizeOf = (files: readonly { bytes: number }[]) => files.reduce((sum, { bytes }) => sum + bytes, 0)

async function sha256(path: string) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

async function store(
  ctx: Context,
  id: string,
  { files }: Delivery,
  { size, reporter, signal }: { size: number; reporter: Reporter; signal: AbortSignal },
) {
  let before = 0
  for (const [index, file] of files.entries()) {
    const start = before
    const onBytes = (done: number) =>
      reporter.at({ phase: 'store', percent: (100 * (start + done)) / Math.max(1, size) })
    await Import.storeFile(ctx, id, index, file.path, { onBytes, signal })
    before += file.bytes
  }
}

export async function runImport({ ctx, services }: Product, id: string, reporter: Reporter): Promise<Import.Info> {
  await Import.start(ctx, id)
  const ended = services.whenEnded('bills', id)
  let isOver = false
  const over = ended.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  while (!isOver) {
    const { progress } = await Import.get(ctx, id)
    if (progress) reporter.at(progress)
    await Promise.race([over, new Promise((wake) => setTimeout(wake, 150))])
  }
  await ended
  return await Import.get(ctx, id)
}

function resultText({ status, files, reason }: Import.Info, seconds: number) {
  const rows = files.reduce((sum, file) => sum + (file.rows ?? 0), 0)
  const took = `${seconds.toFixed(1)} s`
  switch (status) {
    case 'committed':
      return `committed ${count(rows)} rows in ${took} (${count(Math.round(rows / Math.max(seconds, 0.001)))} rows/s)`
    case 'unchanged':
      return `unchanged: the lake already has these files (${took})`
    case 'canceled':
      return 'canceled: nothing of it is visible'
    case 'refused':
    case 'failed':
      return `${status}: ${reason ?? 'no reason was given'}`
    case 'uploading':
    case 'running':
      return `still ${status}`
    default:
      return status satisfies never
  }
}
