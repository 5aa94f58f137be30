import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Cost from './cost.ts'
import { untilComplete } from './by-service.ts'
import { completeUntil, filesFor, usualCurrency } from './scope.ts'
import { Fault } from '../kernel/fault.ts'
import type { CostParameters, LakeFiles, Queries } from '../effects/lake.ts'
import { parse, sum } from '../kernel/money.ts'
import type { Head, Info, View } from '../lake/snapshot.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'

type Row = Queries['costByDay']['row']
type Part = Queries['costOverview']['row']
type Asked = {
  name: string
  files: LakeFiles
  parameters: CostParameters & { groupBy?: string; tagKey?: string; previousStart?: string; previousEnd?: string }
}

function snapshot(given: Partial<Info> & Pick<Info, 'provider' | 'period'>): Info {
  const partition = `${given.provider}/1/${given.period}`
  const [first, last] = [`${given.period}-01`, `${given.period}-28`]
  return {
    id: partition,
    partition,
    billingAccountId: '1',
    snapshotId: 'imp_1',
    raw: 'imp_1',
    version: 1,
    lakeVersion: 1,
    at: '2026-01-01T00:00:00.000Z',
    digest: 'd',
    formats: ['focus-1.0'],
    siblings: 1,
    rows: 100,
    days: { first, last },
    totals: [{ currency: 'USD', billed: '1', effective: '1', list: null, contracted: null }],
    control: [],
    kind: 'bill' as const,
    files: { costs: [`${partition}/costs`], cost_rollup: [`${partition}/rollup`] },
    ...given,
  }
}

const august = snapshot({ provider: 'AWS', period: '2024-08', days: { first: '2024-08-01', last: '2024-08-31' } })
const september = [
  august,
  snapshot({ provider: 'AWS', period: '2024-09', days: { first: '2024-09-01', last: '2024-09-30' } }),
]

/** What a lake of these rows answers to an overview. */
function partsOf(
  rows: Row[],
  { start, end, previousStart = '' }: { start: string; end: string; previousStart?: string },
): Part[] {
  return rows.flatMap(({ day, dimension, currency, cost }): Part[] => {
    if (day >= previousStart && day < start) return [{ part: 'previous', key: null, currency, cost }]
    if (day < start || day > end) return []
    return [
      { part: 'day', key: day, currency, cost },
      { part: 'dimension', key: dimension, currency, cost },
    ]
  })
}

/** A lake of these snapshots and rows, which remembers what it was asked. */
async function lakeOf(
  snapshots: Info[],
  rows: Row[] = [],
  others: Partial<{ [Name in keyof Queries]: Queries[Name]['row'][] }> = {},
) {
  const asked: Asked[] = []
  const runtime = memoryRuntime(() => ({
    query: async (name: keyof Queries, files: LakeFiles, parameters: Asked['parameters']) => {
      asked.push({ name, files, parameters })
      return others[name] ?? partsOf(rows, parameters)
    },
  }))
  for (const info of snapshots) await runtime.tables.partitions.put('org_test', info)
  const head: Head = { id: 'head', version: 1, at: '2026-01-01T00:00:00.000Z', moves: [], excluded: [] }
  if (snapshots.length > 0) await runtime.tables.heads.put('org_test', head)
  return { ctx: testContext(runtime), asked, runtime, head }
}

const row = (day: string, cost: string, dimension: string | null = 'EC2', currency = 'USD'): Row => ({
  day,
  cost,
  dimension,
  currency,
})

