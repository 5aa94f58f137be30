import { basename, join } from 'node:path'
import { type BillDelivery, Calendar, type DeliveredFile, Fault } from '@cloudoptima/core'
import * as z from 'zod'
import { inTurns } from '../../collect/concurrent.ts'
import { collectedMonths } from '../../collect/months.ts'
import { type Bucket, type Listed, openBucket } from './bucket.ts'
import { type CostExport, costExports } from './exports.ts'
import { Failure } from './failure.ts'
import { payerOf } from './preliminary.ts'
import type { Reader } from './reader.ts'

/** A complete period of an export: AWS writes the manifest after all files. */
interface Period {
  source: CostExport
  bucket: Bucket
  manifest: Listed
}

/** Each month from the best export that has it, the newest first. */
export async function* bills(reader: Reader): AsyncGenerator<BillDelivery> {
  const months = collectedMonths(reader.access.now())
  const best = new Map<string, Period>()
  for (const source of await costExports(reader)) {
    const wanted = months.filter((month) => !best.has(month))
    if (wanted.length === 0) break
    const found = await reader.attempt(source.name, async () => await periodsOf(reader, source, wanted).catch(endAll))
    for (const [month, period] of found ?? []) best.set(month, period)
  }
  for (const month of months) {
    const period = best.get(month)
    if (period) yield deliveryOf(reader, month, period)
  }
}

/** A lesser export must not take over because a better one could not be read now: the collection ends. */
function endAll(error: unknown): never {
  const isPassing = error instanceof Failure && ['throttled', 'unavailable'].includes(error.state)
  throw isPassing ? new Fault(error.code, error.message, [], error.retryAfterSeconds) : error
}

function deliveryOf(reader: Reader, month: string, period: Period): BillDelivery {
  const { source, manifest } = period
  return {
    id: `${source.kind}/${source.name}/${month}`,
    period: month,
    // The same bytes at a later time may describe other files, because an export may overwrite its files.
    version: `${manifest.etag.replaceAll('"', '')}-${manifest.modified.toISOString()}`,
    // The export of a member has the payer's id, and costs of the member only.
    scope: async () => ((await payerOf(reader)) === reader.account ? undefined : reader.account),
    fetch: async (folder) => await fetchPeriod(period, folder),
  }
}

/** The newest manifest of each month; an export that keeps old files has many. */
async function periodsOf(reader: Reader, source: CostExport, months: string[]): Promise<Map<string, Period>> {
  const bucket = await openBucket(reader, source.bucket, source.region)
  const listed = source.kind === 'cur-legacy' ? legacyManifests : manifests
  const periods = new Map<string, Period>()
  for (const [month, manifest] of await listed(bucket, source, months)) {
    const newest = periods.get(month)
    if (!newest || newest.manifest.modified < manifest.modified) periods.set(month, { source, bucket, manifest })
  }
  return periods
}

type Manifests = (bucket: Bucket, source: CostExport, months: string[]) => Promise<[string, Listed][]>

/**
 * `metadata/BILLING_PERIOD=2026-11/name-Manifest.json`, or in a folder for each execution:
 * https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html
 */
const manifests: Manifests = async (bucket, { folder, name }, months) => {
  const prefix = `${folder}metadata/`
  const listed = await bucket.list(prefix, `${prefix}BILLING_PERIOD=${months.at(-1)}`)
  return listed.flatMap((manifest) => {
    const [partition = '', ...rest] = manifest.key.slice(prefix.length).split('/')
    const month = /^billing_period=(\d{4}-\d{2})$/i.exec(partition)?.[1]
    const isManifest = rest.length <= 2 && rest.at(-1) === `${name}-Manifest.json`
    return month !== undefined && months.includes(month) && isManifest ? [[month, manifest]] : []
  })
}

/**
 * `20261101-20261201/name-Manifest.json` has the latest version:
 * https://docs.aws.amazon.com/cur/latest/userguide/understanding-report-versions.html
 */
const legacyManifests: Manifests = async (bucket, { folder, name }, months) => {
  const dayOf = (month: string) => `${month.replace('-', '')}01`
  const found = await inTurns(months, 4, async (month): Promise<[string, Listed][]> => {
    const key = `${folder}${dayOf(month)}-${dayOf(Calendar.addMonths(month, 1))}/${name}-Manifest.json`
    const listed = await bucket.list(key)
    return listed.filter((object) => object.key === key).map((manifest) => [month, manifest])
  })
  return found.flat()
}

async function fetchPeriod({ source, bucket, manifest }: Period, folder: string) {
  const keys = filesOf(source, await bucket.text(manifest))
  const files = await objectsOf(bucket, keys)
  const missing = keys.find((key) => !files.has(key))
  if (missing !== undefined) throw incomplete(source, `The bucket has no ${missing}, which ${manifest.key} names.`)
  const newer = [...files.values()].find(({ modified }) => modified > manifest.modified)
  if (newer) throw new Fault('conflict', `AWS replaces ${newer.key} at the moment. The next collection reads it.`)
  const delivered = await inTurns([...files.values()].entries().toArray(), 3, async ([index, object]) => {
    const path = join(folder, `${index}-${basename(object.key).replaceAll(/[^\w.-]/g, '_')}`)
    await bucket.download(object, path)
    return { name: object.key, path } satisfies DeliveredFile
  })
  const [after] = await bucket.list(manifest.key)
  if (after?.etag !== manifest.etag || after.modified.getTime() !== manifest.modified.getTime())
    throw new Fault('conflict', 'AWS restated this bill during its download. The next collection reads it.')
  return delivered
}

const Manifest = z.union([
  z.object({ dataFiles: z.array(z.string()).min(1) }).transform(({ dataFiles }) => ({ files: dataFiles })),
  z
    .object({ reportKeys: z.array(z.string()).min(1), bucket: z.string().optional() })
    .transform(({ reportKeys, bucket }) => ({ files: reportKeys, bucket })),
])

/** The customer writes the manifest, so it may name only files of the export's own folder. */
function filesOf(source: CostExport, text: string): string[] {
  const read = Manifest.safeParse(parsed(text))
  if (!read.success) throw incomplete(source, 'Its manifest lists no files.')
  const named: { files: string[]; bucket?: string | undefined } = read.data
  const own = `s3://${source.bucket}/`
  const keys = named.files.map((file) => (file.startsWith(own) ? file.slice(own.length) : file))
  const foreign = keys.find((key) => !key.startsWith(source.folder) || /^s3:|(^|\/)\.\.(\/|$)/.test(key))
  if (foreign !== undefined || (named.bucket ?? source.bucket) !== source.bucket)
    throw incomplete(source, `Its manifest names files outside of ${own}${source.folder}.`)
  return [...new Set(keys)]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The objects of these keys, from the listings of their folders. */
async function objectsOf(bucket: Bucket, keys: readonly string[]): Promise<Map<string, Listed>> {
  const wanted = new Set(keys)
  const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)))
  const listed = await inTurns([...folders], 4, async (folder) => await bucket.list(folder))
  return new Map(listed.flat().flatMap((object) => (wanted.has(object.key) ? [[object.key, object] as const] : [])))
}

/** The rest of the bills is still collected. */
function incomplete({ name }: CostExport, message: string): Fault {
  return new Fault('conflict', `Export ${name}: ${message}`)
}
