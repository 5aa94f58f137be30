import { createReadStream } from 'node:fs'
import { open, rename, rm, stat, statfs } from 'node:fs/promises'
import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Fault, isFault, messageOf } from '../kernel/fault.ts'
import * as Limits from './limits.ts'
import { watchRegularity } from './regularity.ts'

const chunkSize = 1024 * 1024

/** The bytes that plain copies may take: the other half of the disk is for the lake's files and DuckDB. */
export async function roomIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return (bavail * bsize) / 2
}

/** A stream that unpacks. */
export function unpacking(type: 'gzip' | 'zstd'): Transform {
  const options = { chunkSize, highWaterMark: chunkSize }
  return type === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
}

/**
 * Reads a packed file to its end, because only the checksum at the end shows that a file is complete, and replaces it
 * by its content if this has at most `room` bytes. Returns the bytes of the content, 0 if the file stays packed. Throws
 * Fault `invalid` for a damaged file, and for a file that unpacks to more than the limit, as soon as it does.
 */
export async function unpack(
  { path, name, type }: { path: string; name: string; type: 'gzip' | 'zstd' },
  room: number,
): Promise<{ isRegular: boolean; unpackedBytes: number }> {
  const { size } = await stat(path)
  const allowed = Limits.unpackedLimit(size)
  const text = watchRegularity()
  const target = `${path}.unpacked`
  const file = await open(target, 'wx', 0o600)
  let bytes = 0
  try {
    await pipeline(createReadStream(path, { highWaterMark: chunkSize }), unpacking(type), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
        const before = bytes
        bytes += chunk.byteLength
        text.push(chunk)
        if (bytes > allowed) throw tooMuch(name, size)
        if (bytes <= room) await file.appendFile(chunk)
        else if (before <= room) await file.truncate()
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
  } finally {
    await file.close()
  }
  if (bytes <= room) await rename(target, path)
  else await rm(target)
  return { isRegular: text.isRegular(), unpackedBytes: bytes <= room ? bytes : 0 }
}

function tooMuch(name: string, size: number) {
  const message = Limits.unpackedComplaint(size)
  return new Fault('invalid', `${name}: ${message}. Import it unpacked, or split it by billing period.`, [
    { path: name, message },
  ])
}
