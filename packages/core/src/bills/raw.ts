import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { Context } from '../effects/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import { fileTypeOf } from './file-type.ts'
import type { File } from './file.ts'
import type * as Snapshot from '../lake/snapshot.ts'
import { watchRegularity } from './regularity.ts'
import * as Unpacking from './unpacking.ts'

/** The size of the parts of raw files: at most what the embedded S3 takes in one PUT, at least S3's minimum of 5 MB. */
export const partBytes = 8 * 1024 * 1024

const chunkSize = 1024 * 1024

const fastest = { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** The description of a delivery beside its bytes: enough to rebuild the lake from raw alone. */
export interface Manifest {
  importId: string
  acceptedAt: string
  files: File[]
  origin?: Snapshot.Origin
}

export function partKey(importId: string, file: number, part: number): string {
  return `raw/${importId}/${file}/${String(part).padStart(5, '0')}`
}

export interface StoreOptions {
  onBytes?: (done: number) => void
  /** Stops the storing. */
  signal?: AbortSignal
}

/** Stores a file of this machine, compressed unless it is already. Returns its fields in the manifest. */
export async function store(
  ctx: Context,
  at: { importId: string; file: number },
  path: string,
  { onBytes = () => undefined, ...options }: StoreOptions = {},
): Promise<Pick<File, 'bytes' | 'parts' | 'encoding' | 'sha256' | 'storedSha256' | 'isRegular'>> {
  const { size } = await stat(path)
  const encoding = (await fileTypeOf(path)) ? 'identity' : 'zstd'
  const hash = createHash('sha256')
  const text = watchRegularity()
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk)
      if (encoding === 'zstd') text.push(chunk)
      bytes += chunk.byteLength
      onBytes(bytes)
      done(null, chunk)
    },
  })
  const parts = partWriter(ctx, at)
  const source = createReadStream(path, { highWaterMark: chunkSize })
  if (encoding === 'zstd') await pipeline(source, meter, createZstdCompress(fastest), parts.writable, options)
  else await pipeline(source, meter, parts.writable, options)
  if (bytes !== size)
    throw new Fault('conflict', `${path} changed while it was read. Import it again when it is complete.`)
  return {
    bytes,
    parts: parts.count(),
    encoding,
    sha256: hash.digest('hex'),
    ...(encoding === 'zstd' && { storedSha256: parts.sha256(), isRegular: text.isRegular() }),
  }
}

function partWriter(ctx: Context, { importId, file }: { importId: string; file: number }) {
  const hash = createHash('sha256')
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let part = 0
  const flush = async (bytes: number) => {
    const all = Buffer.concat(pending)
    await ctx.runtime.blobs.put(ctx.orgId, partKey(importId, file, part++), all.subarray(0, bytes))
    pending = [all.subarray(bytes)]
    pendingBytes -= bytes
  }
  const writable = new Writable({
    highWaterMark: chunkSize,
    write(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk)
      pending.push(chunk)
      pendingBytes += chunk.byteLength
      const full = async () => {
        while (pendingBytes >= partBytes) await flush(partBytes)
      }
      full().then(() => done(), done)
    },
    final(done) {
      const rest = async () => {
        if (pendingBytes > 0) await flush(pendingBytes)
      }
      rest().then(() => done(), done)
    },
  })
  return { writable, count: () => part, sha256: () => hash.digest('hex') }
}

/**
 * Downloads a raw file to `path` and verifies it. A packed file is unpacked if its content has at most `room` bytes,
 * because several cores read plain text. Returns the hash of the owner's bytes, whether a CSV is regular, and the bytes
 * that unpacking took. Throws Fault `invalid` for a packed file that is damaged or too large unpacked.
 */
