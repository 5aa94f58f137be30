import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factors } from '../currencies/factor.ts'
import { mostConverted } from '../effects/queries.ts'
import type { Publication } from '../effects/exchange-rates.ts'
import { addDays } from '../kernel/calendar.ts'
import * as Money from '../kernel/money.ts'
import { lakeOf, row, september, snapshot } from '../testing/cost-lake.ts'
import * as Cost from './cost.ts'
import { convert, convertRows } from './convert.ts'
import * as ExchangeRate from '../currencies/rates.ts'

// Thursday to Saturday.
const days = ['2024-09-05', '2024-09-06', '2024-09-07']
const span = { startDate: '2024-09-06', endDate: '2024-09-07' }
const usdOf = async (ctx: Parameters<typeof ExchangeRate.get>[0], date: string) =>
  Money.parse((await ExchangeRate.get(ctx, { date })).rates.find(({ currency }) => currency === 'USD')?.rateExact ?? '')

describe('an overview in a named currency', () => {
  const rows = days.flatMap((day) => [row(day, '5'), row(day, '7.10', 'VM', 'EUR')])

  test("has each day's cost at the rate of that day, and of a Saturday at Friday's", async () => {
    const { ctx } = await lakeOf(september, rows)
    const answer = await Cost.overview(ctx, { ...span, currency: 'USD' })
    const friday = await usdOf(ctx, '2024-09-06')
    const expected = friday.times('7.10').plus('5')
    expect(answer.timeSeries.map(({ costExact }) => costExact)).toEqual([expected, expected].map(Money.plain))
    expect(answer.totalCostExact).toBe(Money.plain(expected.times(2)))
    expect(answer.breakdown.map(({ dimension, costExact }) => [dimension, costExact])).toEqual([
      ['VM', Money.plain(friday.times('14.2'))],
      ['EC2', '10'],
    ])
    const before = (await usdOf(ctx, '2024-09-05')).times('7.10').plus('5')
    expect(answer.periodComparison.previousPeriodExact).toBe(Money.plain(before))
    expect(answer.meta).toMatchObject({
      missing: [],
      rates: { source: ExchangeRate.source, firstDay: '2024-09-05', lastDay: '2024-09-06' },
    })
  })

  test("has the organization's currency by default", async () => {
    const { ctx } = await lakeOf(september, rows)
    const own = await Cost.overview({ ...ctx, currency: 'CHF' }, span)
    const { totalCostExact } = await Cost.overview(ctx, { ...span, currency: 'CHF' })
    expect(own).toMatchObject({ currency: 'CHF', totalCostExact, meta: { missing: [] } })
    expect(Number(totalCostExact)).toBeGreaterThan(10)
  })

  test('names the amounts and days without a rate, and guesses none', async () => {
    const { ctx } = await lakeOf(september, [
      ...rows,
      row('2024-09-07', '3', 'X', 'XYZ'),
      row('2024-09-06', '4', 'X', 'XYZ'),
    ])
    const { meta, breakdown } = await Cost.overview(ctx, { ...span, currency: 'USD' })
    expect(breakdown.map(({ dimension }) => dimension)).toEqual(['VM', 'EC2'])
    expect(meta.missing).toEqual([
      {
        kind: 'exchange_rate',
        currency: 'XYZ',
        amount: '7',
        period: 'current',
        detail:
          '7 XYZ of the current period is not in the figures: there is no exchange rate from XYZ to USD on 2 days ' +
          'from 2024-09-06 to 2024-09-07.',
      },
    ])
    const october = snapshot({
      provider: 'Microsoft',
      period: '2023-10',
      days: { first: '2023-10-01', last: '2023-10-31' },
    })
    const old = await lakeOf([october], [row('2023-10-31', '1', 'VM', 'EUR')])
    const before = await Cost.overview(old.ctx, { startDate: '2023-10-31', endDate: '2023-10-31', currency: 'USD' })
    expect(before).toMatchObject({ totalCostExact: '0', meta: { missing: [{ currency: 'EUR', amount: '1' }] } })
    expect(before.meta).not.toHaveProperty('rates')
  })

  test('with too many amounts to convert is refused, and without a named currency it is answered', async () => {
    const cell = { part: 'dimension', key: 'VM', currency: 'EUR', rateDay: '2024-09-06', cost: '1' } as const
    const { ctx } = await lakeOf(september, [], { costOverview: Array.from({ length: mostConverted + 1 }, () => cell) })
    await expect(Cost.overview(ctx, { ...span, currency: 'USD' })).rejects.toMatchObject({ code: 'invalid' })
    expect(await Cost.overview(ctx, span)).toMatchObject({ totalCost: 0 })
  })

  test('has another tag when newer rates are held, and an answer without a currency keeps its tag', async () => {
    const { ctx, runtime } = await lakeOf(september, rows)
    const tags = async () => [
      (await Cost.overview.ask(ctx, { ...span, currency: 'USD' })).tag,
      (await Cost.overview.ask(ctx, span)).tag,
    ]
    const before = await tags()
    runtime.exchangeRates = { after: async () => [{ day: '2026-11-20', rates: { USD: '1.1' } }] }
    await ExchangeRate.refresh(ctx)
    const after = await tags()
    expect(after[0]).not.toBe(before[0])
    expect(after[1]).toBe(before[1])
  })
})

