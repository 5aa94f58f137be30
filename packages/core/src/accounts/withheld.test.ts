import { describe, expect, test } from 'vitest'
import type { Context } from '../kernel/context.ts'
import * as Import from '../bills/import.ts'
import * as Normalize from '../pipeline/bills/normalize.ts'
import * as RecordFailure from '../pipeline/bills/record-failure.ts'
import { purge } from './purge.ts'
import * as Rebuild from '../bills/rebuild.ts'
import * as Snapshot from '../lake/snapshot.ts'
import { announce, deliver, kept, lake, open, run, visible } from '../testing/bills.ts'
import { dyingAt, eachTable, killedAt, stoppingAt, wrapped } from '../testing/processes.ts'
import * as Withheld from './withheld.ts'
import { over } from '../testing/runtime.ts'

const account = { cloud: 'azure', accountId: 'sub-x', cloudAccountId: 'acc_1' } as const
/** The same account, connected again. */
const again = { ...account, cloudAccountId: 'acc_2' } as const
const x9 = '2024-09 /subscriptions/SUB-X 1111.10'
const [y9, x8, y8, z7] = [
  '2024-09 sub-y 7777.123456789',
  '2024-08 sub-x 3333.3',
  '2024-08 sub-y 8888.000000001',
  '2024-07 sub-z 5',
] as const

