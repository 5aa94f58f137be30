import { describe, expect, test } from 'vitest'
import * as Import from './import.ts'
import * as Normalize from './pipeline/normalize.ts'
import * as Raw from './raw.ts'
import { memoryRuntime, testContext } from './testing.ts'

/** A delivery of one file of so many bytes, whose parts are put as given. */
async function delivery(bytes: number, parts: number[], change: Partial<Import.File> = {}) {
  const ctx = testContext(memoryRuntime())
  const info = await Import.create(ctx, { files: [{ name: 'bill.csv', bytes }] })
  await ctx.runtime.tables.imports.put(ctx.orgId, { ...info, files: info.files.map((file) => ({ ...file, ...change })) })
  for (const [part, size] of parts.entries()) await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(info.id, 0, part), new Uint8Array(size))
  return { ctx, id: info.id }
}

describe('the parts of a delivery', () => {
  const full = Raw.partBytes
  const gzip = { encoding: 'gzip' as const, parts: 2 }
  test.each<[string, number, number[], Partial<Import.File>, string[]]>([
    ['are exactly what was announced', full + 3, [full, 3], {}, []],
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
    else await expect(started).rejects.toMatchObject({ code: 'conflict', complaints: messages.map((message) => ({ path: 'bill.csv', message })) })
  })

  test('cannot grow after the start', async () => {
    const { ctx, id } = await delivery(10, [10])
    await Import.start(ctx, id)
    await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), new Uint8Array(full))
    expect(await Normalize.run(ctx, { importId: id })).toEqual({ outcome: 'refused' })
    expect(await Import.get(ctx, id)).toMatchObject({ reason: expect.stringContaining('more than 10 bytes were uploaded where 10 were announced') })
  })
})

test('a file of this machine may be larger than one that is uploaded, and not without end', async () => {
  const bytes = (Import.mostUploadParts + 1) * Raw.partBytes
  expect(Import.Upload.safeParse({ files: [{ name: 'a', bytes }] }).success).toBe(false)
  expect(Import.Create.safeParse({ files: [{ name: 'a', bytes }] }).success).toBe(true)
  expect(Import.Create.safeParse({ files: [{ name: 'a', bytes: Number.MAX_SAFE_INTEGER }] }).success).toBe(false)
})
