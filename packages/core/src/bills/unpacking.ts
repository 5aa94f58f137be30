import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Fault, isFault, messageOf } from '../kernel/fault.ts'

const mebibyte = 1024 * 1024
const chunkSize = mebibyte

/** The unpacked size that every file may have, whatever its packed size: it is read in a second. */
const harmlessBytes = 64 * mebibyte
/** Maximum ratio. Bills unpack to 17 to 37 times their size, bills of one repeated row to 206 times (measured with zlib). The maximum of deflate is 1,032. */
const mostTimes = 300
/** Maximum unpacked size: a function reads less in its 15 minutes. */
const mostBytes = 200 * 1024 * mebibyte

/** The maximum unpacked size of a file of this packed size. */
export function limit(packedBytes: number): number {
  return Math.min(mostBytes, Math.max(harmlessBytes, mostTimes * packedBytes))
}

/** The complaint about a larger file. */
export function complaint(packedBytes: number): string {
  const size = (bytes: number): string =>
    bytes < mebibyte ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / mebibyte)} MiB`
  return `its ${size(packedBytes)} unpack to more than ${size(limit(packedBytes))}, which no bill does`
}

/**
 * Reads a gzip file to its end, because only the checksum at the end shows that a file is complete. Throws Fault `invalid` for a damaged file, and for a file that
 * exceeds {@link limit}, as soon as it does.
 */
export async function prove(path: string, name: string): Promise<void> {
  const { size } = await stat(path)
  const allowed = limit(size)
  let bytes = 0
  const meter = new Writable({
    highWaterMark: chunkSize,
    write(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength
      done(bytes > allowed ? tooMuch(name, size) : null)
    },
  })
  try {
    await pipeline(createReadStream(path, { highWaterMark: chunkSize }), createGunzip({ chunkSize }), meter)
  } catch (error) {
    if (isFault(error, 'invalid')) throw error
    const why = messageOf(error)
    throw new Fault(
      'invalid',
      `${name} is a damaged or incomplete gzip file (${why}). Fetch it again from where it came and import that.`,
      [{ path: name, message: `gzip: ${why}` }],
    )
  }
}

function tooMuch(name: string, size: number): Fault {
  const message = complaint(size)
  return new Fault('invalid', `${name}: ${message}. Import it unpacked, or split it by billing period.`, [
    { path: name, message },
  ])
}
