import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays, monthSpan } from '../kernel/calendar.ts'
import { lakeOf, type Row, snapshot } from '../testing/cost-lake.ts'
import { costForecast } from './cost-forecast.ts'
import { reconciled } from './cost-parts.ts'
import { recurring } from './recurring.ts'

const first = '2024-06-01'
const days = Array.from({ length: 122 }, (_, n) => addDays(first, n))
const bills = ['2024-06', '2024-07', '2024-08', '2024-09'].map((period) =>
  snapshot({ provider: 'AWS', period, days: { first: `${period}-01`, last: monthSpan(period).end } }),
)
const cost = (day: string, amount: number, dimension: string | null = null): Row => ({
  day,
  currency: 'USD',
  dimension,
  cost: String(amount),
})
/** 10 a day, 4 on Sundays. */
const usage = days.map((day) => cost(day, new Date(day).getUTCDay() === 0 ? 4 : 10))
const charge = (day: string, amount: number, charge = 'Tax', isOnce = false) => ({
  ...cost(day, amount),
  payer: '1',
  charge,
  isOnce,
})
const tax = ['2024-07-03', '2024-08-03', '2024-09-03'].map((day) => charge(day, 50))
const oneOff = [charge('2024-08-17', -900)]

interface Held {
  costByDay: Row[]
  chargesByDay: (Row & { payer: string | null; charge: string; isOnce: boolean })[]
  costByGroup: (Row & { payer: string | null; isRest: boolean })[]
}

/** A lake with usage, and with other charges. */
async function lake(held: Partial<Held> = {}, snapshots = bills) {
  const { ctx, asked } = await lakeOf(snapshots)
  const rows: Held = { costByDay: usage, chargesByDay: [...tax, ...oneOff], costByGroup: [], ...held }
  ctx.runtime.lake.query = (async (name: keyof Held, _: unknown, parameters: object) => {
    asked.push({ name, parameters } as never)
    return rows[name]
  }) as never
  return { ctx, asked }
}

test('usage follows its week; what comes each month repeats, and one-offs do not', async () => {
  const { ctx } = await lake()
  const { forecast, basedOn, totalForecasted, monthEnd, accuracyMetrics } = await costForecast(ctx, { daysAhead: 40 })
  expect(basedOn).toMatchObject({
    endDate: '2024-09-30',
    seasons: [7],
    recurring: [{ dayOfMonth: 3, cost: 50 }],
    oneOffs: -900,
  })
  const on = (day: string) => forecast.find(({ date }) => date === day)?.predictedCost
  expect(on('2024-10-01')).toBeCloseTo(10, 1)
  expect(on('2024-10-06')).toBeCloseTo(4, 1)
  expect(on('2024-10-03')).toBeCloseTo(60, 1)
  expect(totalForecasted).toBeCloseTo(
    forecast.reduce((sum, { predictedCost }) => sum + predictedCost, 0),
    2,
  )
  expect(monthEnd).toMatchObject({ month: '2024-10', costToDate: 0 })
  expect(accuracyMetrics.mape).toBeLessThan(10)
})

test('the groups are those that the lake names, and the rest is one line', async () => {
  const group = (dimension: string | null, share: number, isRest = false) =>
    usage.map((row) => ({ ...row, dimension, cost: String(Number(row.cost) * share), payer: '1', isRest }))
  const costByGroup = [...group('ML', 2), ...group(null, 1), ...group('Web', 3), ...group(null, 5, true)]
  const { ctx, asked } = await lake({ costByGroup, chargesByDay: [] })
  const { breakdown } = await costForecast(ctx, { groupBy: 'tag', tagKey: 'Team', limit: 2 })
  expect(breakdown.map(({ dimension, value }) => [dimension, value])).toEqual([
    ['Web', 'Web'],
    ['ML', 'ML'],
    ['(other)', null],
  ])
  const costs = breakdown.map(({ predictedCost }) => predictedCost)
  expect(costs[2]).toBeCloseTo(2 * (costs[0] ?? 0), 1)
  const questions = asked.flatMap(({ name, parameters }) => (name === 'costByGroup' ? parameters : []))
  expect(questions).toMatchObject([{ groupBy: 'tag', tagKey: 'Team', most: 2, recent: '2024-09-01' }])
})

test('an answer is kept: another process finds it, and does not ask the lake', async () => {
  const { ctx, asked } = await lake()
  const answer = await costForecast(ctx, {})
  const count = asked.length
  const other = { ...ctx, runtime: { ...ctx.runtime } }
  expect(await costForecast(other, {})).toEqual(answer)
  expect(asked).toHaveLength(count)
})

