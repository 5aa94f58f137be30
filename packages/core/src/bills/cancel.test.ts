import { expect, test } from 'vitest'
import * as Snapshot from '../lake/snapshot.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import { a1, begin, deliver, lake } from '../testing/purged-lake.ts'
import { over } from '../testing/runtime.ts'
import * as Import from './import.ts'
import * as Raw from './raw.ts'

const objects = async ({ ctx, runtime }: ReturnType<typeof lake>) =>
  (await runtime.blobs.list(ctx.orgId, '')).map(({ key }) => key)

test('an import that waits for its bytes is canceled once, with one event, and never starts', async () => {
  const world = lake()
  const { ctx, runtime } = world
  const { id } = await Import.create(ctx, { files: [{ name: 'bill', bytes: 3 }] })
  await runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), Buffer.from('abc'))
  const first = await Import.cancel(ctx, id)
  expect(first).toMatchObject({ status: 'canceled', endedAt: expect.any(String) as string })
  expect(await Import.cancel(ctx, id)).toEqual(first)
  expect(runtime.events.map(({ id, name }) => [id, name])).toEqual([[`import.canceled/${id}`, 'import.canceled']])
  expect((await Import.start(ctx, id)).status).toBe('canceled')
  expect(runtime.started).toEqual([])
  await Import.removeCanceled(ctx, id)
  expect(await objects(world)).toEqual([])
})

test('an import that is canceled while it is normalized stops, and leaves neither costs nor bytes', async () => {
  const world = lake()
  const { ctx, runtime } = world
  const importId = await begin(ctx, [a1])
  let stopped: unknown
  const workflows = { ...runtime.workflows, stop: async (...input: unknown[]) => void (stopped = input) }
  const normalize: typeof runtime.lake.normalize = async (files, options) => {
    await Import.cancel(over(ctx, { ...runtime, workflows }), importId)
    options.onProgress?.({ phase: 'normalize', percent: 50 })
    await expect.poll(() => options.signal?.aborted).toBe(true)
    return await runtime.lake.normalize(files, options)
  }
  const running = over(ctx, { ...runtime, lake: { ...runtime.lake, normalize } })
  expect(await Normalize.run(running, { importId })).toEqual({ outcome: 'canceled' })
  expect(stopped).toEqual(['bills', importId, 'The import was canceled.'])
  expect((await Import.get(ctx, importId)).status).toBe('canceled')
  expect(await Normalize.run(ctx, { importId })).toEqual({ outcome: 'canceled' })
  expect((await Snapshot.view(ctx)).snapshots).toEqual([])
  expect(await objects(world)).toEqual([])
})

test('an import that was canceled before its upload to the lake ended leaves no files there', async () => {
  const world = lake()
  const { ctx, runtime } = world
  const importId = await begin(ctx, [a1])
  const putFile: typeof runtime.blobs.putFile = async (...input) => {
    await runtime.blobs.putFile(...input)
    await Import.cancel(ctx, importId)
  }
  const running = over(ctx, { ...runtime, blobs: { ...runtime.blobs, putFile } })
  expect(await Normalize.run(running, { importId })).toEqual({ outcome: 'canceled' })
  expect(await objects(world)).toEqual([])
})

test('an import that has ended, or whose commit has begun, is not canceled', async () => {
  const { ctx, runtime } = lake()
  await deliver(ctx, [a1])
  const [committed] = await Array.fromAsync(Import.records(ctx))
  await expect(Import.cancel(ctx, committed?.id ?? '')).rejects.toMatchObject({
    code: 'conflict',
    message: 'The import has ended already: it is committed.',
  })
  await Import.removeCanceled(ctx, committed?.id ?? '')
  expect((await Snapshot.view(ctx)).snapshots).toHaveLength(1)

  const importId = await begin(ctx, ['a 2026-10 7'])
  let tried = 0
  const put: typeof runtime.blobs.put = async (orgId, key, ...input) => {
    if (key.endsWith('manifest.json')) {
      tried++
      await expect(Import.cancel(ctx, importId)).rejects.toMatchObject({ code: 'conflict', retryAfterSeconds: 1 })
    }
    await runtime.blobs.put(orgId, key, ...input)
  }
  const running = over(ctx, { ...runtime, blobs: { ...runtime.blobs, put } })
  expect(await Normalize.run(running, { importId })).toEqual({ outcome: 'committed' })
  expect(tried).toBe(1)
  await expect(Import.cancel(ctx, 'imp_none')).rejects.toMatchObject({ code: 'not_found' })
})
