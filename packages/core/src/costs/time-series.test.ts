import { expect, test } from 'vitest'
import type { Queries } from '../effects/queries.ts'
import type { DailyTotal } from '../effects/time-series.ts'
import { Fault } from '../kernel/fault.ts'
import { historyId, type Info } from '../lake/snapshot.ts'
import { snapshot } from '../testing/cost-lake.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import { write } from './time-series.ts'

type Row = Queries['dailyTotals']['row']
const row = (service: string | null, day: string, billed: string): Row => ({
  provider: 'AWS',
  account: '2',
  service,
  currency: 'USD',
  day,
  billed,
  effective: billed,
})

/** A lake whose roll-ups have these rows, and a time series that applies versions as Timestream does. */
function product(rollups: Record<string, Row[]>) {
  const runtime = memoryRuntime(() => ({
    query: async (_, { files }) => files.cost_rollup.flatMap((file) => rollups[file] ?? []) as never,
  }))
  const points = new Map<string, DailyTotal>()
  const calls: number[] = []
  runtime.timeSeries = {
    async write(totals) {
      calls.push(totals.length)
      for (const total of totals) {
        const key = JSON.stringify([total.dimensions, total.day])
        if ((points.get(key)?.version ?? 0) <= total.version) points.set(key, total)
      }
    },
  }
  const ctx = testContext(runtime)
  /** The next version of its partition. */
  const land = async (info: Partial<Info> & Pick<Info, 'snapshotId' | 'lakeVersion'>) => {
    const made = snapshot({
      provider: 'AWS',
      period: '2024-09',
      files: { costs: [], cost_rollup: [info.snapshotId] },
      ...info,
    })
    await runtime.tables.snapshots.put('org_test', { ...made, id: historyId(made.partition, made.snapshotId) })
    await runtime.tables.partitions.put('org_test', made)
  }
  const billed = () =>
    [...points.values()].map(({ dimensions, day, billed }) => [dimensions['service'], day, billed]).toSorted()
  return { runtime, ctx, land, billed, points, calls }
}

const first = [row('S3', '2024-09-01', '1.000000000000000001'), row(null, '2024-09-02', '2')]
const second = [row('S3', '2024-09-01', '3'), row('EC2', '2024-09-03', '4')]

test('what landed is written by organization, provider, account, service, currency and partition, once', async () => {
  const { ctx, land, billed, points, calls } = product({ imp_1: first })
  await land({ snapshotId: 'imp_1', lakeVersion: 1 })
  await write(ctx)
  await write(ctx)
  expect(calls).toEqual([2])
  expect(billed()).toEqual([
    ['(none)', '2024-09-02', '2'],
    ['S3', '2024-09-01', '1.000000000000000001'],
  ])
  const names = { provider: 'AWS', account: '2', service: 'S3', currency: 'USD', partition: 'AWS/1/2024-09' }
  expect([...points.values()][0]).toMatchObject({ dimensions: { organization: 'org_test', ...names }, version: 1 })
})

test('a restated bill replaces its values, and what it has no more becomes 0', async () => {
  const { ctx, land, billed } = product({ imp_1: first, imp_2: second })
  await land({ snapshotId: 'imp_1', lakeVersion: 1 })
  await write(ctx)
  await land({ snapshotId: 'imp_2', lakeVersion: 2, previous: 'imp_1' })
  await write(ctx)
  expect(billed()).toEqual([
    ['(none)', '2024-09-02', '0'],
    ['EC2', '2024-09-03', '4'],
    ['S3', '2024-09-01', '3'],
  ])
})

test('a version that another process wrote meanwhile leaves nothing behind', async () => {
  const { ctx, land, billed, runtime } = product({ imp_1: first, imp_2: second, imp_3: [row('S3', '2024-09-01', '9')] })
  await land({ snapshotId: 'imp_1', lakeVersion: 1 })
  await write(ctx)
  const { write: apply } = runtime.timeSeries
  await land({ snapshotId: 'imp_2', lakeVersion: 2, previous: 'imp_1' })
  runtime.timeSeries = {
    async write(totals) {
      runtime.timeSeries = { write: apply }
      await land({ snapshotId: 'imp_3', lakeVersion: 3, previous: 'imp_2' })
      await write(ctx)
      await apply(totals)
    },
  }
  await write(ctx)
  await write(ctx)
  expect(billed().filter(([, , cost]) => cost !== '0')).toEqual([['S3', '2024-09-01', '9']])
})

test('preliminary costs that a bill ended become 0', async () => {
  const { ctx, land, billed } = product({ imp_1: first })
  await land({ snapshotId: 'imp_1', lakeVersion: 1 })
  await write(ctx)
  const files = { costs: [], cost_rollup: [] }
  await land({ snapshotId: 'end_imp_2', files, isPurged: true, lakeVersion: 2, previous: 'imp_1' })
  await write(ctx)
  expect(billed().map(([, , cost]) => cost)).toEqual(['0', '0'])
})

test('a rejected value fails, and the next attempt writes the partition again', async () => {
  const { ctx, land, billed, runtime } = product({ imp_1: first })
  await land({ snapshotId: 'imp_1', lakeVersion: 1 })
  const { write: apply } = runtime.timeSeries
  runtime.timeSeries = { write: async () => await Promise.reject(new Fault('invalid', 'Timestream rejected 1')) }
  await expect(write(ctx)).rejects.toThrow('Timestream rejected 1')
  runtime.timeSeries = { write: apply }
  await write(ctx)
  expect(billed()).toHaveLength(2)
})
