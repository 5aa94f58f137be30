import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BlobKey, type Blobs, hasCode } from '@cloudoptima/core'

/** Parquet files of the lake on this machine's disk. Each key is downloaded once, because its content never changes. */
export interface Cache {
  /** Paths of the files with these keys, in their order. */
  paths(orgId: string, keys: string[]): Promise<string[]>
}

/** Keeps up to `maxBytes` below `folder`; the least recently used files go first. */
export function createCache(blobs: Blobs, folder: string, maxBytes: number): Cache {
  const pathOf = (orgId: string, key: string): string => join(folder, ...BlobKey.of(orgId, key).split('/'))
  const inFlight = new Map<string, Promise<void>>()
  const present = new Set<string>()

  const fetch = async (orgId: string, key: string, path: string): Promise<void> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const partial = `${path}.${process.pid}.partial`
    await pipeline(Readable.from(await blobs.stream(orgId, key)), createWriteStream(partial))
    await rename(partial, path)
  }

  const ensure = async (orgId: string, key: string): Promise<string> => {
    const path = pathOf(orgId, key)
    if (present.has(path)) return path
    const running =
      inFlight.get(path) ?? exists(path).then(async (found) => (found ? undefined : await fetch(orgId, key, path)))
    inFlight.set(path, running)
    try {
      await running
      present.add(path)
    } finally {
      inFlight.delete(path)
    }
    return path
  }

  return {
    async paths(orgId, keys) {
      const fetched = !keys.every((key) => present.has(pathOf(orgId, key)))
      const paths = await Promise.all(keys.map(async (key) => await ensure(orgId, key)))
      if (fetched) for (const gone of await evict(folder, maxBytes, new Set(paths))) present.delete(gone)
      return paths
    },
  }
}

/** Whether the file exists. Its time becomes now, so that eviction sees the use. */
async function exists(path: string): Promise<boolean> {
  try {
    const now = new Date()
    await utimes(path, now, now)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function evict(folder: string, maxBytes: number, needed: ReadonlySet<string>): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const files = await sized(folder, names, '.parquet')
  const partials = await sized(folder, names, '.partial')
  // A download takes less than an hour: an older partial file is of a process that was killed.
  for (const { path } of partials.filter(({ mtimeMs }) => mtimeMs < Date.now() - 3_600_000))
    await rm(path, { force: true })
  let total = files.reduce((sum, { size }) => sum + size, 0)
  const gone: string[] = []
  for (const { path, size } of files.filter(({ path }) => !needed.has(path)).sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= maxBytes) break
    await rm(path, { force: true })
    total -= size
    gone.push(path)
  }
  return gone
}

async function sized(
  folder: string,
  names: string[],
  suffix: string,
): Promise<{ path: string; size: number; mtimeMs: number }[]> {
  const paths = names.filter((name) => name.endsWith(suffix)).map((name) => join(folder, name))
  const files = await Promise.all(
    paths.map(async (path) => {
      try {
        const { size, mtimeMs } = await stat(path)
        return [{ path, size, mtimeMs }]
      } catch (error) {
        // Another process finished or evicted it in the meantime.
        if (hasCode(error, 'ENOENT')) return []
        throw error
      }
    }),
  )
  return files.flat()
}
