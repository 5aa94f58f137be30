import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overview } from '../costs/overview.ts'
import * as Organization from '../organization/organization.ts'
import { expire } from './retention.ts'
import * as Snapshot from './snapshot.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'

const dayMs = 24 * 3600 * 1000

/** An organization whose one bill was restated on these days (counted from the first), and how long it keeps what was replaced. */
async function restated(days: readonly number[], snapshotDays: number | null) {
  const runtime = memoryRuntime()
  const start = Date.parse('2026-01-01T00:00:00Z')
  let now = start
  const ctx = testContext(runtime, { now: () => new Date(now) })
  const settings = { ...Organization.founded(ctx.orgId, 'Example', 'usr_1', ctx.now()), retention: { snapshotDays } }
  await runtime.tables.organizations.put(ctx.orgId, settings)
  for (const [index, day] of days.entries()) {
    now = start + day * dayMs
    const key = `lake/AWS/1/2026-01/imp_${index}/costs-0.parquet`
    await runtime.blobs.put(ctx.orgId, key, new Uint8Array(1))
    const totals = [{ currency: 'USD', billed: String(index), effective: String(index), list: null, contracted: null }]
    const partition = {
      provider: 'AWS',
      billingAccountId: '1',
      period: '2026-01',
      rows: 1,
      days: { first: '2026-01-01', last: '2026-01-31' },
    }
    const candidate = {
      ...partition,
      totals,
      control: [],
      formats: ['focus-1.2'],
      kind: 'bill' as const,
      files: { costs: [key], cost_rollup: [] },
    }
    const delivery = {
      snapshotId: `imp_${index}`,
      raw: `imp_${index}`,
      digest: String(index),
      siblings: 1,
      partitions: [candidate],
      replace: true,
    }
    await Snapshot.commit(ctx, delivery)
  }
  const at = (day: number) => (now = start + day * dayMs)
  const seen = async (day: number) =>
    (await Snapshot.view(ctx, { asOf: new Date(start + day * dayMs) })).snapshots.map(({ totals }) => totals[0]?.billed)
  return { ctx, runtime, at, seen }
}

test('removes versions that were replaced before the limit, with their files; visible and recently replaced versions stay', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .uniqueArray(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 8 })
        .map((days) => days.toSorted((a, b) => a - b)),
      fc.integer({ min: 30, max: 200 }),
      fc.integer({ min: 401, max: 700 }),
      async (days, keep, today) => {
        const { ctx, runtime, at, seen } = await restated(days, keep)
        at(today)
        const staying = days.flatMap((_, index) =>
          (days[index + 1] ?? Number.POSITIVE_INFINITY) >= today - keep ? [index] : [],
        )
        expect(await expire(ctx)).toBe(days.length - staying.length)
        expect(await expire(ctx)).toBe(0)
        const left = (await runtime.blobs.list(ctx.orgId, 'lake/')).map(({ key }) => Number(/imp_(\d+)/.exec(key)?.[1]))
        expect(left.toSorted((a, b) => a - b)).toEqual(staying)
        for (const [index, day] of days.entries())
          expect(await seen(day)).toEqual(staying.includes(index) ? [String(index)] : [])
        expect((await Snapshot.view(ctx)).snapshots.map(({ snapshotId }) => snapshotId)).toEqual([
          `imp_${days.length - 1}`,
        ])
      },
    ),
    { numRuns: 60 },
  )
})

test('an as_of answer names the cloud whose versions of that time expired', async () => {
  const { ctx, runtime, at } = await restated([0, 100], 30)
  runtime.lake.query = async () => []
  at(120)
  const missing = async (given: object = {}) => {
    const asked = { asOf: '2026-01-02T00:00:00Z', startDate: '2026-01-01', endDate: '2026-01-31', ...given }
    return (await overview(ctx, asked)).meta.missing.filter(({ kind }) => kind === 'version')
  }
  expect(await missing()).toEqual([])
  at(131)
  expect(await expire(ctx)).toBe(1)
  const other = { metric: 'billed' as const }
  expect(await missing(other)).toMatchObject([{ provider: 'AWS', detail: expect.stringContaining('2026-01') }])
  expect(await missing({ ...other, cloudProvider: 'aws' })).toHaveLength(1)
  expect(await missing({ ...other, cloudProvider: 'azure' })).toEqual([])
  expect(await missing({ ...other, startDate: '2026-03-01', endDate: '2026-03-31' })).toEqual([])
  expect(await missing({ ...other, asOf: '2026-05-01T00:00:00Z' })).toEqual([])
})

