import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays, monthSpan } from '../kernel/calendar.ts'
import { lakeOf, type Row, snapshot } from '../testing/cost-lake.ts'
import { costForecast } from './cost-forecast.ts'
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
const tax = ['2024-07-03', '2024-08-03', '2024-09-03'].map((day) => cost(day, 50))
const oneOff = [cost('2024-08-17', -900)]

/** A lake with usage, and with other charges. */
async function lake() {
  const { ctx, asked } = await lakeOf(bills)
  ctx.runtime.lake.query = (async (name: string, _: unknown, parameters: { filters: { values: string[] }[] }) => {
    asked.push({ name } as never)
    if (name !== 'costByDay') return []
    return parameters.filters.at(-1)?.values.includes('Usage') ? usage : [...tax, ...oneOff]
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
  const { ctx } = await lake()
  const asked: unknown[] = []
  const plain = ctx.runtime.lake.query
  const group = (dimension: string | null, share: number, isRest = false) =>
    usage.map((row) => ({ ...row, dimension, cost: String(Number(row.cost) * share), isUsage: true, isRest }))
  const rows = [...group('ML', 2), ...group(null, 1), ...group('Web', 3), ...group(null, 5, true)]
  ctx.runtime.lake.query = (async (name: 'costByDay', files: never, parameters: never) => {
    if ((name as string) !== 'costByGroup') return await plain(name, files, parameters)
    asked.push(parameters)
    return rows
  }) as never
  const { breakdown } = await costForecast(ctx, { groupBy: 'tag', tagKey: 'Team', limit: 2 })
  expect(breakdown.map(({ dimension, value }) => [dimension, value])).toEqual([
    ['Web', 'Web'],
    ['ML', 'ML'],
    ['(other)', null],
  ])
  const costs = breakdown.map(({ predictedCost }) => predictedCost)
  expect(costs[2]).toBeCloseTo(2 * (costs[0] ?? 0), 1)
  expect(asked).toMatchObject([{ groupBy: 'tag', tagKey: 'Team', most: 2, recent: '2024-09-01' }])
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

test('each charge of the history either repeats or is a one-off', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(400), fc.integer({ min: -1000, max: 1000 }))), (charges) => {
      const rows = charges.map(([n, amount]) => cost(addDays('2023-01-01', n), amount))
      const { days: repeated, oneOffs } = recurring(rows, '2024-02-05')
      const isRepeated = (day: string) => repeated.some(({ dayOfMonth }) => dayOfMonth === Number(day.slice(8)))
      const rest = rows.filter(({ day }) => !isRepeated(day)).reduce((sum, row) => sum + Number(row.cost), 0)
      expect(oneOffs).toBe(rest)
      expect(repeated.every((each) => each.cost !== 0)).toBe(true)
    }),
  )
})
