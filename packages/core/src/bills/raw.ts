import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { Context } from '../effects/context.ts'
import { Fault, isFault } from '../kernel/fault.ts'
import { fileTypeOf, isZip } from './file-type.ts'
import type { File } from './file.ts'
import type { SourceFile } from '../effects/lake.ts'
import type * as Snapshot from '../lake/snapshot.ts'
import { watchRegularity } from './regularity.ts'

/** The size of the parts of raw files: at most what the embedded S3 takes in one PUT, at least S3's minimum of 5 MB. */
export const partBytes = 8 * 1024 * 1024

const chunkSize = 1024 * 1024

// The stream asks for a chunk only when it is done with the one before.
const fastest = { chunkSize, writableHighWaterMark: 1, params: { [constants.ZSTD_c_compressionLevel]: 1 } }

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
): Promise<Pick<File, 'bytes' | 'parts' | 'encoding' | 'sha256' | 'storedSha256' | 'isRegular' | 'lines'>> {
  const { size } = await stat(path)
  const encoding = (await fileTypeOf(path)) || (await isZip(path)) ? 'identity' : 'zstd'
  const hash = createHash('sha256')
  const text = watchRegularity()
  let bytes = 0
  const source = await open(path)
  const chunks = twoByTwo(source, Math.min(chunkSize, size + 1), (chunk) => {
    hash.update(chunk)
    if (encoding === 'zstd') text.push(chunk)
    bytes += chunk.byteLength
    onBytes(bytes)
  })
  const parts = partWriter(ctx, at, size)
  try {
    if (encoding === 'zstd') await pipeline(chunks, createZstdCompress(fastest), parts.writable, options)
    else await pipeline(chunks, parts.writable, options)
    if (bytes !== size)
      throw new Fault('conflict', `${path} changed while it was read. Import it again when it is complete.`)
  } finally {
    await source.close()
  }
  return {
    bytes,
    parts: parts.count(),
    encoding,
    sha256: hash.digest('hex'),
    ...(encoding === 'zstd' && { storedSha256: parts.sha256(), ...text.found() }),
  }
}

/**
 * The bytes of a file in two buffers in turn, because new buffers cost more collection of garbage than the rest of the
 * work. A consumer must be done with a chunk when it asks for the next one; `use` gets each chunk ahead of it.
 */
async function* twoByTwo(file: FileHandle, size: number, use: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  const read = async (buffer: Uint8Array): Promise<Uint8Array> => {
    const { bytesRead } = await file.read(buffer, 0, size, null)
    const chunk = buffer.subarray(0, bytesRead)
    use(chunk)
    return chunk
  }
  let [first, second] = [new Uint8Array(size), new Uint8Array(size)]
  let chunk = await read(first)
  while (chunk.byteLength > 0) {
    const next = read(second)
    // It is thrown below, when the consumer asks for more.
    next.catch(() => undefined)
    try {
      yield chunk
    } finally {
      chunk = await next
    }
    ;[first, second] = [second, first]
  }
}

/** A small file has a small buffer: zstd adds less than a hundredth and some bytes to it. */
function partWriter(ctx: Context, { importId, file }: { importId: string; file: number }, size: number) {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(Math.min(partBytes, Math.ceil(size * 1.01) + 1024))
  let filled = 0
  let part = 0
  const flush = async () => {
    await ctx.runtime.blobs.put(ctx.orgId, partKey(importId, file, part++), buffer.subarray(0, filled))
    filled = 0
  }
  const add = async (chunk: Uint8Array) => {
    hash.update(chunk)
    for (let rest = chunk; rest.byteLength > 0;) {
      const piece = rest.subarray(0, buffer.byteLength - filled)
      buffer.set(piece, filled)
      filled += piece.byteLength
      rest = rest.subarray(piece.byteLength)
      if (filled === buffer.byteLength) await flush()
    }
  }
  const writable = new Writable({
    highWaterMark: 1,
    write(chunk: Uint8Array, _encoding, done) {
      add(chunk).then(() => done(), done)
    },
    final(done) {
      ;(filled > 0 ? flush() : Promise.resolve()).then(() => done(), done)
    },
  })
  return { writable, count: () => part, sha256: () => hash.digest('hex') }
}

/**
 * Downloads a raw file to `path` and verifies its bytes; a packed file stays packed. Returns the hash of the owner's
 * bytes, whether a text is regular, and the size of the content that the product packed.
 */
export async function fetch(
  ctx: Context,
  at: { importId: string; file: number },
  record: File,
  { path, onBytes = () => undefined }: { path: string; onBytes?: (done: number) => void },
): Promise<{ sha256: string } & Pick<SourceFile, 'isRegular' | 'lines' | 'contentBytes'>> {
  const { encoding } = record
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
  await pipeline(stored(), createWriteStream(path, { highWaterMark: chunkSize }))
  const sha256 = hash.digest('hex')
  if (encoding !== 'identity') {
    if (sha256 !== record.storedSha256 || record.sha256 === undefined)
      throw new Error(`raw file ${at.importId}/${at.file} is not what was stored`)
    return { sha256: record.sha256, isRegular: record.isRegular, lines: record.lines, contentBytes: record.bytes }
  }
  if (bytes !== record.bytes) throw otherSize(record, String(bytes))
  const type = await fileTypeOf(path)
  return { sha256, ...(type !== 'gzip' && type !== 'zstd' && text.found()) }
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
