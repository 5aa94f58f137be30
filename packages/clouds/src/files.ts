import { createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Bill, Charge } from '@cloudoptima/sample'
import type { Version } from './versions.ts'

/** Bills come in this many files. */
export const parts = 2

export interface File {
  path: string
  bytes: number
  rows: number
}

/** Writes the rows that `takes` chooses as gzipped CSV, in place of the older files of `folder`. */
export async function writeFiles(
  { id, bill }: Version,
  folder: string,
  takes: (charge: Charge) => boolean = () => true,
): Promise<File[]> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  return await Promise.all(
    Array.from({ length: parts }, async (_, part) => {
      const path = join(folder, `${id}-${part}.csv.gz`)
      const written = { rows: 0 }
      const text = Readable.from(textOf(bill(), takes, part, written), { highWaterMark: 4 })
      await pipeline(text, createGzip({ level: 1 }), createWriteStream(path))
      return { path, bytes: (await stat(path)).size, ...written }
    }),
  )
}

/** One part of the rows, in chunks of many. */
function* textOf(
  { columns, charges }: Bill,
  takes: (charge: Charge) => boolean,
  part: number,
  written: { rows: number },
): Generator<string> {
  let text = `${columns.join(',')}\n`
  let row = 0
  for (const charge of charges) {
    if (!takes(charge) || row++ % parts !== part) continue
    written.rows++
    text += charge.text
    if (text.length < 1_000_000) continue
    yield text
    text = ''
  }
  yield text
}
