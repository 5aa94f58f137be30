import { access, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { createCache } from './cache.ts'

const { blobs } = memoryRuntime()
const bytes = 100
const orgId = 'org'
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-cache-'))
  for (const key of ['lake/a.parquet', 'lake/b.parquet', 'lake/c.parquet'])
    await blobs.put(orgId, key, Buffer.alloc(bytes, key))
})
afterEach(async () => await rm(folder, { recursive: true }))

const names = async () => (await readdir(join(folder, orgId, 'lake'))).toSorted()

it('keeps the needed files and evicts the least recently used others', async () => {
  const cache = createCache(blobs, folder, 2 * bytes)
  const [a = ''] = await cache.paths(orgId, ['lake/a.parquet'])
  await utimes(a, new Date(0), new Date(0))
  await cache.paths(orgId, ['lake/b.parquet'])
  await cache.paths(orgId, ['lake/c.parquet'])
  expect(await names()).toEqual(['b.parquet', 'c.parquet'])
  expect(await cache.paths(orgId, ['lake/a.parquet', 'lake/b.parquet', 'lake/c.parquet'])).toHaveLength(3)
  await access(a)
})

it('removes partial downloads of killed processes, and not those in progress', async () => {
  const cache = createCache(blobs, folder, 2 * bytes)
  await cache.paths(orgId, ['lake/a.parquet'])
  const [dead, alive] = ['1', '2'].map((pid) => join(folder, orgId, 'lake', `x.parquet.${pid}.partial`))
  for (const path of [dead ?? '', alive ?? '']) await writeFile(path, 'half')
  await utimes(dead ?? '', new Date(0), new Date(0))
  await cache.paths(orgId, ['lake/b.parquet'])
  expect(await names()).toEqual(['a.parquet', 'b.parquet', 'x.parquet.2.partial'])
})

it('writes only in the folder of the organization', async () => {
  const cache = createCache(
    { ...blobs, stream: async () => await blobs.stream(orgId, 'lake/a.parquet') },
    join(folder, 'cache'),
    2 * bytes,
  )
  for (const key of ['../x.parquet', 'lake/../../x.parquet', 'lake/./x.parquet', 'lake//x.parquet'])
    await expect(cache.paths(orgId, [key])).rejects.toThrow('is no key of an object')
  await expect(cache.paths('..', ['x.parquet'])).rejects.toThrow('is no key of an object')
  expect(await readdir(folder)).toEqual([])
})