describe('an account that is withheld', () => {
  test('is in no bill, at no time and in no file of the lake, and every other charge is as it was', async () => {
    const { ctx, now } = lake()
    await deliver(ctx, [z7])
    const early = now()
    await deliver(ctx, ['2024-09 sub-x 2222.2', y9])
    await deliver(ctx, [x9, y9])
    await deliver(ctx, [x8, y8])
    const late = now()
    const ids = await Withheld.begin(ctx, account)
    expect(ids).toHaveLength(3)
    expect(await run(ctx, ids)).toEqual(['unchanged', 'committed', 'committed'])
    expect(await visible(ctx)).toEqual([z7, y8, y9])
    expect([await visible(ctx, early), await visible(ctx, late)]).toEqual([[z7], [z7]])
    for (const amount of ['1111.1', '2222.2', '3333.3']) expect(await kept(ctx, amount)).toEqual([])
    expect((await Snapshot.view(ctx)).snapshots.map(({ withheld }) => withheld?.[0]?.billed)).toEqual([
      undefined,
      '3333.3',
      '1111.1',
    ])
  })

  test('does not come in again by the same bill, by one that restates it, or by a rebuild', async () => {
    const { ctx } = lake()
    await deliver(ctx, [x9, y9])
    await run(ctx, await Withheld.begin(ctx, account))
    expect(await deliver(ctx, [x9, y9])).toBe('unchanged')
    const restated = ['2024-09 sub-x 4444.4', '2024-09 sub-y 6']
    expect(await deliver(ctx, restated)).toBe('committed')
    expect(await visible(ctx)).toEqual(['2024-09 sub-y 6'])
    const rebuilt = await Rebuild.all(ctx)
    for (const { id } of rebuilt) await Import.start(ctx, id)
    expect(
      await run(
        ctx,
        rebuilt.map(({ id }) => id),
      ),
    ).toEqual(['committed'])
    expect(await visible(ctx)).toEqual(['2024-09 sub-y 6'])
    expect(await kept(ctx, '4444.4')).toEqual([])
  })

  test('may be all of a bill; and a bill that has it still does not count as cut off', async () => {
    const { ctx } = lake()
    await deliver(ctx, [x9, x9.replace('1111.10', '1'), y9])
    await deliver(ctx, [x8])
    const ids = await Withheld.begin(ctx, account)
    // Before the imports of the purge: by its rows the lake has three where this bill brings one.
    expect(await deliver(ctx, [x9, x9.replace('1111.10', '2'), y9])).toBe('committed')
    await run(ctx, ids)
    expect(await visible(ctx)).toEqual([y9])
    expect(await kept(ctx, '1111.1')).toEqual([])
  })

  test('comes back once it is connected again, and not by the connection that was purged', async () => {
    const { ctx } = lake()
    await deliver(ctx, [z7])
    await deliver(ctx, [x9, y9])
    await run(ctx, await Withheld.begin(ctx, account))
    expect(await Withheld.lift(ctx, account)).toEqual([])
    // Whoever is cut off after the first calls again.
    expect([(await Withheld.lift(ctx, again)).length, (await Withheld.lift(ctx, again)).length]).toEqual([1, 1])
    expect(await run(ctx, await open(ctx))).toEqual(['committed', 'committed'])
    expect(await visible(ctx)).toEqual([z7, x9, y9])
    expect([await Withheld.list(ctx), await Withheld.lift(ctx, again)]).toEqual([[], []])
  })

  test('that is connected again before it was taken out stays, with everything that was', async () => {
    const { ctx, now } = lake()
    await deliver(ctx, ['2024-09 sub-x 2222.2', y9])
    const early = now()
    await deliver(ctx, [x9, y9])
    const ids = await Withheld.begin(ctx, account)
    await Withheld.lift(ctx, again)
    expect(await run(ctx, ids)).toEqual(['unchanged'])
    expect(await visible(ctx)).toEqual([x9, y9])
    expect(await visible(ctx, early)).toEqual(['2024-09 sub-x 2222.2', y9])
    await run(ctx, await Withheld.begin(ctx, again))
    expect(await visible(ctx)).toEqual([y9])
  })

  test('of one organization is nothing to another', async () => {
    const { ctx } = lake()
    const other = { ...ctx, orgId: 'org_other' }
    for (const at of [ctx, other]) await deliver(at, [x9, y9])
    await run(ctx, await Withheld.begin(ctx, account))
    expect(await visible(other)).toEqual([x9, y9])
    expect(await Withheld.list(other)).toEqual([])
  })

  test('cannot be taken out of bills whose raw files are lost, until these are imported again', async () => {
    const { ctx } = lake()
    await deliver(ctx, [x9, y9])
    for (const { key } of await ctx.runtime.blobs.list(ctx.orgId, 'raw/'))
      await ctx.runtime.blobs.remove(ctx.orgId, key)
    const message = expect.stringContaining('Microsoft account EA, 2024-09') as unknown
    await expect(Withheld.demandRaw(ctx, account.cloud)).rejects.toMatchObject({ code: 'conflict', message })
    expect(await deliver(ctx, [x9, y9])).toBe('committed')
    await run(ctx, await Withheld.begin(ctx, account))
    expect(await visible(ctx)).toEqual([y9])
  })

  test('is tried again by the sweep where an import failed, once', async () => {
    const { ctx } = lake()
    await deliver(ctx, [x9, y9])
    const [importId = ''] = await Withheld.begin(ctx, account)
    await RecordFailure.run(ctx, { importId, error: {} })
    expect((await Import.get(ctx, importId)).reason).toContain('begun again within a day')
    expect(await Withheld.resume(ctx)).toBe(1)
    expect(await Withheld.resume(ctx)).toBe(0)
    const { status, continuedBy = '' } = await Import.get(ctx, importId)
    expect(status).toBe('failed')
    expect(await run(ctx, [continuedBy])).toEqual(['committed'])
    expect(await Withheld.resume(ctx)).toBe(0)
    expect(await visible(ctx)).toEqual([y9])
  })
})

