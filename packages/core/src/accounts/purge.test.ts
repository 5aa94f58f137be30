import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Context } from '../effects/context.ts'
import * as Import from '../bills/import.ts'
import type { Normalized } from '../effects/lake.ts'
import * as Partition from '../kernel/partition.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import { purge } from './purge.ts'
import { removePurged } from './removal.ts'
import * as Raw from '../bills/raw.ts'
import * as Rebuild from '../bills/rebuild.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { dyingAt, eachTable, killedAt, stoppingAt } from '../testing/processes.ts'
import { memoryRuntime, testContext, over } from '../testing/runtime.ts'

/** A bill of tests: a line for each partition, `account period amount`. */
type Bill = string[]

async function normalize(
  files: { path: string; name: string }[],
  { workDir }: { workDir: string },
): Promise<Normalized> {
  const lines = (await Promise.all(files.map(async ({ path }) => (await readFile(path, 'utf8')).split('\n')))).flat()
  const partitions = lines.map(async (line, i) => {
    const [billingAccountId = '', period = '', billed = ''] = line.split(' ')
    const [costs, rollup] = [join(workDir, `costs-${i}`), join(workDir, `rollup-${i}`)]
    for (const path of [costs, rollup]) await writeFile(path, line)
    const totals = [{ currency: 'USD', billed, effective: billed, list: null, contracted: null }]
    const days = { first: `${period}-01`, last: `${period}-28` }
    return {
      provider: 'AWS',
      billingAccountId,
      period,
      rows: 1,
      days,
      totals,
      control: [],
      formats: ['test'],
      files: { costs: [costs], cost_rollup: [rollup] },
    }
  })
  return {
    files: files.map(({ name }) => ({ name, format: 'test', rows: lines.length, periods: [] })),
    partitions: await Promise.all(partitions),
  }
}

function lake() {
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const runtime = memoryRuntime(() => ({ normalize }))
  const ctx = testContext(runtime, { now: () => new Date((ms += 1000)) })
  return { ctx, runtime, now: () => new Date(ms) }
}

async function announce(ctx: Context, bill: Bill): Promise<string> {
  const text = Buffer.from(bill.join('\n'))
  const { id } = await Import.create(ctx, { files: [{ name: 'bill', bytes: text.byteLength }] })
  await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), text)
  await Import.start(ctx, id)
  return id
}

async function deliver(ctx: Context, ...bills: Bill[]): Promise<void> {
  for (const bill of bills)
    expect(await Normalize.run(ctx, { importId: await announce(ctx, bill) })).toEqual({ outcome: 'committed' })
}

/** What is visible: each partition's total, read from its files too, so that none may be missing. */
async function visible(ctx: Context, asOf?: Date): Promise<string[]> {
  const { snapshots } = await Snapshot.view(ctx, asOf ? { asOf } : {})
  return await Promise.all(
    snapshots.map(async ({ billingAccountId, period, totals, files }) => {
      const line = `${billingAccountId} ${period} ${totals[0]?.billed}`
      for (const key of Object.values(files).flat())
        expect(Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, key)).toString()).toBe(line)
      return line
    }),
  )
}

/** Everything that is kept: of the lake, its history, its imports and the raw bills. */
async function kept({ runtime, orgId }: Context): Promise<string> {
  const blobs = await runtime.blobs.list(orgId, '')
  const bodies = await Promise.all(
    blobs.map(async ({ key }) => `${key} ${Buffer.from(await runtime.blobs.get(orgId, key)).toString()}`),
  )
  const { snapshots, partitions, imports } = runtime.tables
  return JSON.stringify([bodies, await snapshots.all(orgId), await partitions.all(orgId), await imports.all(orgId)])
}

const ofA = { cloud: 'aws', accountId: 'A', cloudAccountId: 'acc_1' } as const

/** Partitions that are hidden and have something left to be removed. */
async function waiting({ runtime, orgId }: Context): Promise<number> {
  const history = await runtime.tables.snapshots.all(orgId)
  return history.filter(({ isPurged, emptiedAt }) => isPurged && emptiedAt === undefined).length
}

/** A purge with everything behind it. */
async function purgeA(ctx: Context): Promise<void> {
  await purge(ctx, ofA)
  await removePurged(ctx)
}

const [a1, a2, a8, b1, b8] = [
  'A 2024-09 1111.1',
  'A 2024-09 2222.2',
  'A 2024-08 3333.3',
  'B 2024-09 7777.123456789',
  'B 2024-08 8888.000000001',
] as const

describe('what was purged', () => {
  test('is in no view, at no time, in no file and no history; the rest is as it was to the last digit', async () => {
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

  test('answers nothing from the moment on in which it is hidden, also before its files are removed', async () => {
    const { ctx, now } = lake()
    await deliver(ctx, [a1], [b1])
    const before = now()
    await purge(ctx, ofA)
    expect([await visible(ctx), await visible(ctx, before)]).toEqual([[b1], [b1]])
    expect(await kept(ctx)).toContain('1111.1')
  })

  test('stays gone after a rebuild, also where its raw bill stays for others', async () => {
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

  test('can be imported anew, the same bytes too, and purged again', async () => {
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

  test('is of its cloud and its organization alone', async () => {
    const { ctx } = lake()
    const other = { ...ctx, orgId: 'org_other' }
    for (const at of [ctx, other]) await deliver(at, [a1], [b1])
    expect(await purge(ctx, { ...ofA, cloud: 'gcp' })).toBe(0)
    expect(await visible(ctx)).toEqual([a1, b1])
    await purgeA(ctx)
    expect(await visible(other)).toEqual([a1, b1])
    expect((await Snapshot.head(other)).excluded).toEqual([])
  })

  test('takes hundreds of partitions with a few writes of the head', async () => {
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

  test('wakes the removal by an event', async () => {
    const { ctx, runtime } = lake()
    await deliver(ctx, [a1], [b1])
    await purge(ctx, ofA)
    expect(runtime.events).toMatchObject([{ name: 'lake.purged', orgId: ctx.orgId }])
  })
})

test.each([false, true])(
  'a bill that landed and was purged stays gone when its import, which was cut off, is carried out again: replaced meanwhile: %s',
  async (isReplaced) => {
    const { ctx } = lake()
    const importId = await announce(ctx, [a1, b1])
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

test('a tombstone leads to its bill, and to no later one, whatever is delivered between a purge that was cut off and the next', async () => {
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

test('a raw bill that a running import still reads is removed when that import has ended', async () => {
  const { ctx } = lake()
  const importId = await announce(ctx, [a1])
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

describe('an import that runs while a purge does', () => {
  const folder = `lake/${Partition.key({ provider: 'AWS', billingAccountId: 'A', period: '2024-09' })}/`

  test.each(['import', 'purge'] as const)(
    'is whole afterwards, or purged, never half there: whenever the %s waits for the other',
    async (waiting) => {
      const outcomes = new Set<number>()
      for (let access = 0, isOver = false; !isOver; access++) {
        const { ctx } = lake()
        await deliver(ctx, [a1], [b1])
        const importId = await announce(ctx, [a2])
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
