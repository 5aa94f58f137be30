import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { watchRegularity } from '@cloudoptima/core'
import type { Source } from './source.ts'

/** Whether every reader of CSV understands the file alike. Whoever stored or fetched the file has looked already. */
export async function isRegular({ isRegular: known, path, dialect }: Source): Promise<boolean> {
  if (known !== undefined) return known
  const text = watchRegularity()
  const bytes = createReadStream(path, { highWaterMark: 1024 * 1024 })
  for await (const chunk of (dialect.compression === 'gzip'
    ? bytes.pipe(createGunzip())
    : bytes) as AsyncIterable<Buffer>)
    text.push(chunk)
  return text.isRegular()
}