export async function fetch(
  ctx: Context,
  at: { importId: string; file: number },
  record: File,
  { path, room = 0, onBytes = () => undefined }: { path: string; room?: number; onBytes?: (done: number) => void },
): Promise<{ sha256: string; isRegular?: boolean | undefined; unpackedBytes: number }> {
  const { encoding, name } = record
  const hash = createHash('sha256')
  const text = watchRegularity()
  let bytes = 0
  const stored = async function* (): AsyncGenerator<Uint8Array> {
    for (let part = 0; part < record.parts; part++) {
      for await (const chunk of await ctx.runtime.blobs.stream(ctx.orgId, partKey(at.importId, at.file, part))) {
        bytes += chunk.byteLength
        // The owner of the upload URLs can overwrite a part after its size was checked.
        if (encoding === 'identity' && bytes > record.bytes) throw otherSize(record, `more than ${record.bytes}`)
        hash.update(chunk)
        if (encoding === 'identity') text.push(chunk)
        onBytes(bytes)
        yield chunk
      }
    }
  }
  const file = createWriteStream(path, { highWaterMark: chunkSize })
  const isUnpacked = encoding !== 'identity' && record.bytes <= room
  if (isUnpacked) await pipeline(stored(), Unpacking.unpacking(encoding), file)
  else await pipeline(stored(), file)
  const sha256 = hash.digest('hex')
  if (encoding !== 'identity') {
    const isStored = sha256 === record.storedSha256 && (!isUnpacked || file.bytesWritten === record.bytes)
    if (!isStored || record.sha256 === undefined)
      throw new Error(`raw file ${at.importId}/${at.file} is not what was stored`)
    return { sha256: record.sha256, isRegular: record.isRegular, unpackedBytes: isUnpacked ? record.bytes : 0 }
  }
  if (bytes !== record.bytes) throw otherSize(record, String(bytes))
  const type = await fileTypeOf(path)
  if (type === 'gzip' || type === 'zstd') return { sha256, ...(await Unpacking.unpack({ path, name, type }, room)) }
  return { sha256, isRegular: text.isRegular(), unpackedBytes: 0 }
}

function otherSize({ name, bytes }: File, found: string) {
  const message = `${found} bytes were uploaded instead of ${bytes}`
  return new Fault('invalid', `${name}: ${message}. Create a new import and upload all files.`, [
    { path: name, message },
  ])
}

/** Writes the manifest of an accepted delivery. */
export async function writeManifest(ctx: Context, manifest: Manifest): Promise<void> {
  await ctx.runtime.blobs.put(
    ctx.orgId,
    `raw/${manifest.importId}/manifest.json`,
    Buffer.from(JSON.stringify(manifest)),
    'application/json',
  )
}

/** The manifest of a delivery; undefined if the delivery was not accepted, or its files are lost. */
export async function manifest(ctx: Context, importId: string): Promise<Manifest | undefined> {
  try {
    return await read(ctx, `raw/${importId}/manifest.json`)
  } catch (error) {
    if (isFault(error, 'not_found')) return undefined
    throw error
  }
}

async function read(ctx: Context, key: string): Promise<Manifest> {
  return JSON.parse(Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, key)).toString()) as Manifest
}

/** The manifests of all accepted deliveries, in the order of acceptance. */
export async function manifests(ctx: Context): Promise<Manifest[]> {
  const keys = (await ctx.runtime.blobs.list(ctx.orgId, 'raw/')).map(({ key }) => key).filter(isManifest)
  const found = await Promise.all(keys.map((key) => read(ctx, key)))
  return found.sort((a, b) => (a.acceptedAt < b.acceptedAt ? -1 : 1))
}

export function isManifest(key: string): boolean {
  return key.endsWith('/manifest.json')
}

/** Removes the manifest and the bytes of a delivery, and returns their number. */
export async function remove(ctx: Context, importId: string): Promise<number> {
  const found = await ctx.runtime.blobs.list(ctx.orgId, `raw/${importId}/`)
  for (const { key } of found) await ctx.runtime.blobs.remove(ctx.orgId, key)
  return found.reduce((sum, { key, bytes }) => sum + (isManifest(key) ? 0 : bytes), 0)
}