test('an organization without a limit keeps every version', async () => {
  const { ctx, at, seen } = await restated([0, 1, 2], null)
  at(3000)
  expect(await expire(ctx)).toBe(0)
  expect(await seen(0)).toEqual(['0'])
})

/** Commits a day of utilization of an account, and stores its file. */
async function measure(ctx: ReturnType<typeof testContext>, accountId: string, day: string, snapshotId: string) {
  const key = `lake/kind=utilization/aws/${accountId}/${day}/${snapshotId}-1/utilization-0.parquet`
  await ctx.runtime.blobs.put(ctx.orgId, key, new Uint8Array(1))
  const facts = {
    kind: 'utilization' as const,
    provider: 'aws' as const,
    accountId,
    day,
    rows: 1,
    takenAt: `${day}T00:00:00Z`,
  }
  const partitions = [{ ...facts, files: { utilization: [key] } }]
  await Snapshot.commit(ctx, { snapshotId, raw: '', digest: snapshotId, siblings: 1, replace: false, partitions })
  return key
}

test('utilization of more than 60 days ago is removed: pointers, versions and files', async () => {
  const runtime = memoryRuntime()
  const ctx = testContext(runtime, { now: () => new Date('2026-03-10T08:00:00Z') })
  await measure(ctx, '1', '2026-01-08', 'syn_1')
  await measure(ctx, '1', '2026-01-08', 'syn_2')
  const kept = [await measure(ctx, '1', '2026-01-09', 'syn_3'), await measure(ctx, '1', '2026-03-10', 'syn_4')]
  expect(await expire(ctx)).toBe(2)
  expect(await expire(ctx)).toBe(0)
  expect((await runtime.blobs.list(ctx.orgId, 'lake/')).map(({ key }) => key)).toEqual(kept)
  const days = ['2026-01-09', '2026-03-10'].map((day) => `kind=utilization/aws/1/${day}`)
  expect((await runtime.tables.utilizationPartitions.all(ctx.orgId)).map(({ id }) => id)).toEqual(days)
  expect((await runtime.tables.snapshots.all(ctx.orgId)).map(({ partition }) => partition)).toEqual(days)
})

test('the last commit keeps its partition, and a purge that meets an expired one does not block the lake', async () => {
  const runtime = memoryRuntime()
  const ctx = testContext(runtime, { now: () => new Date('2026-03-10T08:00:00Z') })
  await measure(ctx, '1', '2026-01-08', 'syn_1')
  expect(await expire(ctx)).toBe(0)
  const [pointer] = await runtime.tables.utilizationPartitions.all(ctx.orgId)
  if (!pointer) throw new Error('no pointer')
  await Snapshot.advanceHead(
    ctx,
    async (_, next) => {
      await runtime.tables.utilizationPartitions.remove(ctx.orgId, pointer.id)
      return { moves: [{ ...Snapshot.emptied(pointer), ...next, snapshotId: 'prg_1', version: 2, isPurged: true }] }
    },
    'utilization',
  )
  await measure(ctx, '1', '2026-03-10', 'syn_2')
  expect((await Snapshot.view(ctx, { kind: 'utilization' })).snapshots.map(({ day }) => day)).toEqual(['2026-03-10'])
})

test('a view of some accounts has their partitions and the moves of the last commit only', async () => {
  const runtime = memoryRuntime()
  const ctx = testContext(runtime, { now: () => new Date('2026-03-10T08:00:00Z') })
  await measure(ctx, '1', '2026-03-09', 'syn_1')
  await measure(ctx, '12', '2026-03-09', 'syn_2')
  await measure(ctx, '1', '2026-03-10', 'syn_3')
  // The process was killed before it moved the pointer.
  await runtime.tables.utilizationPartitions.remove(ctx.orgId, 'kind=utilization/aws/1/2026-03-10')
  const days = async (account: string) =>
    (await Snapshot.currentView(ctx, 'utilization', [`kind=utilization/aws/${account}/`])).snapshots.map(
      ({ accountId, day }) => [accountId, day],
    )
  expect(await days('1')).toEqual([
    ['1', '2026-03-09'],
    ['1', '2026-03-10'],
  ])
  expect(await days('12')).toEqual([['12', '2026-03-09']])
})
