import { join } from 'node:path'
import type { Estate } from '@cloudoptima/sample'
import type { Faults } from '../faults.ts'
import { parts as files, writeFiles } from '../files.ts'
import { newest, type Version, versionsOf } from '../versions.ts'

/** The export of all costs; its bucket costs nothing, so no list names it. */
export const costExport = { name: 'focus-daily', bucket: 'larkfield-cost-exports', prefix: 'exports' }

const parts = Array.from({ length: files }, (_, part) => `${part + 1}`.padStart(5, '0'))

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
  const versions = versionsOf(given)
  const filesOf = newest((wanted) => write(wanted, join(given.dir, wanted.month)))
  return {
    version: versions.of,
    keys: () => {
      const known = versions.months()
      return [...known.flatMap((month) => parts.map((part) => dataKey(month, part))), ...known.map(manifestKey)]
    },
    object: async (key) => {
      const month = /BILLING_PERIOD=(\d{4}-\d{2})\//.exec(key)?.[1]
      if (month === undefined) return undefined
      const wanted = versions.of(month)
      if (key === manifestKey(month)) return manifest(wanted)
      const part = parts.findIndex((each) => key === dataKey(month, each))
      return part < 0 ? undefined : (await filesOf(wanted))[part]
    },
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

async function write(version: Version, folder: string): Promise<Stored[]> {
  const { id, modified } = version
  const files = await writeFiles(version, folder)
  return files.map(({ path, bytes }, index) => ({
    etag: `"${id}-${parts[index]}"`,
    modified,
    bytes,
    content: { path },
  }))
}