describe('files with an account that is withheld', () => {
  const restated = ['2024-09 sub-x 2222.2', '2024-09 sub-y 6']
  const cutOff: Record<string, (noun: string, verb: string) => boolean> = {
    'after its upload': (noun, verb) => noun === 'snapshots' && verb === 'put',
    'before it became visible': (noun, verb) => noun === 'heads' && verb === 'replace',
  }

  test.each(Object.entries(cutOff))('are not left by a delivery that was cut off %s and failed', async (_, at) => {
    const { ctx } = lake()
    await deliver(ctx, [x9, y9])
    const importId = await announce(ctx, restated)
    await expect(Normalize.run(dyingAt(ctx, at), { importId })).rejects.toThrow('killed')
    await RecordFailure.run(ctx, { importId, error: {} })
    await run(ctx, await Withheld.begin(ctx, account))
    for (const amount of ['1111.1', '2222.2']) expect(await kept(ctx, amount)).toEqual([])
    expect(await visible(ctx)).toEqual([y9])
  })

  test.each(Object.entries(cutOff))(
    'are not left by a delivery that was cut off %s and came to nothing new',
    async (_, at) => {
      const { ctx } = lake()
      const importId = await announce(ctx, [x9, y9])
      await expect(Normalize.run(dyingAt(ctx, at), { importId })).rejects.toThrow('killed')
      await deliver(ctx, [x9, y9])
      expect(await run(ctx, [importId])).toEqual(['unchanged'])
      await run(ctx, await Withheld.begin(ctx, account))
      expect(await kept(ctx, '1111.1')).toEqual([])
    },
  )

  test('are not left by an import that takes it out, of a bill that is purged meanwhile', async () => {
    for (const [, at] of Object.entries(cutOff)) {
      const { ctx } = lake()
      await deliver(ctx, [x9, y9])
      const ids = await Withheld.begin(ctx, account)
      await expect(run(dyingAt(ctx, at), ids)).rejects.toThrow('killed')
      await purge(ctx, () => true)
      expect(await run(ctx, ids)).toEqual(['unchanged'])
      expect(await ctx.runtime.blobs.list(ctx.orgId, 'lake/')).toEqual([])
      expect(await visible(ctx)).toEqual([])
    }
  })
})

test('an account that is connected again while a bill is being read is in that bill', async () => {
  const { ctx } = lake()
  await deliver(ctx, [x8, y8])
  await run(ctx, await Withheld.begin(ctx, account))
  const importId = await announce(ctx, [x9, y9])
  let isLifted = false
  const blobs = wrapped(ctx.runtime.blobs, async (verb, call) => {
    if (verb === 'putFile' && !isLifted) {
      isLifted = true
      await Withheld.lift(ctx, again)
    }
    return await call()
  })
  const overtaken = Normalize.run(over(ctx, { ...ctx.runtime, blobs }), { importId })
  await expect(overtaken).rejects.toMatchObject({ code: 'unavailable' })
  await run(ctx, await open(ctx))
  expect((await visible(ctx)).toSorted()).toEqual([x8, y8, x9, y9].toSorted())
})

test('a bill keeps its files where an account was purged and connected again just before it became visible', async () => {
  const { ctx } = lake()
  await deliver(ctx, [x8, y8])
  const importId = await announce(ctx, [x9, y9])
  let isOvertaken = false
  const tables = eachTable(ctx.runtime.tables, (table, noun) =>
    wrapped(table, async (verb, call) => {
      if (noun === 'heads' && verb === 'replace' && !isOvertaken) {
        isOvertaken = true
        await run(ctx, await Withheld.begin(ctx, account))
        await run(ctx, await Withheld.lift(ctx, again))
      }
      return await call()
    }),
  )
  await Normalize.run(over(ctx, { ...ctx.runtime, tables }), { importId }).catch(
    async () => await Normalize.run(ctx, { importId }),
  )
  expect((await visible(ctx)).toSorted()).toEqual([x8, y8, x9, y9].toSorted())
})

test('a failed purge of an account from a bill that was purged since is not tried again, and holds nothing up', async () => {
  const { ctx } = lake()
  await deliver(ctx, [x9, y9])
  const [importId = ''] = await Withheld.begin(ctx, account)
  await RecordFailure.run(ctx, { importId, error: {} })
  await purge(ctx, () => true)
  expect(await Withheld.resume(ctx)).toBe(0)
})

