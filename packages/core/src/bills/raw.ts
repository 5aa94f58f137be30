import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { Context } from '../effects/context.ts'
import { Fault, hasCode, isFault } from '../kernel/fault.ts'
import { fileTypeOf } from './file-type.ts'
import type { File } from './file.ts'
import type * as Snapshot from '../lake/snapshot.ts'
import { watchRegularity } from './regularity.ts'
import * as Unpacking from './unpacking.ts'

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
): Promise<Pick<File, 'bytes' | 'parts' | 'encoding' | 'sha256' | 'storedSha256' | 'isRegular'>> {
  const { size } = await stat(path)
  const encoding = (await fileTypeOf(path)) ? 'identity' : 'zstd'
  const hash = createHash('sha256')
  const text = watchRegularity()
  let bytes = 0
  const source = await open(path)
  const copy = encoding === 'zstd' ? await openCopy(ctx, at, size) : undefined
  const chunks = twoByTwo(source, async (chunk) => {
    const copied = copy?.appendFile(chunk)
    hash.update(chunk)
    if (encoding === 'zstd') text.push(chunk)
    bytes += chunk.byteLength
    onBytes(bytes)
    await copied
  })
  const parts = partWriter(ctx, at)
  try {
    if (encoding === 'zstd') await pipeline(chunks, createZstdCompress(fastest), parts.writable, options)
    else await pipeline(chunks, parts.writable, options)
    if (bytes !== size)
      throw new Fault('conflict', `${path} changed while it was read. Import it again when it is complete.`)
  } catch (error) {
    await removeCopies(ctx, at.importId)
    throw error
  } finally {
    await source.close()
    await copy?.close()
  }
  return {
    bytes,
    parts: parts.count(),
    encoding,
    sha256: hash.digest('hex'),
    ...(encoding === 'zstd' && { storedSha256: parts.sha256(), isRegular: text.isRegular() }),
  }
}

/**
 * The bytes of a file in two buffers in turn, because new buffers cost more collection of garbage than the rest of the
 * work. A consumer must be done with a chunk when it asks for the next one; `use` gets each chunk ahead of it.
 */
async function* twoByTwo(file: FileHandle, use: (chunk: Uint8Array) => Promise<void>): AsyncGenerator<Uint8Array> {
  const read = async (buffer: Uint8Array): Promise<Uint8Array> => {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, null)
    const chunk = buffer.subarray(0, bytesRead)
    await use(chunk)
    return chunk
  }
  let [first, second] = [new Uint8Array(chunkSize), new Uint8Array(chunkSize)]
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

function partWriter(ctx: Context, { importId, file }: { importId: string; file: number }) {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(partBytes)
  let filled = 0
  let part = 0
  const flush = async () => {
    await ctx.runtime.blobs.put(ctx.orgId, partKey(importId, file, part++), buffer.subarray(0, filled))
    filled = 0
  }
  const add = async (chunk: Uint8Array) => {
    hash.update(chunk)
    for (let rest = chunk; rest.byteLength > 0;) {
      const piece = rest.subarray(0, partBytes - filled)
      buffer.set(piece, filled)
      filled += piece.byteLength
      rest = rest.subarray(piece.byteLength)
      if (filled === partBytes) await flush()
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

/** The private copy of a file of this machine, from which its import reads what was hashed, without unpacking it. */
function copyOf(ctx: Context, { importId, file }: { importId: string; file: number }): string | undefined {
  const folder = ctx.runtime.workspace.kept?.(importId)
  return folder === undefined ? undefined : join(folder, String(file))
}

async function openCopy(ctx: Context, at: { importId: string; file: number }, size: number) {
  const path = copyOf(ctx, at)
  if (path === undefined) return undefined
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  return size > (await Unpacking.roomIn(dirname(path))) ? undefined : await open(path, 'w', 0o600)
}

/** Removes the private copies of an import's files. */
export async function removeCopies({ runtime }: Context, importId: string): Promise<void> {
  const folder = runtime.workspace.kept?.(importId)
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
}

/** Moves the private copy of a file to `path`, if it has one. */
async function takeCopy(ctx: Context, at: { importId: string; file: number }, path: string): Promise<boolean> {
  const copy = copyOf(ctx, at)
  if (copy === undefined) return false
  try {
    await rename(copy, path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
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
  const isCopied = encoding === 'zstd' && (await takeCopy(ctx, at, path))
  const isUnpacked = encoding !== 'identity' && !isCopied && record.bytes <= room
  const file = isCopied ? new PassThrough().resume() : createWriteStream(path, { highWaterMark: chunkSize })
  if (isUnpacked) await pipeline(stored(), Unpacking.unpacking(encoding), file)
  else await pipeline(stored(), file)
  const sha256 = hash.digest('hex')
  if (encoding !== 'identity') {
    const isPlain = isCopied || isUnpacked
    const isStored = sha256 === record.storedSha256 && (!isPlain || (await stat(path)).size === record.bytes)
    if (!isStored || record.sha256 === undefined)
      throw new Error(`raw file ${at.importId}/${at.file} is not what was stored`)
    return { sha256: record.sha256, isRegular: record.isRegular, unpackedBytes: isPlain ? record.bytes : 0 }
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
  await removeCopies(ctx, importId)
  const found = await ctx.runtime.blobs.list(ctx.orgId, `raw/${importId}/`)
  for (const { key } of found) await ctx.runtime.blobs.remove(ctx.orgId, key)
  return found.reduce((sum, { key, bytes }) => sum + (isManifest(key) ? 0 : bytes), 0)
}
