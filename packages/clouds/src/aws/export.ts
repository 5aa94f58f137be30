import { createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Bill, Day, type Estate, Random } from '@cloudoptima/sample'
import type { Faults } from '../faults.ts'
import { dayOf, timeOf } from '../load.ts'

/** The export of all costs; its bucket costs nothing, so no list names it. */
export const costExport = { name: 'focus-daily', bucket: 'larkfield-cost-exports', prefix: 'exports' }

const parts = ['00001', '00002']
const minuteMs = 60_000

/** One version of a month's bill. */
export interface Version {
  month: string
  /** Differs whenever the bill does. */
  id: string
  modified: Date
  bill(): Bill
}

export interface Stored {
  etag: string
  modified: Date
  bytes: number
  content: { path: string } | { text: string }
}

export interface Export {
  version(month: string): Version
  /** In the order of S3. */
  keys(): string[]
  /** Writes the files of a month at their first use. */
  object(key: string): Promise<Stored | undefined>
}

/**
 * An export of FOCUS 1.2 that overwrites its files, in the layout of
 * https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html
 */
export function openExport(given: { estate: Estate; now(): Date; faults: Faults; dir: string }): Export {
  const { estate, now, faults, dir } = given
  const first = Day.parse(`${estate.firstMonth}-01`)
  const version = (month: string): Version => {
    const change = faults.bills[month] ?? {}
    const until = Math.min(dayOf(now()), Day.month(Day.parse(`${month}-01`)).end)
    const { restatements = 0, columns = [] } = change
    const id = Random.hex(Random.hash(JSON.stringify([month, until, restatements, columns])), 32)
    const modified = new Date(timeOf(until).getTime() + (restatements + columns.length) * minuteMs)
    return { month, id, modified, bill: () => estate.bill(month, until, change) }
  }
  const filesOf = newest((wanted) => write(wanted, join(dir, wanted.month)))
  return {
    version,
    keys: () => {
      const months = Array.from({ length: dayOf(now()) - first }, (_, index) => Day.month(first + index).period)
      const known = [...new Set(months)]
      return [...known.flatMap((month) => parts.map((part) => dataKey(month, part))), ...known.map(manifestKey)]
    },
    object: async (key) => {
      const month = /BILLING_PERIOD=(\d{4}-\d{2})\//.exec(key)?.[1]
      if (month === undefined) return undefined
      const wanted = version(month)
      if (key === manifestKey(month)) return manifest(wanted)
      const part = parts.findIndex((each) => key === dataKey(month, each))
      return part < 0 ? undefined : (await filesOf(wanted))[part]
    },
  }
}

/** The value of the newest version of each month, made once. */
export function newest<Value>(make: (version: Version) => Value): (version: Version) => Value {
  const kept = new Map<string, { id: string; value: Value }>()
  return (version) => {
    const known = kept.get(version.month)
    if (known?.id === version.id) return known.value
    const value = make(version)
    kept.set(version.month, { id: version.id, value })
    return value
  }
}

const { name, bucket, prefix } = costExport
const dataKey = (month: string, part: string) => `${prefix}/${name}/data/BILLING_PERIOD=${month}/${name}-${part}.csv.gz`
const manifestKey = (month: string) => `${prefix}/${name}/metadata/BILLING_PERIOD=${month}/${name}-Manifest.json`

function manifest({ month, id, modified }: Version): Stored {
  const dataFiles = parts.map((part) => `s3://${bucket}/${dataKey(month, part)}`)
  const text = JSON.stringify({ exportName: name, executionId: id, compression: 'GZIP', dataFiles })
  return { etag: `"${id}"`, modified, bytes: Buffer.byteLength(text), content: { text } }
}

async function write({ id, modified, bill }: Version, folder: string): Promise<Stored[]> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  return await Promise.all(
    parts.map(async (part, index) => {
      const path = join(folder, `${id}-${part}.csv.gz`)
      const text = Readable.from(textOf(bill(), index), { highWaterMark: 4 })
      await pipeline(text, createGzip({ level: 1 }), createWriteStream(path))
      return { etag: `"${id}-${part}"`, modified, bytes: (await stat(path)).size, content: { path } }
    }),
  )
}

/** One part of the bill, in chunks of many rows. */
function* textOf({ columns, charges }: Bill, part: number): Generator<string> {
  let text = `${columns.join(',')}\n`
  let row = 0
  for (const charge of charges) {
    if (row++ % parts.length !== part) continue
    text += charge.text
    if (text.length < 1_000_000) continue
    yield text
    text = ''
  }
  yield text
}