test('a purge that is killed at any write, in its beginning or in its imports, and called again ends the same', async () => {
  let instants = 0
  for (let isKilled = true; isKilled; instants++) {
    const { ctx } = lake()
    for (const bill of [
      ['2024-09 sub-x 2222.2', y9],
      [x9, y9],
      [x8, y8],
    ])
      await deliver(ctx, bill)
    const writes = { left: instants }
    const { tables, blobs } = ctx.runtime
    const dying: Context = over(ctx, {
      ...ctx.runtime,
      tables: eachTable(tables, (table) => killedAt(table, writes)),
      blobs: killedAt(blobs, writes),
    })
    isKilled = await Withheld.begin(dying, account)
      .then(async (ids) => await run(dying, ids))
      .then(
        () => false,
        () => true,
      )
    // What was begun goes on, and what was not begins with the second call.
    const begun = (await Import.list(ctx)).filter(({ status }) => status === 'running' || status === 'uploading')
    for (const { id } of begun) await Import.start(ctx, id)
    await run(
      ctx,
      begun.map(({ id }) => id),
    )
    await run(ctx, await Withheld.begin(ctx, account))
    expect(await visible(ctx)).toEqual([y8, y9])
    for (const amount of ['1111.1', '2222.2', '3333.3']) expect(await kept(ctx, amount)).toEqual([])
    const held = new Set(
      (await ctx.runtime.tables.snapshots.all(ctx.orgId)).flatMap(({ costs, rollup }) => [...costs, ...rollup]),
    )
    const files = (await blobs.list(ctx.orgId, 'lake/')).map(({ key }) => key)
    expect(files.filter((key) => !held.has(key))).toEqual([])
  }
  expect(instants).toBeGreaterThan(20)
})

describe('a bill that is on its way while an account is purged', () => {
  test.each(['import', 'purge'] as const)(
    'never brings it in: whenever the %s waits for the other',
    async (waiting) => {
      let isOver = false
      let access = 0
      for (; !isOver; access++) {
        const { ctx } = lake()
        await deliver(ctx, [x9, y9])
        const importId = await announce(ctx, ['2024-09 sub-x 4444.4', '2024-09 sub-y 6'])
        const { runtime, stopped, goOn } = stoppingAt(ctx.runtime, access)
        const slow = over(ctx, runtime)
        const acts = {
          // The workflow carries out again what was overtaken.
          import: async (at: Context) =>
            void (await Normalize.run(at, { importId }).catch(async () => await Normalize.run(ctx, { importId }))),
          purge: async (at: Context) => void (await run(at, await Withheld.begin(at, account))),
        }
        let isDone = false
        const first = acts[waiting](slow).then(() => (isDone = true))
        await Promise.race([stopped, first])
        isOver = isDone
        await acts[waiting === 'import' ? 'purge' : 'import'](ctx)
        goOn()
        await first
        expect(await visible(ctx)).toEqual(['2024-09 sub-y 6'])
        for (const amount of ['1111.1', '4444.4']) expect(await kept(ctx, amount)).toEqual([])
      }
      expect(access).toBeGreaterThan(20)
    },
  )
})

test('a delivery that was killed at any write, beside a purge and a newer one, comes to nothing but what it was', async () => {
  for (const isRestated of [false, true]) {
    let instants = 0
    for (let isKilled = true; isKilled; instants++) {
      const { ctx } = lake()
      const importId = await announce(ctx, [x9, y9])
      const writes = { left: instants }
      const { tables, blobs } = ctx.runtime
      const dying: Context = over(ctx, {
        ...ctx.runtime,
        tables: eachTable(tables, (table) => killedAt(table, writes)),
        blobs: killedAt(blobs, writes),
      })
      isKilled = await Normalize.run(dying, { importId }).then(
        () => false,
        () => true,
      )
      const isVisible = (await Snapshot.view(ctx)).snapshots.length > 0
      if (isRestated) await deliver(ctx, ['2024-09 sub-x 4444.4', '2024-09 sub-y 6'])
      await run(ctx, await Withheld.begin(ctx, account))
      // The workflow carries it out once more.
      await Normalize.run(ctx, { importId })
      // What came before the other stays before it; what did not comes after.
      expect(await visible(ctx)).toEqual([isRestated && isVisible ? '2024-09 sub-y 6' : y9])
      // What is visible can be made again.
      await Withheld.demandRaw(ctx, account.cloud)
      for (const amount of ['1111.1', '4444.4']) expect(await kept(ctx, amount)).toEqual([])
    }
    expect(instants).toBeGreaterThan(8)
  }
})
