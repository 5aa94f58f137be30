import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSameAccount } from './account-of-cloud.ts'
import type { Context } from './context.ts'
import * as Import from './import.ts'
import type { Lake, NormalizedPartition, NormalizeOptions } from './lake.ts'
import { parse, plain, sum } from './money.ts'
import * as Normalize from './pipeline/normalize.ts'
import * as RecordFailure from './pipeline/record-failure.ts'
import * as Raw from './raw.ts'
import * as Rebuild from './rebuild.ts'
import type { Blobs } from './runtime.ts'
import * as Snapshot from './snapshot.ts'
import { eachTable, killedAt, stoppingAt } from './testing-processes.ts'
import { memoryRuntime, testContext } from './testing.ts'
import * as Withheld from './withheld.ts'

/** A bill of tests, of one account of Microsoft: a charge in each line, `period subscription amount`. */
type Bill = string[]

const totalOf = (lines: Bill): string => plain(sum(lines.map((line) => parse(line.split(' ')[2] ?? ''))))

async function partitionOf(period: string, lines: Bill, { workDir, withhold }: NormalizeOptions): Promise<NormalizedPartition> {
  const ofAccount = (accountId: string): Bill => lines.filter((line) => isSameAccount(line.split(' ')[1] ?? '', accountId))
  const out = withhold.flatMap(({ accountId }) => (ofAccount(accountId).length > 0 ? [{ accountId, lines: ofAccount(accountId) }] : []))
  const kept = lines.filter((line) => out.every((account) => !account.lines.includes(line)))
  const path = join(workDir, period)
  await writeFile(path, kept.join('\n'))
  const [billed, total] = [totalOf(kept), totalOf(lines)]
  return {
    provider: 'Microsoft',
    billingAccountId: 'EA',
    period,
    rows: kept.length,
    days: { first: `${period}-01`, last: `${period}-28` },
    totals: [{ currency: 'USD', billed, effective: billed, list: null, contracted: null }],
    control: [{ currency: 'USD', metric: 'billed', total, rows: lines.length }],
    formats: ['test'],
    ...(out.length > 0 && {
      withheld: out.map((account) => {
        const amount = totalOf(account.lines)
        return { accountId: account.accountId, currency: 'USD', rows: account.lines.length, billed: amount, effective: amount }
      }),
    }),
    costs: [path],
    rollup: [path],
  }
}

function stubLake(orgId: string) {
  return (blobs: Blobs): Partial<Lake> => ({
    async normalize(files, options) {
      const lines = (await Promise.all(files.map(async ({ path }) => (await readFile(path, 'utf8')).split('\n')))).flat()
      const periods = Map.groupBy(lines, (line) => line.split(' ')[0] ?? '')
      const partitions = await Promise.all([...periods].map(async ([period, charges]) => await partitionOf(period, charges, options)))
      return { files: files.map(({ name }) => ({ name, format: 'test', rows: lines.length, periods: [...periods.keys()] })), partitions }
    },
    query: async (_, { rollup }, parameters) => {
      const accountId = 'accountId' in parameters ? parameters.accountId : ''
      const texts = await Promise.all(rollup.map(async (key) => Buffer.from(await blobs.get(orgId, key)).toString()))
      const rows = texts.flatMap((text) => text.split('\n')).filter((line) => isSameAccount(line.split(' ')[1] ?? '', accountId)).length
      return rows > 0 ? [{ rows }] : []
    },
  })
}

function lake() {
  let ms = Date.parse('2026-11-23T08:00:00Z')
  const runtime = memoryRuntime(stubLake('org_test'))
  const ctx = testContext(runtime, { now: () => new Date((ms += 1000)) })
  return { ctx, now: () => new Date(ms) }
}

async function announce(ctx: Context, bill: Bill): Promise<string> {
  const text = Buffer.from(bill.join('\n'))
  const { id } = await Import.create(ctx, { files: [{ name: 'bill', bytes: text.byteLength }] })
  await ctx.runtime.blobs.put(ctx.orgId, Raw.partKey(id, 0, 0), text)
  await Import.start(ctx, id)
  return id
}

async function deliver(ctx: Context, bill: Bill): Promise<string> {
  return (await Normalize.run(ctx, { importId: await announce(ctx, bill) })).outcome
}

async function run(ctx: Context, ids: readonly string[]): Promise<string[]> {
  const outcomes: string[] = []
  for (const importId of ids) outcomes.push((await Normalize.run(ctx, { importId })).outcome)
  return outcomes
}

