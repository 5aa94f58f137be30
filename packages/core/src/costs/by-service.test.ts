import { describe, expect, test } from 'vitest'
import * as Cost from './cost.ts'
import { untilComplete } from './by-service.ts'
import { lakeOf, september, snapshot } from '../testing/cost-lake.ts'

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

  test('the most expensive first, each with the month before, the trend and its most expensive resources', async () => {
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

  test('before the end of the month, the trend compares its complete days with the same days of the month before', async () => {
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
