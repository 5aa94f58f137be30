import { expect, test } from 'vitest'
import * as Import from '../../bills/import.ts'
import * as Raw from '../../bills/raw.ts'
import * as Rebuild from '../../bills/rebuild.ts'
import type { Context } from '../../effects/context.ts'
import * as Relay from '../../guard/relay.ts'
import * as Snapshot from '../../lake/snapshot.ts'
import { a1, a2, b1, begin, deliver, lake } from '../../testing/purged-lake.ts'
import { dyingAt } from '../../testing/processes.ts'
import { over } from '../../testing/runtime.ts'
import * as Normalize from './normalize.ts'

const later = (ctx: Context): Context => ({ ...ctx, now: () => new Date('2026-11-24T08:00:00Z') })
const landed = (importId: string, lakeVersion: number) => ({
  id: `cost.landed/${importId}/${lakeVersion}`,
  name: 'cost.landed',
  data: { importId, lakeVersion },
})

test('a commit whose process was killed before it published is published by the sweep, once', async () => {
  const { ctx, runtime } = lake()
  const importId = await begin(ctx, [a1])
  const bus = { publish: () => Promise.reject(new Error('killed')) }
  const killed = dyingAt(over(ctx, { ...runtime, bus }), (noun, verb) => noun === 'partitions' && verb === 'replace')
  await expect(Normalize.run(killed, { importId })).rejects.toThrow('killed')
  expect((await Snapshot.view(ctx)).snapshots).toHaveLength(1)
  expect(runtime.events).toEqual([])
  for (let n = 0; n < 2; n++) await Relay.sweep(later(ctx))
  expect(await Normalize.run(ctx, { importId })).toEqual({ outcome: 'committed' })
  expect(runtime.events).toMatchObject([landed(importId, 1)])
})

test('a restated bill and a rebuild publish an event each, and the same bytes again none', async () => {
  const { ctx, runtime } = lake()
  await deliver(ctx, [a1, b1], [a2, b1])
  const again = await begin(ctx, [a2, b1])
  expect(await Normalize.run(ctx, { importId: again })).toEqual({ outcome: 'unchanged' })
  const [rebuilt] = await Rebuild.all(ctx)
  await Import.start(ctx, rebuilt?.id ?? '')
  await Normalize.run(ctx, { importId: rebuilt?.id ?? '' })
  const [, , second, first] = await Array.fromAsync(Import.records(ctx))
  expect(runtime.events).toMatchObject([
    landed(first?.id ?? '', 1),
    landed(second?.id ?? '', 2),
    landed(rebuilt?.id ?? '', 3),
  ])
})

test('a delivery of several commits publishes an event with each, also when it was killed between them', async () => {
  const { ctx, runtime } = lake()
  const bill = Array.from(
    { length: 450 },
    (_, n) => `A ${2000 + Math.floor(n / 12)}-${String(1 + (n % 12)).padStart(2, '0')} 1`,
  )
  const importId = await begin(ctx, bill)
  let moved = 0
  const dying = dyingAt(ctx, (noun, verb) => noun === 'heads' && verb === 'replace' && ++moved > 1)
  await expect(Normalize.run(dying, { importId })).rejects.toThrow('killed')
  await Normalize.run(ctx, { importId })
  expect(runtime.events).toMatchObject([1, 2, 3].map((version) => landed(importId, version)))
  const { snapshots } = await Snapshot.view(ctx)
  expect(Map.groupBy(snapshots, ({ lakeVersion }) => lakeVersion).size).toBe(3)
  expect(await ctx.runtime.blobs.list(ctx.orgId, Raw.partKey(importId, 0, 0))).toHaveLength(1)
})
