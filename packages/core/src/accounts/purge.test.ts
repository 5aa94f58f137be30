import { describe, expect, test } from 'vitest'
import * as Import from '../bills/import.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import { purge, removePurged } from './purge.ts'
import * as Rebuild from '../bills/rebuild.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { a1, a2, a8, b1, b8, deliver, kept, lake, ofA, purgeA, visible, waiting } from '../testing/purged-lake.ts'

describe('what was purged', () => {
  test('is in no view of any time, in no file and in no history; the rest is equal to the last digit', async () => {
    const { ctx, now } = lake()
    const times = []
    for (const bill of [[a1], [a8, b8], [b1], [a2]]) {
      await deliver(ctx, bill)
      times.push(now())
    }
    expect(await visible(ctx)).toEqual([a8, a2, b8, b1].toSorted())
    expect(await purge(ctx, ofA)).toBe(2)
    expect(await waiting(ctx)).toBe(2)
    await removePurged(ctx)
    expect(await waiting(ctx)).toBe(0)
    expect(await visible(ctx)).toEqual([b8, b1])
    for (const [i, at] of times.entries()) expect(await visible(ctx, at)).toEqual([[], [b8], [b8, b1], [b8, b1]][i])
    const left = await kept(ctx)
    for (const amount of ['1111.1', '2222.2']) expect(left).not.toContain(amount)
    // The raw bill that A shares with B stays, and nothing else of A.
    expect(left.split('3333.3')).toHaveLength(2)
  })

  test('is in no answer as soon as it is hidden, before its files are removed', async () => {
    const { ctx, now } = lake()
    await deliver(ctx, [a1], [b1])
    const before = now()
    await purge(ctx, ofA)
    expect([await visible(ctx), await visible(ctx, before)]).toEqual([[b1], [b1]])
    expect(await kept(ctx)).toContain('1111.1')
  })

  test('stays removed after a rebuild, also if its raw bill stays for others', async () => {
    const { ctx } = lake()
    await deliver(ctx, [a1, b1])
    await purgeA(ctx)
    const rebuilt = await Rebuild.all(ctx)
    expect(rebuilt).toHaveLength(1)
    for (const { id } of rebuilt) {
      await Import.start(ctx, id)
      await Normalize.run(ctx, { importId: id })
    }
    expect(await visible(ctx)).toEqual([b1])
  })

  test('can be imported again, also with the same bytes, and purged again', async () => {
    const { ctx, now } = lake()
    await deliver(ctx, [a1], [b1])
    const before = now()
    for (let n = 0; n < 2; n++) {
      await purgeA(ctx)
      const between = now()
      await deliver(ctx, [a1])
      expect(await visible(ctx)).toEqual([a1, b1])
      expect([await visible(ctx, before), await visible(ctx, between)]).toEqual([[b1], [b1]])
    }
  })

  test('is limited to its cloud and its organization', async () => {
    const { ctx } = lake()
    const other = { ...ctx, orgId: 'org_other' }
    for (const at of [ctx, other]) await deliver(at, [a1], [b1])
    expect(await purge(ctx, { ...ofA, cloud: 'gcp' })).toBe(0)
    expect(await visible(ctx)).toEqual([a1, b1])
    await purgeA(ctx)
    expect(await visible(other)).toEqual([a1, b1])
    expect((await Snapshot.head(other)).excluded).toEqual([])
  })

  test('hides hundreds of partitions with a few writes of the head', async () => {
    const { ctx } = lake()
    const bill = Array.from(
      { length: 230 },
      (_, i) => `A ${1990 + Math.floor(i / 12)}-${String(1 + (i % 12)).padStart(2, '0')} 1`,
    )
    await deliver(ctx, [...bill, b1])
    const { version } = await Snapshot.head(ctx)
    expect(await purge(ctx, ofA)).toBe(230)
    expect((await Snapshot.head(ctx)).version).toBe(version + 3)
    expect(await visible(ctx)).toEqual([b1])
    await removePurged(ctx)
    expect(await waiting(ctx)).toBe(0)
    expect(await ctx.runtime.blobs.list(ctx.orgId, 'lake/AWS/A')).toEqual([])
  })

  test('starts the removal by an event', async () => {
    const { ctx, runtime } = lake()
    await deliver(ctx, [a1], [b1])
    await purge(ctx, ofA)
    const purged = runtime.events.filter(({ name }) => name !== 'cost.landed')
    expect(purged).toMatchObject([{ name: 'lake.purged', orgId: ctx.orgId }])
  })
})