describe('overview', () => {
  test('adds exactly, fills days without cost, compares with the equally long period before', async () => {
    const { ctx } = await lakeOf(september, [
      row('2024-09-01', '0.1'),
      row('2024-09-03', '0.2', 'S3'),
      row('2024-09-03', '0.000000000000000001', 'RDS'),
      row('2024-08-31', '0.15', null),
    ])
    const answer = await Cost.overview(ctx, { startDate: '2024-09-01', endDate: '2024-09-03' })
    expect(answer).toMatchObject({ totalCost: 0.3, totalCostExact: '0.300000000000000001', currency: 'USD' })
    expect(answer.timeSeries.map(({ date, costExact }) => [date, costExact])).toEqual([
      ['2024-09-01', '0.1'],
      ['2024-09-02', '0'],
      ['2024-09-03', '0.200000000000000001'],
    ])
    expect(answer.breakdown.map(({ dimension, cost, percentage }) => [dimension, cost, percentage])).toEqual([
      ['S3', 0.2, 66.6667],
      ['EC2', 0.1, 33.3333],
      ['RDS', 1e-18, 0],
    ])
    expect(answer.periodComparison).toMatchObject({
      previousPeriod: 0.15,
      changePercent: 100,
      startDate: '2024-08-29',
      endDate: '2024-08-31',
    })
  })

  test('where the period before cost nothing, the change is 100 or 0, and it is said that there was nothing to compare with', async () => {
    const { ctx } = await lakeOf(september, [row('2024-09-01', '5')])
    const compared = async (day: string) =>
      (await Cost.overview(ctx, { startDate: day, endDate: day })).periodComparison
    expect(await compared('2024-09-01')).toMatchObject({ changePercent: 100, previousIsZero: true })
    expect(await compared('2024-09-02')).toMatchObject({ changePercent: -100, previousIsZero: false })
    expect(await compared('2024-09-03')).toMatchObject({ changePercent: 0, previousIsZero: true })
  })

  test('weeks begin on Monday, and the first and last one hold only days of the span', async () => {
    const { ctx } = await lakeOf(september, [row('2024-09-01', '1'), row('2024-09-02', '2'), row('2024-09-08', '4')])
    const { timeSeries } = await Cost.overview(ctx, {
      startDate: '2024-09-01',
      endDate: '2024-09-08',
      granularity: 'weekly',
    })
    expect(timeSeries.map(({ date, cost }) => [date, cost])).toEqual([
      ['2024-08-26', 1],
      ['2024-09-02', 6],
    ])
  })

  test('without days: the 30 days to the last complete one', async () => {
    const { ctx } = await lakeOf(september)
    expect(await Cost.overview(ctx, {})).toMatchObject({ startDate: '2024-09-01', endDate: '2024-09-30' })
  })

  test('an empty lake answers 0 for the 30 days to yesterday', async () => {
    const { ctx, asked } = await lakeOf([])
    const answer = await Cost.overview(ctx, {})
    expect(answer).toMatchObject({
      totalCost: 0,
      currency: 'USD',
      endDate: '2026-11-22',
      meta: { asOf: null, lakeVersion: 0, completeUntil: null },
    })
    expect(answer.timeSeries).toHaveLength(30)
    expect(asked).toHaveLength(0)
  })

  test('other currencies are never added: they are named with their exact amounts', async () => {
    const { ctx } = await lakeOf(september, [
      row('2024-09-01', '5'),
      row('2024-09-01', '7.10', 'VM', 'EUR'),
      row('2024-08-31', '3', null, 'EUR'),
    ])
    const answer = await Cost.overview(ctx, { startDate: '2024-09-01', endDate: '2024-09-01' })
    expect(answer.totalCostExact).toBe('5')
    expect(answer.breakdown.map(({ dimension }) => dimension)).toEqual(['EC2'])
    expect(answer.meta.missing.map(({ kind, currency, amount, period }) => [kind, currency, amount, period])).toEqual([
      ['exchange_rate', 'EUR', '7.1', 'current'],
      ['exchange_rate', 'EUR', '3', 'previous'],
    ])
    expect(
      (await Cost.overview(ctx, { startDate: '2024-09-01', endDate: '2024-09-01', currency: 'EUR' })).totalCostExact,
    ).toBe('7.1')
  })

  test('a provider whose charges end inside the span is named', async () => {
    const snapshots = [
      ...september,
      snapshot({ provider: 'Oracle', period: '2024-09', days: { first: '2024-09-01', last: '2024-09-05' } }),
    ]
    const { ctx } = await lakeOf(snapshots)
    expect((await Cost.overview(ctx, {})).meta.missing).toMatchObject([
      { kind: 'days', provider: 'Oracle', after: '2024-09-05' },
    ])
  })

  test('a metric that bills say nothing of is named, and only for the providers that were asked for', async () => {
    const silent = [
      ...september,
      snapshot({ provider: 'Oracle', period: '2024-09', days: { first: '2024-09-01', last: '2024-09-30' } }),
    ]
    const { ctx } = await lakeOf(silent)
    const missing = async (input: Parameters<typeof Cost.overview>[1]) =>
      (await Cost.overview(ctx, input)).meta.missing.map(({ kind, provider }) => [kind, provider])
    expect(await missing({ metric: 'list' })).toEqual([
      ['metric', 'AWS'],
      ['metric', 'Oracle'],
    ])
    expect(await missing({ metric: 'list', cloudProvider: 'oracle' })).toEqual([['metric', 'Oracle']])
    expect(await missing({ metric: 'billed' })).toEqual([])
  })

  test('what the bill does not say is a line of its own, and what exceeds the limit is summed', async () => {
    const { ctx } = await lakeOf(september, [
      row('2024-09-01', '5', null),
      row('2024-09-01', '3', 'a'),
      row('2024-09-01', '2', 'b'),
    ])
    const byTag = await Cost.overview(ctx, {
      startDate: '2024-09-01',
      endDate: '2024-09-01',
      groupBy: 'tag',
      tagKey: 'Team',
      limit: 1,
    })
    expect(byTag.breakdown.map(({ dimension, value, cost }) => [dimension, value, cost])).toEqual([
      ['(untagged)', null, 5],
      ['(other)', null, 5],
    ])
  })

  test('the percentages of any breakdown sum to 100, of a total of 0 they are 0', () => {
    const cost = fc.integer({ min: -1e9, max: 1e9 }).map((n) => String(n / 100))
    fc.assert(
      fc.property(fc.array(cost, { minLength: 1, maxLength: 40 }), (costs) => {
        const rows = costs.map((cost, i) => ({ key: `s${i}`, cost }))
        const total = sum(costs.map(parse))
        const lines = Cost.breakdownOf(rows, total, { groupBy: 'service', limit: 1000 })
        const percent = lines.reduce((all, { percentage }) => all + percentage, 0)
        expect(percent).toBeCloseTo(total.eq(0) ? 0 : 100, 1)
        expect(lines.map((line) => line.cost)).toEqual(lines.map((line) => line.cost).toSorted((a, b) => b - a))
      }),
    )
  })

  test('the series holds what the rows hold, in every granularity', () => {
    const day = fc
      .integer({ min: 0, max: 364 })
      .map((n) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10))
    const rows = fc.array(fc.record({ key: day, cost: fc.integer().map((n) => String(n / 1000)) }))
    fc.assert(
      fc.property(rows, fc.constantFrom('daily', 'weekly', 'monthly'), (rows, granularity) => {
        const series = Cost.seriesOf(rows, { start: '2024-01-01', end: '2024-12-30' }, granularity)
        expect(sum(series.map(({ costExact }) => parse(costExact))).eq(sum(rows.map(({ cost }) => parse(cost))))).toBe(
          true,
        )
      }),
    )
  })

  test.each<[string, Parameters<typeof Cost.overview>[1], string]>([
    ['an end before the start', { startDate: '2024-09-02', endDate: '2024-09-01' }, 'endDate'],
    ['a tag without its key', { groupBy: 'tag' }, 'tagKey'],
    ['more than three years by day', { startDate: '2020-01-01', endDate: '2023-01-02' }, 'startDate'],
    ['a day that does not exist', { startDate: '2024-02-30' }, 'startDate'],
    ['a tag filter without a key', { filters: [{ dimension: 'tag', values: ['x'] }] }, 'filters.0.tagKey'],
  ])('refuses %s and names the field', async (_, input, path) => {
    const { ctx } = await lakeOf(september)
    const refused = await Cost.overview(ctx, input).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Fault)
    expect(refused).toMatchObject({ code: 'invalid', complaints: [{ path }] })
  })

  test('three years by day are answered', async () => {
    const { ctx } = await lakeOf(september)
    expect((await Cost.overview(ctx, { startDate: '2020-01-01', endDate: '2022-12-31' })).timeSeries).toHaveLength(1096)
  })

  test('short names of clouds become the names that the lake holds', async () => {
    const { ctx, asked } = await lakeOf([...september, snapshot({ provider: 'Microsoft', period: '2024-09' })])
    await Cost.overview(ctx, { cloudProvider: 'azure' })
    await Cost.overview(ctx, { cloudProvider: 'microsoft' })
    expect(asked.map(({ parameters }) => parameters.filters)).toEqual(
      Array.from({ length: asked.length }, () => [{ dimension: 'provider', values: ['Microsoft'] }]),
    )
    expect(asked[0]?.files.files.cost_rollup).toEqual(['Microsoft/1/2024-09/rollup'])
  })
})

