import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Fault, isFault, messageOf } from '../kernel/fault.ts'
import * as Limits from './limits.ts'
import { watchRegularity } from './regularity.ts'

const chunkSize = 1024 * 1024

/**
 * Reads a packed file to its end, because only the checksum at the end shows that a file is complete. Throws Fault
 * `invalid` for a damaged file, and for a file that unpacks to more than the limit, as soon as it does. Returns whether
 * a CSV in it is regular.
 */
export async function prove(path: string, name: string, type: 'gzip' | 'zstd'): Promise<boolean> {
  const { size } = await stat(path)
  const allowed = Limits.unpackedLimit(size)
  const text = watchRegularity()
  let bytes = 0
  const meter = new Writable({
    highWaterMark: chunkSize,
    write(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength
      text.push(chunk)
      done(bytes > allowed ? tooMuch(name, size) : null)
    },
  })
  const unpacking = type === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize })
  try {
    await pipeline(createReadStream(path, { highWaterMark: chunkSize }), unpacking, meter)
    return text.isRegular()
  } catch (error) {
    if (isFault(error, 'invalid')) throw error
    const why = messageOf(error)
    throw new Fault(
      'invalid',
      `${name} is a damaged or incomplete ${type} file (${why}). Fetch it again from where it came and import that.`,
      [{ path: name, message: `${type}: ${why}` }],
    )
  }
}

function tooMuch(name: string, size: number) {
  const message = Limits.unpackedComplaint(size)
  return new Fault('invalid', `${name}: ${message}. Import it unpacked, or split it by billing period.`, [
    { path: name, message },
  ])
}
