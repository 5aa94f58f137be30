import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Fault, isFault, messageOf } from '../kernel/fault.ts'
import * as Limits from './limits.ts'
import { watchRegularity } from './regularity.ts'

const chunkSize = 1024 * 1024

/**
 * Reads a packed file to its end, because only the checksum at the end shows that a file is complete. Throws Fault
 * `invalid` for a damaged file, and for a file that unpacks to more than the limit, as soon as it does.
 */
export async function prove({
  path,
  name,
  type,
}: {
  path: string
  name: string
  type: 'gzip' | 'zstd'
}): Promise<{ isRegular: boolean; lines: number; contentBytes: number }> {
  const { size } = await stat(path)
  const allowed = Limits.unpackedLimit(size)
  const text = watchRegularity()
  const options = { chunkSize, highWaterMark: chunkSize }
  const unpacking = type === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  let contentBytes = 0
  try {
    await pipeline(createReadStream(path, { highWaterMark: chunkSize }), unpacking, async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
        contentBytes += chunk.byteLength
        text.push(chunk)
        if (contentBytes > allowed) throw tooMuch(name, size)
      }
    })
  } catch (error) {
    // Only an error of the file system has a `syscall`.
    if (isFault(error, 'invalid') || (error instanceof Error && 'syscall' in error)) throw error
    const why = messageOf(error)
    throw new Fault(
      'invalid',
      `${name} is a damaged or incomplete ${type} file (${why}). Fetch it again from where it came and import that.`,
      [{ path: name, message: `${type}: ${why}` }],
    )
  }
  return { ...text.found(), contentBytes }
}

function tooMuch(name: string, size: number) {
  const message = Limits.unpackedComplaint(size)
  return new Fault('invalid', `${name}: ${message}. Import it unpacked, or split it by billing period.`, [
    { path: name, message },
  ])
}