describe('what is read', () => {
  const view = (snapshots: Info[]): View => ({
    lakeVersion: 1,
    at: '2026-01-01T00:00:00.000Z',
    snapshots,
    excluded: [],
  })
  const three = ['2024-08', '2024-09', '2024-10'].map((period) => snapshot({ provider: 'AWS', period }))

  test('only partitions whose days or billing month touch the span', () => {
    expect(filesFor('o', view(three), { start: '2024-09-05', end: '2024-09-06' }).files.cost_rollup).toEqual([
      'AWS/1/2024-09/rollup',
    ])
    const correction = snapshot({
      provider: 'AWS',
      period: '2024-10',
      days: { first: '2024-08-10', last: '2024-10-31' },
    })
    expect(
      filesFor('o', view([correction]), { start: '2024-08-15', end: '2024-08-16' }).files.cost_rollup,
    ).toHaveLength(1)
  })

  test('the last complete day is that of the slowest provider that still delivers', () => {
    const to = (provider: string, period: string, last: string) =>
      snapshot({ provider, period, days: { first: `${period}-01`, last } })
    expect(completeUntil(view([to('AWS', '2024-11', '2024-11-02'), to('Microsoft', '2024-10', '2024-10-31')]))).toBe(
      '2024-10-31',
    )
    expect(completeUntil(view([to('AWS', '2024-11', '2024-11-20'), to('Microsoft', '2024-10', '2024-10-31')]))).toBe(
      '2024-11-20',
    )
    expect(completeUntil(view([to('AWS', '2024-11', '2025-06-01')]))).toBe('2024-11-30')
    expect(completeUntil(view([]))).toBeNull()
  })

  test('the usual currency is that of most partitions, and of equals the first of the alphabet', () => {
    const money = (currency: string) => [{ currency, billed: '1', effective: '1', list: null, contracted: null }]
    const inEuro = snapshot({ provider: 'A', period: '2024-09', totals: money('EUR') })
    const inDollar = snapshot({ provider: 'B', period: '2024-09', totals: money('USD') })
    expect(usualCurrency(view([inDollar, inEuro]))).toBe('EUR')
    expect(usualCurrency(view([inDollar, inDollar, inEuro]))).toBe('USD')
    expect(usualCurrency(view([]))).toBe('USD')
  })
})

