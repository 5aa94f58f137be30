import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import * as Import from './import.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import * as Raw from './raw.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import * as Limits from './limits.ts'
import * as Unpacking from './unpacking.ts'

/** A delivery of one file of so many bytes, whose parts are put as given. */
async function delivery(bytes: number, parts: number[], change: Partial<Import.File> = {}) {
  const ctx = testContext(memoryRuntime())
  const info = await Import.create(ctx, { files: [{ name: 'bill.csv', bytes }] })
  await ctx.runtime.tables.imports.put(ctx.orgId, {
    ...info,
    files: info.files.map((file) => ({ ...file, ...change })),
  })
  for (const [part, size] of parts.entries())
    await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(info.id, 0, part), new Uint8Array(size))
  return { ctx, id: info.id }
}

describe('the parts of a delivery', () => {
  const full = Raw.partBytes
  const gzip = { encoding: 'gzip' as const, parts: 2 }
  test.each<[string, number, number[], Partial<Import.File>, string[]]>([
    ['have exactly the expected size', full + 3, [full, 3], {}, []],
    ['may all be full', 2 * full, [full, full], {}, []],
    ['may be none', 0, [], {}, []],
    ['are not larger', full + 3, [full + 1, 3], {}, [`part 1 of 2 has ${full + 1} bytes instead of ${full}`]],
    [
      'are not smaller, though the sum is right',
      full + 3,
      [full - 1, 4],
      {},
      [`part 1 of 2 has ${full - 1} bytes instead of ${full}`, 'part 2 of 2 has 4 bytes instead of 3'],
    ],
    ['are all there', full + 3, [full], {}, ['part 2 of 2 was not uploaded']],
    ['end where they end when we compressed them', 9 * full, [full, 17], gzip, []],
    [
      'have their size also when we compressed them',
      9 * full,
      [full - 1, 0],
      gzip,
      [`part 1 of 2 has ${full - 1} bytes instead of ${full}`, `part 2 of 2 has 0 bytes instead of 1 to ${full}`],
    ],
  ])('%s', async (_, bytes, parts, change, messages) => {
    const { ctx, id } = await delivery(bytes, parts, change)
    const started = Import.start(ctx, id)
    if (messages.length === 0) await expect(started).resolves.toMatchObject({ status: 'running' })
    else
      await expect(started).rejects.toMatchObject({
        code: 'conflict',
        complaints: messages.map((message) => ({ path: 'bill.csv', message })),
      })
  })

  test('cannot grow after the start', async () => {
    const { ctx, id } = await delivery(10, [10])
    await Import.start(ctx, id)
    await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), new Uint8Array(full))
    expect(await Normalize.run(ctx, { importId: id })).toEqual({ outcome: 'refused' })
    expect(await Import.get(ctx, id)).toMatchObject({
      reason: expect.stringContaining('more than 10 bytes were uploaded instead of 10'),
    })
  })
})

test('a file on this machine may be larger than an uploaded one, up to a limit', async () => {
  const bytes = (Import.mostUploadParts + 1) * Raw.partBytes
  expect(Import.Upload.safeParse({ files: [{ name: 'a', bytes }] }).success).toBe(false)
  expect(Import.Create.safeParse({ files: [{ name: 'a', bytes }] }).success).toBe(true)
  expect(Import.Create.safeParse({ files: [{ name: 'a', bytes: Number.MAX_SAFE_INTEGER }] }).success).toBe(false)
})

describe('a gzip file', () => {
  const mebibyte = 1024 * 1024
  const proving = async (packed: Buffer) => {
    const path = join(await mkdtemp(join(tmpdir(), 'raw-')), 'bill')
    await writeFile(path, packed)
    return await Unpacking.prove({ path, name: 'bill.csv.gz', type: 'gzip' })
  }

  test('that unpacks to more than any bill is refused, with one member or many', async () => {
    const zeros = Buffer.alloc(65 * mebibyte)
    const many = Buffer.concat(Array.from({ length: 65 }, () => gzipSync(zeros.subarray(0, mebibyte))))
    const reason =
      /^bill\.csv\.gz: its \d+ KiB unpack to more than 64 MiB, which no bill does\. Import it unpacked, or split it by billing period\.$/
    for (const bomb of [gzipSync(zeros), many])
      await expect(proving(bomb)).rejects.toMatchObject({ code: 'invalid', message: expect.stringMatching(reason) })
  })

  test('that is cut is refused', async () => {
    const cut = proving(gzipSync('a,b\n1,2\n').subarray(0, -6))
    await expect(cut).rejects.toThrow(/^bill\.csv\.gz is a damaged or incomplete gzip file \(unexpected end of file\)/)
  })

  test('of a bill with one repeated row is read', async () => {
    const row = `${Array.from({ length: 60 }, (_, n) => (n * 7919).toString(36).padStart(9, 'x')).join(',')}\n`
    const bill = Buffer.from(row.repeat(Math.ceil((80 * mebibyte) / row.length)))
    const packed = gzipSync(bill)
    expect(bill.length / packed.length).toBeGreaterThan(150)
    expect(await proving(packed)).toEqual({
      isRegular: true,
      lines: bill.length / row.length,
      contentBytes: bill.length,
    })
  })
})