test('intervals are nested by level, and contain the mean', async () => {
  const { ctx } = await lake()
  const at = async (confidenceLevel: number) => (await costForecast(ctx, { confidenceLevel })).forecast
  const [narrow, wide] = [await at(0.5), await at(0.99)]
  for (const [n, { lowerBound, upperBound, predictedCost }] of narrow.entries()) {
    expect(lowerBound).toBeGreaterThanOrEqual(wide[n]?.lowerBound ?? Infinity)
    expect(upperBound).toBeLessThanOrEqual(wide[n]?.upperBound ?? -Infinity)
    expect(predictedCost >= lowerBound && predictedCost <= upperBound).toBe(true)
  }
})

test('converted costs are forecast from the last day with exchange rates, others from the last complete day', async () => {
  const totals = (currency: string) => [{ currency, billed: '1', effective: '1', list: null, contracted: null }]
  const inEuro = snapshot({ provider: 'AWS', period: '2026-11', totals: totals('EUR'), at: '2026-12-05T00:00:00.000Z' })
  const { ctx } = await lakeOf([inEuro])
  ctx.runtime.lake.query = async () => usage
  const endOf = async (currency: string) => (await costForecast({ ...ctx, currency }, {})).forecast[0]?.date
  expect([await endOf('USD'), await endOf('EUR')]).toEqual(['2026-11-07', '2026-11-29'])
})

test('an empty lake has a forecast of 0', async () => {
  const { ctx } = await lakeOf([])
  const { forecast, totalForecasted, accuracyMetrics, basedOn } = await costForecast(ctx, {})
  expect([forecast.length, totalForecasted, accuracyMetrics.mape, basedOn.startDate]).toEqual([30, 0, null, null])
})

test('groups without usage are in the rest, and the lines sum to the total', async () => {
  const plans = ['06', '07', '08', '09'].map((month) => ({
    ...charge(`2024-${month}-01`, 5_000, 'Purchase of plan 1'),
    dimension: 'Savings Plans',
  }))
  const costByGroup = usage.map((row) => ({ ...row, dimension: 'EC2', payer: '1', isRest: false }))
  const { ctx } = await lake({
    chargesByDay: [...plans, ...tax.map((row) => ({ ...row, dimension: 'EC2' }))],
    costByGroup,
  })
  const { breakdown, totalForecasted } = await costForecast(ctx, { groupBy: 'service' })
  expect(totalForecasted).toBeGreaterThan(5_000 + 50 + 250)
  expect(breakdown.map(({ dimension, value }) => [dimension, value])).toEqual([
    ['EC2', 'EC2'],
    ['(other)', null],
  ])
  expect(breakdown[1]?.predictedCost).toBeCloseTo(5_000, 0)
  expect(breakdown.reduce((sum, { predictedCost }) => sum + predictedCost, 0)).toBeCloseTo(totalForecasted, 2)
})

test.each([3, 11, 28])(
  'a provider whose bills are %i days behind is forecast from its own last day',
  async (behind) => {
    const until = addDays('2024-09-30', -behind)
    const azure = ['2024-06', '2024-07', '2024-08', '2024-09'].map((period) => {
      const { start, end } = monthSpan(period)
      return snapshot({
        provider: 'Microsoft',
        billingAccountId: '2',
        period,
        days: { first: start, last: end < until ? end : until },
      })
    })
    const costByDay = days.flatMap((day) => [cost(day, 100, '1'), ...(day <= until ? [cost(day, 100, '2')] : [])])
    const { ctx } = await lake({ costByDay, chargesByDay: [] }, [...bills, ...azure])
    const { forecast, monthEnd, totalForecasted, totalLowerBound, accuracyMetrics } = await costForecast(ctx, {})
    for (const { predictedCost } of forecast) expect(predictedCost).toBeCloseTo(200, 1)
    expect([totalForecasted, totalLowerBound]).toEqual([6_000, 6_000])
    expect(accuracyMetrics.mape).toBe(0)
    const left = monthEnd.month === '2024-10' ? 31 : 30
    expect(monthEnd.predictedCost).toBeCloseTo(200 * left, 1)
  },
)

test('a fee of a provider whose bills are behind repeats, also on the days that it has not billed', async () => {
  const azure = ['2024-06', '2024-07', '2024-08'].map((period) =>
    snapshot({
      provider: 'Microsoft',
      billingAccountId: '2',
      period,
      days: { first: `${period}-01`, last: monthSpan(period).end },
    }),
  )
  const until = '2024-09-20'
  const costByDay = days.filter((day) => day <= until).map((day) => cost(day, 100, '1'))
  const fees = ['2024-06-05', '2024-07-05', '2024-08-05'].map((day) => ({ ...charge(day, 3_000, 'Fee'), payer: '2' }))
  const september = snapshot({ provider: 'AWS', period: '2024-09', days: { first: '2024-09-01', last: until } })
  const { ctx } = await lake({ costByDay, chargesByDay: fees }, [...bills.slice(0, 3), september, ...azure])
  const { forecast, monthEnd, basedOn } = await costForecast(ctx, {})
  expect(forecast[0]?.date).toBe('2024-09-21')
  expect(forecast.filter(({ predictedCost }) => predictedCost > 3_000).map(({ date }) => date)).toEqual(['2024-10-05'])
  expect(monthEnd).toMatchObject({ month: '2024-09', costToDate: 2_000, predictedCost: 6_000 })
  expect(basedOn).toMatchObject({ recurring: [{ dayOfMonth: 5, cost: 3_000 }], oneOffs: 0 })
})