describe('answers are remembered', () => {
  test('until the lake changes, and for each organization apart', async () => {
    const { ctx, asked, runtime, head } = await lakeOf(september, [row('2024-09-01', '5')])
    const first = await Cost.overview.ask(ctx, {})
    await first.answer()
    await Promise.all([Cost.overview(ctx, {}), Cost.overview(ctx, { granularity: 'daily' })])
    expect(asked).toHaveLength(1)
    await runtime.tables.heads.put('org_other', head)
    expect((await Cost.overview({ ...ctx, orgId: 'org_other' }, {})).totalCost).toBe(0)
    await runtime.tables.heads.put('org_test', { ...head, version: 2 })
    const later = await Cost.overview.ask(ctx, {})
    expect(later.tag).not.toBe(first.tag)
    await later.answer()
    expect(asked).toHaveLength(2)
  })

  test('a failure is not remembered', async () => {
    const { ctx, runtime } = await lakeOf(september)
    const { query } = runtime.lake
    runtime.lake.query = async () => {
      throw new Fault('unavailable', 'Not now.')
    }
    await expect(Cost.overview(ctx, {})).rejects.toThrow('Not now.')
    runtime.lake.query = query
    expect((await Cost.overview(ctx, {})).totalCost).toBe(0)
  })

  test('equal questions asked at once are answered by one reading', async () => {
    const { ctx, asked } = await lakeOf(september)
    await Promise.all(Array.from({ length: 20 }, () => Cost.overview(ctx, {})))
    expect(asked).toHaveLength(1)
  })
})

