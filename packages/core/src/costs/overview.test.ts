import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Cost from './cost.ts'
import { Fault } from '../kernel/fault.ts'
import { parse, sum } from '../kernel/money.ts'
import { lakeOf, row, september, snapshot } from '../testing/cost-lake.ts'

describe('overview', () => {
  test('adds exactly, fills days without cost, and compares with the period of the same length before', async () => {
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

  test('if the period before cost nothing, the change is 100 or 0 and a flag says so', async () => {
    const { ctx } = await lakeOf(september, [row('2024-09-01', '5')])
    const compared = async (day: string) =>
      (await Cost.overview(ctx, { startDate: day, endDate: day })).periodComparison
    expect(await compared('2024-09-01')).toMatchObject({ changePercent: 100, previousIsZero: true })
    expect(await compared('2024-09-02')).toMatchObject({ changePercent: -100, previousIsZero: false })
    expect(await compared('2024-09-03')).toMatchObject({ changePercent: 0, previousIsZero: true })
  })

  test('weeks begin on Monday, and the first and the last week have only days of the span', async () => {
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

  test('the default is the last 30 complete days', async () => {
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

  test('other currencies are not added but named with their exact amounts', async () => {
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
    expect(answer.meta).not.toHaveProperty('rates')
    expect(answer.meta.missing[0]?.detail).toContain('they are in USD, and nothing is converted')
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

  test('a metric that bills lack is named, only for the providers of the question', async () => {
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

  test('values that the bill lacks are one line, and lines beyond the limit are summed', async () => {
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

  test('the percentages of a breakdown add up to 100, or are 0 for a total of 0', () => {
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

  test('the series adds up to the rows, in every granularity', () => {
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

  test('a daily series may have three years', async () => {
    const { ctx } = await lakeOf(september)
    expect((await Cost.overview(ctx, { startDate: '2020-01-01', endDate: '2022-12-31' })).timeSeries).toHaveLength(1096)
  })

  test('short names of clouds become the provider names of the lake', async () => {
    const { ctx, asked } = await lakeOf([...september, snapshot({ provider: 'Microsoft', period: '2024-09' })])
    await Cost.overview(ctx, { cloudProvider: 'azure' })
    await Cost.overview(ctx, { cloudProvider: 'microsoft' })
    expect(asked.map(({ parameters }) => parameters.filters)).toEqual(
      Array.from({ length: asked.length }, () => [{ dimension: 'provider', values: ['Microsoft'] }]),
    )
    expect(asked[0]?.files.files.cost_rollup).toEqual(['Microsoft/1/2024-09/rollup'])
  })
})