test('the limit is at least 64 MiB and at most 200 GiB', () => {
  expect([0, 1, 10 ** 6, 10 ** 12].map((bytes) => Limits.unpackedLimit(bytes))).toEqual([
    64 * 2 ** 20,
    64 * 2 ** 20,
    3 * 10 ** 8,
    200 * 2 ** 30,
  ])
})

const text = Buffer.from('a,b\n1,2\n')
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a packed file is fetched', () => {
  test.each<['gzip' | 'zstd', 'by us' | 'by its owner', Buffer]>([
    ['gzip', 'by us', gzipSync(text)],
    ['zstd', 'by us', zstdCompressSync(text)],
    ['gzip', 'by its owner', gzipSync(text)],
    ['zstd', 'by its owner', zstdCompressSync(text)],
  ])('%s, packed %s, as it is', async (type, by, packed) => {
    const { ctx, id } = await delivery(8, [])
    await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), packed)
    const record: Import.File =
      by === 'by us'
        ? { name: 'b', bytes: 8, parts: 1, encoding: type, sha256: sha256(text), storedSha256: sha256(packed) }
        : { name: 'b', bytes: packed.length, parts: 1, encoding: 'identity' }
    const path = join(await mkdtemp(join(tmpdir(), 'raw-')), 'bill')
    const found = await Raw.fetch(ctx, { importId: id, file: 0 }, record, { path })
    expect(await readdir(dirname(path))).toEqual(['bill'])
    expect(await readFile(path)).toEqual(packed)
    const hash = by === 'by us' ? record.sha256 : sha256(packed)
    expect(found).toEqual({ sha256: hash, ...(by === 'by us' && { contentBytes: 8 }) })
  })

  test.each<[string, Buffer, 'zstd' | 'identity']>([
    ['of a text', Buffer.from(`a,b\n${'1,2\n'.repeat(700_000)}`), 'zstd'],
    ['of a gzip file', gzipSync(text), 'identity'],
    ['of a zip archive', Buffer.from('PK\x03\x04 and its entries'), 'identity'],
  ])('after the storing %s', async (_, bill, encoding) => {
    const folder = await mkdtemp(join(tmpdir(), 'raw-'))
    const ctx = testContext(memoryRuntime())
    await writeFile(join(folder, 'bill'), bill)
    const { id } = await Import.create(ctx, { files: [{ name: 'bill', bytes: bill.length }] })
    await Import.storeFile(ctx, id, 0, join(folder, 'bill'))
    const [record] = (await Import.get(ctx, id)).files
    expect(record).toMatchObject({ sha256: sha256(bill), bytes: bill.length, encoding })
    if (record === undefined) throw new Error('no file')
    const path = join(folder, 'fetched')
    const found = await Raw.fetch(ctx, { importId: id, file: 0 }, record, { path })
    expect(found).toMatchObject({
      sha256: record.sha256,
      ...(encoding === 'zstd' && { isRegular: true, lines: 700_001 }),
    })
    const fetched = await readFile(path)
    expect(encoding === 'zstd' ? zstdDecompressSync(fetched) : fetched).toEqual(bill)
  })

  test('never when it is not what was stored', async () => {
    const { ctx, id } = await delivery(8, [])
    const other = zstdCompressSync('a,b\n1,3\n')
    await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), other)
    const path = join(await mkdtemp(join(tmpdir(), 'raw-')), 'bill')
    const record = { name: 'b', parts: 1, encoding: 'zstd' as const, sha256: sha256(text) }
    const changed = { ...record, bytes: 8, storedSha256: sha256(zstdCompressSync(text)) }
    await expect(Raw.fetch(ctx, { importId: id, file: 0 }, changed, { path })).rejects.toThrow('is not what was stored')
  })
})

test('a delivery of which no row is stored is refused, and never unchanged', async () => {
  const ctx = testContext(memoryRuntime(() => ({ normalize: async () => ({ files: [], partitions: [] }) })))
  const info = await Import.create(ctx, { files: [{ name: 'bill.csv', bytes: 3 }] })
  await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(info.id, 0, 0), Buffer.from('a\n1'))
  await Import.start(ctx, info.id)
  expect(await Normalize.run(ctx, { importId: info.id })).toEqual({ outcome: 'refused' })
  expect((await Import.get(ctx, info.id)).reason).toMatch(/no row/)
})