describe('by service', () => {
  const services = [
    { provider: 'AWS', service: 'S3', currency: 'USD', current: '4', previous: '5' },
    { provider: 'AWS', service: 'EC2', currency: 'USD', current: '10.5', previous: '0' },
    { provider: 'AWS', service: null, currency: 'USD', current: '-1', previous: '-2' },
    { provider: 'Microsoft', service: 'VM', currency: 'EUR', current: '9', previous: '0' },
  ]
  const resources = [
    { provider: 'AWS', service: 'S3', resourceId: 'b', currency: 'USD', cost: '1' },
    { provider: 'AWS', service: 'S3', resourceId: 'a', currency: 'USD', cost: '3' },
  ]

  test('dearest first, each with its month before, trend and dearest resources', async () => {
    const { ctx } = await lakeOf(september, [], { costByService: services, topResources: resources })
    const answer = await Cost.byService(ctx, {})
    expect(answer).toMatchObject({
      month: '2024-09',
      currency: 'USD',
      trendDays: { startDate: '2024-09-01', endDate: '2024-09-30' },
    })
    expect(
      answer.services.map((one) => [one.serviceName, one.currentMonth, one.lastMonth, one.trend, one.trendIsFromZero]),
    ).toEqual([
      ['EC2', 10.5, 0, 100, true],
      ['S3', 4, 5, -20, false],
      ['(none)', -1, -2, 50, false],
    ])
    expect(answer.services[1]?.topResources.map(({ resourceId }) => resourceId)).toEqual(['a', 'b'])
    expect(answer.meta.missing).toMatchObject([
      { currency: 'EUR', amount: '9', period: 'current' },
      { currency: 'EUR', amount: '0', period: 'previous' },
    ])
  })

  test('while the month is not over, the trend compares its complete days with the same days before', async () => {
    const open = [snapshot({ provider: 'AWS', period: '2024-03', days: { first: '2024-03-01', last: '2024-03-30' } })]
    const { ctx, asked } = await lakeOf(open, [], { costByService: services, topResources: [] })
    expect((await Cost.byService(ctx, {})).trendDays.endDate).toBe('2024-03-30')
    const spans = asked
      .filter(({ name }) => name === 'costByService')
      .map(({ parameters: { start, end, previousStart, previousEnd } }) => [start, end, previousStart, previousEnd])
    expect(spans).toEqual([
      ['2024-03-01', '2024-03-31', '2024-02-01', '2024-02-29'],
      ['2024-03-01', '2024-03-30', '2024-02-01', '2024-02-29'],
    ])
    expect(
      untilComplete(
        { start: '2024-03-01', end: '2024-03-31' },
        { start: '2024-02-01', end: '2024-02-29' },
        '2024-03-10',
      )?.previous.end,
    ).toBe('2024-02-10')
  })
})
