import { expect, test } from 'vitest'
import * as Id from '../kernel/id.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import { removeUncollected } from './orphans.ts'
import * as Snapshot from './snapshot.ts'

test('files of a collection that never committed are removed after a day, and no others', async () => {
  const runtime = memoryRuntime()
  const ctx = testContext(runtime, { now: () => new Date('2026-11-28T08:00:00Z') })
  const stored = async (folder: string, begunAt: string, prefix = 'syn') => {
    const snapshotId = Id.create(prefix, new Date(begunAt))
    const key = `lake/${folder}/${snapshotId}-0123abcd/file-0.parquet`
    await runtime.blobs.put(ctx.orgId, key, new Uint8Array(1))
    return { snapshotId, key }
  }
  const [day, inventory] = ['kind=utilization/aws/1/2026-11-20', 'kind=inventory/aws/1']
  const killed = [await stored(day, '2026-11-27T07:59:59Z'), await stored(inventory, '2026-11-20T00:00:00Z')]
  const { snapshotId, key } = await stored(day, '2026-11-20T01:00:00Z')
  const facts = { kind: 'utilization' as const, provider: 'aws' as const, accountId: '1', day: '2026-11-20', rows: 1 }
  const partitions = [{ ...facts, takenAt: '2026-11-20T01:00:00Z', files: { utilization: [key] } }]
  await Snapshot.commit(ctx, { snapshotId, raw: '', digest: '1', siblings: 1, replace: false, partitions })
  const running = await stored(inventory, '2026-11-27T08:00:01Z')
  const bill = await stored('AWS/1/2026-11', '2026-11-20T00:00:00Z', 'imp')
  expect(await removeUncollected(ctx)).toBe(killed.length)
  expect(await removeUncollected(ctx)).toBe(0)
  const left = (await runtime.blobs.list(ctx.orgId, 'lake/')).map((blob) => blob.key)
  expect(left.toSorted()).toEqual([key, running.key, bill.key].toSorted())
})

test('the time of an id is the one that it was created at', () => {
  for (const ms of [0, 1_700_000_000_123, 2 ** 48 - 1]) expect(Id.timeOf(Id.create('syn', new Date(ms)))).toBe(ms)
  expect(Id.timeOf('syn_1')).toBeNaN()
})