test('the days of a missing bill are unknown, and not free', async () => {
  const costByDay = days.filter((day) => !day.startsWith('2024-08')).map((day) => cost(day, 100, '1'))
  const { ctx } = await lake(
    { costByDay, chargesByDay: [] },
    bills.filter(({ period }) => period !== '2024-08'),
  )
  const { totalForecasted, totalLowerBound, totalUpperBound } = await costForecast(ctx, {})
  expect([totalLowerBound, totalForecasted, totalUpperBound]).toEqual([3_000, 3_000, 3_000])
})

test('lines that sum to the total keep their bounds above 0', () => {
  const line = { predictedCost: 10, lowerBound: 0, upperBound: 30 }
  expect(reconciled([line, { predictedCost: 30, lowerBound: -5, upperBound: 40 }], 20)).toEqual([
    { predictedCost: 5, lowerBound: 0, upperBound: 25 },
    { predictedCost: 15, lowerBound: -20, upperBound: 25 },
  ])
})

test('a fee that recurs does not make an upfront purchase of its day recur', () => {
  const rows = [
    charge('2024-07-01', 3, 'Fee'),
    charge('2024-08-01', 3, 'Fee'),
    charge('2024-08-01', 120_000, 'Plan 1', true),
    charge('2024-07-02', 500, 'Plan 2'),
  ]
  const { days: repeated, oneOffs } = recurring(rows, '2024-08-20')
  expect([repeated, oneOffs]).toEqual([[{ dayOfMonth: 1, cost: 3 }], 120_500])
})

test('a charge at the end of each month repeats at the end of the next ones', () => {
  const ends = recurring([charge('2024-05-31', 9), charge('2024-06-30', 9)], '2024-07-10')
  expect([ends.days, ends.oneOffs]).toEqual([[{ dayOfMonth: 31, cost: 9 }], 0])
  expect(['2024-07-30', '2024-07-31', '2024-09-30', '2025-02-28'].map(ends.on)).toEqual([0, 9, 9, 9])
})

test('a charge that moves by some days repeats once a month, and one that stopped does not', () => {
  const rows = ['2024-06-03', '2024-07-02', '2024-08-03'].map((day) => charge(day, 500))
  expect(recurring(rows, '2024-08-31')).toMatchObject({ days: [{ dayOfMonth: 3, cost: 500 }], oneOffs: 0 })
  expect(recurring(rows, '2024-09-05')).toMatchObject({ days: [{ dayOfMonth: 3, cost: 500 }], oneOffs: 0 })
  expect(recurring(rows, '2024-09-08')).toMatchObject({ days: [], oneOffs: 1_500 })
})

test('each charge of the history either repeats or is a one-off', () => {
  const fee = fc.record({
    dayOfMonth: fc.integer({ min: 4, max: 24 }),
    moves: fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 3, maxLength: 9 }),
    amount: fc.integer({ min: 1, max: 1_000 }),
  })
  const others = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: -1_000, max: 1_000 })))
  fc.assert(
    fc.property(fc.array(fee, { maxLength: 5 }), others, (fees, extras) => {
      const rows = [
        ...fees.flatMap(({ dayOfMonth, moves, amount }, n) =>
          moves.map((move, i) =>
            charge(addDays(`2024-${String(9 - i).padStart(2, '0')}-01`, dayOfMonth - 1 + move), amount, `Fee ${n}`),
          ),
        ),
        ...extras.map(([n, amount], i) => charge(addDays('2024-01-01', n), amount, `Extra ${i}`)),
      ]
      const { days: repeated, oneOffs, on } = recurring(rows, '2024-09-30')
      const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)
      expect(oneOffs).toBe(sum(extras.map(([, amount]) => amount)))
      expect(sum(repeated.map((each) => each.cost))).toBe(sum(fees.map(({ amount }) => amount)))
      expect(sum(Array.from({ length: 31 }, (_, n) => on(addDays('2024-10-01', n))))).toBe(
        sum(fees.map(({ amount }) => amount)),
      )
    }),
  )
})