test('costs by service are converted day by day, and the most expensive resources too', async () => {
  const euro = { provider: 'Microsoft', service: 'VM', currency: 'EUR' }
  const { ctx } = await lakeOf(september, [], {
    costByService: [
      { provider: 'AWS', service: 'EC2', currency: 'USD', rateDay: null, current: '10', previous: '1' },
      { ...euro, rateDay: '2024-09-05', current: '1', previous: '0' },
      { ...euro, rateDay: '2024-09-06', current: '2', previous: '0' },
      { ...euro, rateDay: '2024-08-06', current: '0', previous: '3' },
    ],
    topResources: [
      { ...euro, resourceId: 'a', rateDay: '2024-09-05', cost: '1' },
      { ...euro, resourceId: 'a', rateDay: '2024-09-06', cost: '1' },
      { ...euro, resourceId: 'b', rateDay: '2024-09-06', cost: '0.5' },
    ],
  })
  const { services, meta } = await Cost.byService(ctx, { month: '2024-09', currency: 'USD', topResources: 1 })
  const [thursday, friday] = [await usdOf(ctx, '2024-09-05'), await usdOf(ctx, '2024-09-06')]
  expect(services).toMatchObject([
    { serviceName: 'EC2', currentMonthExact: '10', lastMonthExact: '1' },
    {
      serviceName: 'VM',
      currentMonthExact: Money.plain(friday.times(2).plus(thursday)),
      lastMonthExact: Money.plain((await usdOf(ctx, '2024-08-06')).times(3)),
      topResources: [{ resourceId: 'a', costExact: Money.plain(friday.plus(thursday)) }],
    },
  ])
  expect(meta).toMatchObject({ missing: [], rates: { firstDay: '2024-08-06', lastDay: '2024-09-06' } })
})

test('an answer uses no publication after the one that its tag names', async () => {
  const { ctx } = await lakeOf(september)
  const rows = [{ currency: 'EUR', rateDay: '2024-09-06', cost: '1' }]
  const converted = await convert(ctx, rows, ['cost'], { to: 'USD', until: '2024-09-05' })
  expect(converted.rows[0]?.cost).toBe(Money.plain(await usdOf(ctx, '2024-09-05')))
  expect(converted.rates?.lastDay).toBe('2024-09-05')
})

describe('conversion', () => {
  const amount = fc
    .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(18))
    .map(([units, decimals]) => Money.plain(Money.parse(String(units)).times(`1e-${decimals}`)))
  const currency = fc.constantFrom('USD', 'JPY', 'EUR', 'IDR')
  const key = fc.constantFrom('a', 'b', null)
  const rate = fc.integer({ min: 1, max: 10 ** 9 }).map((units) => String(units / 10 ** 4))
  const publications = fc
    .array(fc.record({ USD: rate, JPY: rate, IDR: rate }), { minLength: 5, maxLength: 5 })
    .map((all): Publication[] => all.map((rates, n) => ({ day: addDays('2026-10-01', n), rates })))
  const rateDay = fc.nat(4).map((n) => addDays('2026-10-01', n))
  const cost = fc.record({ key, currency, rateDay, cost: amount })
  const totalOf = (rows: readonly { cost: string }[]) => Money.sum(rows.map(({ cost }) => Money.parse(cost)))

  test('the converted parts add up to the converted whole, to the last digit', () => {
    fc.assert(
      fc.property(fc.array(cost), publications, currency, (costs, published, to) => {
        const factorOf = factors(published)
        const parts = convertRows(costs, ['cost'], to, factorOf)
        const whole = convertRows(
          costs.map((each) => ({ ...each, key: null })),
          ['cost'],
          to,
          factorOf,
        )
        const exact = [...Map.groupBy(costs, ({ currency, rateDay }) => `${currency} ${rateDay}`).values()].map((of) =>
          totalOf(of).times(factorOf(of[0]?.currency ?? '', to, of[0]?.rateDay ?? '') ?? 0),
        )
        expect(totalOf(parts).eq(Money.sum(exact))).toBe(true)
        expect(parts.every((part) => part.currency === to)).toBe(true)
        expect(totalOf(parts).eq(totalOf(whole))).toBe(true)
        expect(whole.length).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('to the currency of the bill it is the identity, to the last digit and without any rate', () => {
    fc.assert(
      fc.property(amount, fc.constantFrom('USD', 'EUR', 'XYZ'), (given, currency) => {
        const [row] = convertRows([{ currency, rateDay: null, cost: given }], ['cost'], currency, factors([]))
        expect(row?.cost).toBe(given)
      }),
    )
  })
})
