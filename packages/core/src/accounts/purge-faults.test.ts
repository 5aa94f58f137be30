import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import * as Partition from '../kernel/partition.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import { purge, removePurged } from './purge.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { dyingAt, eachTable, killedAt, stoppingAt } from '../testing/processes.ts'
import {
  a1,
  a2,
  a8,
  b1,
  b8,
  begin,
  deliver,
  kept,
  lake,
  ofA,
  purgeA,
  visible,
  waiting,
} from '../testing/purged-lake.ts'
import { over } from '../testing/runtime.ts'

test.each([false, true])(
  'a purged bill stays purged if its killed import runs again; replaced meanwhile: %s',
  async (isReplaced) => {
    const { ctx } = lake()
    const importId = await begin(ctx, [a1, b1])
    const dying = dyingAt(ctx, (noun, verb) => noun === 'partitions' && verb === 'replace')
    await expect(Normalize.run(dying, { importId })).rejects.toThrow('killed')
    expect(await visible(ctx)).toEqual([a1, b1])
    if (isReplaced) await deliver(ctx, [a2])
    await purgeA(ctx)
    await Normalize.run(ctx, { importId })
    expect(await visible(ctx)).toEqual([b1])
    await removePurged(ctx)
    expect(await kept(ctx)).not.toContain('"totals":[{"currency":"USD","billed":"1111.1"')
  },
)

test('a delivery between a killed purge and the next one is purged, and the chain of versions has no loop', async () => {
  const { ctx } = lake()
  await deliver(ctx, [a1])
  await expect(
    purge(
      dyingAt(ctx, (noun, verb) => noun === 'heads' && verb === 'replace'),
      ofA,
    ),
  ).rejects.toThrow('killed')
  await deliver(ctx, [a2])
  expect(await visible(ctx)).toEqual([a2])
  await purgeA(ctx)
  expect(await visible(ctx)).toEqual([])
  await deliver(ctx, [a1])
  expect(await visible(ctx)).toEqual([a1])
  await removePurged(ctx)
  expect(await visible(ctx)).toEqual([a1])
})

test('a raw bill that a running import reads is removed after that import has ended', async () => {
  const { ctx } = lake()
  const importId = await begin(ctx, [a1])
  const dying = dyingAt(ctx, (noun, verb) => noun === 'partitions' && verb === 'replace')
  await expect(Normalize.run(dying, { importId })).rejects.toThrow('killed')
  await purgeA(ctx)
  expect(await Normalize.run(ctx, { importId })).toEqual({ outcome: 'committed' })
  expect(await visible(ctx)).toEqual([])
  expect(await waiting(ctx)).toBe(1)
  await removePurged(ctx)
  expect(await waiting(ctx)).toBe(0)
  expect(await kept(ctx)).not.toContain('1111.1')
})

describe.each(['purge', 'removal'] as const)('a %s that is killed at any write', (killed) => {
  test('leaves nothing behind after the next call and the sweep', async () => {
    const run = async (killedAfter: number) => {
      const { ctx } = lake()
      await deliver(ctx, [a1], [a8, b8], [b1], [a2])
      if (killed === 'removal') await purge(ctx, ofA)
      const writes = { left: killedAfter }
      const { tables, blobs, bus } = ctx.runtime
      const dying: Context = over(ctx, {
        ...ctx.runtime,
        tables: eachTable(tables, (table) => killedAt(table, writes)),
        blobs: killedAt(blobs, writes),
        bus: killedAt(bus, writes),
      })
      const isKilled = await (killed === 'purge' ? purge(dying, ofA) : removePurged(dying)).then(
        () => false,
        () => true,
      )
      if (killed === 'purge') await purge(ctx, ofA)
      await removePurged(ctx)
      expect(await visible(ctx)).toEqual([b8, b1])
      expect((await Snapshot.head(ctx)).excluded).toMatchObject([ofA])
      for (const amount of ['1111.1', '2222.2']) expect(await kept(ctx)).not.toContain(amount)
      const history = (await tables.snapshots.all(ctx.orgId)).map(({ partition, version, isPurged = false }) => [
        partition,
        version,
        isPurged,
      ])
      const files = (await blobs.list(ctx.orgId, '')).map(
        ({ key, bytes }) => `${key.replace(/imp_\w+(-\w+)?/, 'imp')} ${bytes}`,
      )
      return { isKilled, left: { history: history.toSorted(), files: files.toSorted() } }
    }
    const { left } = await run(Infinity)
    let instants = 0
    for (let isKilled = true; isKilled; instants++) {
      const again = await run(instants)
      isKilled = again.isKilled
      expect(again.left).toEqual(left)
    }
    expect(instants).toBeGreaterThan(killed === 'purge' ? 5 : 15)
  })
})

describe('an import that runs during a purge', () => {
  const folder = `lake/${Partition.key({ provider: 'AWS', billingAccountId: 'A', period: '2024-09' })}/`

  test.each(['import', 'purge'] as const)(
    'is complete afterwards or purged, never half visible, wherever the %s waits for the other',
    async (waiting) => {
      const outcomes = new Set<number>()
      for (let access = 0, isOver = false; !isOver; access++) {
        const { ctx } = lake()
        await deliver(ctx, [a1], [b1])
        const importId = await begin(ctx, [a2])
        const { runtime, stopped, goOn } = stoppingAt(ctx.runtime, access)
        const slow = over(ctx, runtime)
        const acts = {
          import: async (at: Context) => void (await Normalize.run(at, { importId })),
          purge: purgeA,
        }
        const other = waiting === 'import' ? acts.purge : acts.import
        let isDone = false
        const first = acts[waiting](slow).then(() => (isDone = true))
        await Promise.race([stopped, first])
        isOver = isDone
        await other(ctx)
        goOn()
        await first
        const found = await visible(ctx)
        expect([[b1], [a2, b1]]).toContainEqual(found)
        outcomes.add(found.length)
        // A purged bill left no file, also where its import had yet to record its end.
        if (found.length === 1) expect(await ctx.runtime.blobs.list(ctx.orgId, folder)).toEqual([])
        await purgeA(ctx)
        expect(await visible(ctx)).toEqual([b1])
        expect(await kept(ctx)).not.toContain('2222.2')
      }
      expect(outcomes).toEqual(new Set([1, 2]))
    },
  )
})