/** What the workflow has still to carry out. */
async function open(ctx: Context): Promise<string[]> {
  return (await Import.list(ctx)).filter(({ status }) => status === 'running').map(({ id }) => id)
}

/** What is visible: the charges of each bill as its file has them, and what the bill says is not among them. */
async function visible(ctx: Context, asOf?: Date): Promise<string[]> {
  const { snapshots } = await Snapshot.view(ctx, asOf ? { asOf } : {})
  const bills = await Promise.all(
    snapshots.map(async ({ costs, rollup, totals, control, withheld = [] }) => {
      expect(plain(sum([...totals, ...withheld].map(({ billed }) => parse(billed))))).toBe(control[0]?.total)
      for (const key of rollup) await ctx.runtime.blobs.get(ctx.orgId, key)
      const texts = await Promise.all(costs.map(async (key) => Buffer.from(await ctx.runtime.blobs.get(ctx.orgId, key)).toString()))
      return texts.flatMap((text) => (text === '' ? [] : text.split('\n')))
    }),
  )
  return bills.flat()
}

/** What the lake keeps of a text, anywhere but in raw bills. */
async function kept({ runtime, orgId }: Context, text: string): Promise<string[]> {
  const blobs = (await runtime.blobs.list(orgId, 'lake/')).map(async ({ key }) => [key, Buffer.from(await runtime.blobs.get(orgId, key)).toString()] as const)
  return (await Promise.all(blobs)).filter(([, body]) => body.includes(text)).map(([key]) => key)
}

const account = { cloud: 'azure', accountId: 'sub-x', cloudAccountId: 'acc_1' } as const
/** The same account, connected again. */
const again = { ...account, cloudAccountId: 'acc_2' } as const
const x9 = '2024-09 /subscriptions/SUB-X 1111.10'
const [y9, x8, y8, z7] = ['2024-09 sub-y 7777.123456789', '2024-08 sub-x 3333.3', '2024-08 sub-y 8888.000000001', '2024-07 sub-z 5'] as const

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
    expect((await Snapshot.view(ctx)).snapshots.map(({ withheld }) => withheld?.[0]?.billed)).toEqual([undefined, '3333.3', '1111.1'])
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

  test('of one organisation is nothing to another', async () => {
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
    for (const { key } of await ctx.runtime.blobs.list(ctx.orgId, 'raw/')) await ctx.runtime.blobs.remove(ctx.orgId, key)
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
    const dying: Context = {
      ...ctx,
      runtime: { ...ctx.runtime, tables: eachTable(tables, (table) => killedAt(table, writes)), blobs: killedAt(blobs, writes) },
    }
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
    const held = new Set((await ctx.runtime.tables.snapshots.all(ctx.orgId)).flatMap(({ costs, rollup }) => [...costs, ...rollup]))
    const files = (await blobs.list(ctx.orgId, 'lake/')).map(({ key }) => key)
    expect(files.filter((key) => !held.has(key))).toEqual([])
  }
  expect(instants).toBeGreaterThan(20)
})

describe('a bill that is on its way while an account is purged', () => {
  test.each(['import', 'purge'] as const)('never brings it in: whenever the %s waits for the other', async (waiting) => {
    let isOver = false
    let access = 0
    for (; !isOver; access++) {
      const { ctx } = lake()
      await deliver(ctx, [x9, y9])
      const importId = await announce(ctx, ['2024-09 sub-x 4444.4', '2024-09 sub-y 6'])
      const { runtime, stopped, goOn } = stoppingAt(ctx.runtime, access)
      const slow = { ...ctx, runtime }
      const acts = {
        // The workflow carries out again what was overtaken.
        import: async (at: Context) => void (await Normalize.run(at, { importId }).catch(async () => await Normalize.run(ctx, { importId }))),
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
  })
})

test('a delivery that was killed at any write, beside a purge and a newer one, comes to nothing but what it was', async () => {
  for (const isRestated of [false, true]) {
    let instants = 0
    for (let isKilled = true; isKilled; instants++) {
      const { ctx } = lake()
      const importId = await announce(ctx, [x9, y9])
      const writes = { left: instants }
      const { tables, blobs } = ctx.runtime
      const dying: Context = {
        ...ctx,
        runtime: { ...ctx.runtime, tables: eachTable(tables, (table) => killedAt(table, writes)), blobs: killedAt(blobs, writes) },
      }
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
