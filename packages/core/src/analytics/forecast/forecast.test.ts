import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { random } from '../series/numeric.ts'
import { backtest, forecast, total } from './forecast.ts'

const start = '2026-01-05T00:00:00Z'
const day = 86_400
const series = (values: readonly (number | null)[], stepSeconds = day) => ({ start, stepSeconds, values })
const step = fc.constantFrom(3_600, day, 604_800, 300)
const amounts = fc.array(fc.option(fc.integer({ min: -1_000, max: 100_000 }), { freq: 8 }), { maxLength: 180 })
/** A weekly pattern with noise that repeats itself. */
const weekly = (length: number) =>
  Array.from({ length }, (_, i) => [50, 60, 70, 80, 90, 20, 10][i % 7] ?? 0).map(
    (value, i) => value + ((i * 7_919) % 13),
  )

test('finds the weekly season, and forecasts it', () => {
  const { mean, periods, intervals } = forecast(series(weekly(200)), { horizon: 14, levels: [0.95] })
  expect(periods).toEqual([7])
  for (const [h, value] of mean.entries()) {
    const expected = [50, 60, 70, 80, 90, 20, 10][(200 + h) % 7] ?? 0
    expect(Math.abs(value - expected - 6)).toBeLessThan(6)
    expect(intervals[0]?.upper[h]).toBeLessThan(expected + 30)
  }
})

test('finds no season in noise', () => {
  const values = Array.from({ length: 300 }, (_, i) => (i * i * 7_919) % 101)
  expect(forecast(series(values), { horizon: 1, levels: [] }).periods).toEqual([])
})

test('forecasts a fee on the first of each month on that day only', () => {
  const values = weekly(210).map((value, i) => value + (dateOf(i) === 1 ? 500 : 0))
  const { mean } = forecast(series(values), { horizon: 40, levels: [0.95] })
  for (const [h, value] of mean.entries())
    if (dateOf(210 + h) === 1) expect(value).toBeGreaterThan(400)
    else expect(value).toBeLessThan(130)
})

test('finds a smooth year in three noisy ones', () => {
  const next = random(1)
  const year = (i: number) => 100 + 30 * Math.sin((2 * Math.PI * i) / 52)
  const errors = Array.from({ length: 20 }, () => {
    const values = Array.from({ length: 160 }, (_, i) => year(i) + 30 * (next() - 0.5))
    const { mean } = forecast(series(values, 604_800), { horizon: 13, levels: [] })
    return mean.reduce((sum, value, h) => sum + Math.abs(value - year(160 + h)) / 13, 0)
  })
  expect(errors.reduce((sum, error) => sum + error, 0) / 20).toBeLessThan(3)
})

test('a season that multiplies grows with its series, and so do the bounds', () => {
  const next = random(2)
  const share = (i: number) => (i % 7 < 5 ? 1 : 0.2) * Math.exp(i / 60)
  let inside = 0
  for (let run = 0; run < 20; run++) {
    const all = Array.from({ length: 214 }, (_, i) => share(i) * (0.9 + 0.2 * next()))
    const { mean, intervals } = forecast(series(all.slice(0, 200)), { horizon: 14, levels: [0.95] })
    for (const [h, value] of all.slice(200).entries()) {
      expect(Math.abs((mean[h] ?? 0) / share(200 + h) - 1)).toBeLessThan(0.2)
      if (value >= (intervals[0]?.lower[h] ?? 0) && value <= (intervals[0]?.upper[h] ?? 0)) inside += 1 / 280
    }
  }
  expect(inside).toBeGreaterThan(0.9)
})

test('hours and days at which all was off in the last four weeks cost nothing', () => {
  const next = random(3)
  const isOn = (i: number) => i % 24 >= 8 && i % 24 < 18 && i % 168 < 120
  const values = Array.from({ length: 720 }, (_, i) => (isOn(i) ? 5 + next() : 0))
  const { mean } = forecast(series(values, 3_600), { horizon: 168, levels: [] })
  for (const [h, value] of mean.entries())
    if (isOn(720 + h)) expect(Math.abs(value - 5.5)).toBeLessThan(1)
    else expect(value).toBe(0)
  const sometimes = values.map((value, i) => (i === 500 ? 3 : value))
  expect(forecast(series(sometimes, 3_600), { horizon: 168, levels: [] }).mean[((500 - 720) % 168) + 168]).not.toBe(0)
})

test('a year of 52.18 weeks keeps its place for twenty years', () => {
  const next = random(4)
  const year = (i: number) => 100 + 60 * Math.exp(-0.5 * ((((i + 30) % 52.1775) - 26) / 2) ** 2)
  const errors = Array.from({ length: 10 }, (_, run) => {
    const values = Array.from({ length: 1_000 + 5 * run }, (_none, i) => year(i) + 4 * (next() - 0.5))
    const { mean } = forecast(series(values, 604_800), { horizon: 13, levels: [] })
    return mean.reduce((sum, value, h) => sum + Math.abs(value - year(values.length + h)) / 13, 0)
  })
  expect(errors.reduce((sum, error) => sum + error, 0) / 10).toBeLessThan(2.2)
})

test('hourly series with seasons that multiply are forecast better than by the last week and the last day', () => {
  const next = random(5)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  const errors = [0, 0, 0]
  for (let run = 0; run < 8; run++) {
    let level = 0
    const all = Array.from({ length: 748 }, (_, i) => {
      level += 0.001 + 0.001 * normal()
      const hour = 1 + 0.7 * Math.sin((2 * Math.PI * ((i % 24) - 8)) / 24)
      return 100 * hour * (i % 168 < 120 ? 1 : 0.4) * Math.exp(level + 0.03 * normal())
    })
    const { mean } = forecast(series(all.slice(0, 700), 3_600), { horizon: 48, levels: [] })
    for (const [h, value] of all.slice(700).entries())
      for (const [k, guess] of [mean[h], all[532 + h], all[676 + (h % 24)]].entries())
        errors[k] = (errors[k] ?? 0) + Math.abs(value - (guess ?? 0))
  }
  expect((errors[0] ?? 0) / Math.min(errors[1] ?? 0, errors[2] ?? 0)).toBeLessThan(0.85)
})

test('follows a level shift', () => {
  const values = weekly(200).map((value, i) => value + (i >= 170 ? 300 : 0))
  const { mean } = forecast(series(values), { horizon: 7, levels: [] })
  expect(mean.reduce((sum, value) => sum + value, 0) / 7).toBeGreaterThan(330)
})

/** 100 a day with noise of 2 %, and `weekend` as a share of it. */
const costs = (length: number, weekend: number, seed = 1) => {
  const next = random(seed)
  return Array.from({ length }, (_, i) => 100 * (i % 7 > 4 ? weekend : 1) * (0.96 + 0.08 * next()))
}
const sumOf = (values: readonly (number | null)[], horizon = 30) =>
  total(forecast(series(values), { horizon, levels: [] }), { level: 0.95 }).mean

test.each([
  [60, 1],
  [60, 0.7],
  [200, 0.7],
  [400, 1],
  [735, 0.7],
])(
  'a spike or a dip of one or two of the last days does not move the forecast: %i days, weekends of %f',
  (n, weekend) => {
    const values = costs(n, weekend)
    const usual = sumOf(values)
    for (const size of [0, 300, 1_000, 10_000])
      for (const days of [[1], [2], [3], [1, 2], [2, 3], [1, 3]]) {
        const moved = sumOf(values.map((value, i) => (days.includes(n - i) ? size : value)))
        expect(Math.abs(moved / usual - 1), `${size} at ${days.join()}`).toBeLessThan(0.06)
      }
  },
)

test.each([14, 15, 18, 20, 23])(
  'a spike of 50 days on one of the last three of %i days moves the forecast little',
  (n) => {
    const moves = [1, 2, 3, 4, 5].flatMap((seed) => {
      const values = costs(n, 0.7, seed)
      const usual = sumOf(values)
      return [1, 2, 3].map((ago) =>
        Math.abs(sumOf(values.map((value, i) => (n - i === ago ? 5_000 : value))) / usual - 1),
      )
    })
    expect(moves.reduce((sum, move) => sum + move, 0) / moves.length).toBeLessThan(0.25)
    expect(Math.max(...moves)).toBeLessThan(1)
  },
)

test('any values of three of the last seven days move the forecast by 10 % at most', () => {
  const values = costs(150, 0.7)
  const usual = sumOf(values)
  const outlier = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 1_000_000 }))
  fc.assert(
    fc.property(fc.array(outlier, { minLength: 1, maxLength: 3 }), (outliers) => {
      const moved = values.map((value, i) => outliers.find(([ago]) => values.length - i === ago)?.[1] ?? value)
      expect(Math.abs(sumOf(moved) / usual - 1)).toBeLessThan(0.1)
    }),
    { numRuns: 40 },
  )
})

test.each<[string, number[], number, number]>([
  ['weeks', [...Array.from({ length: 150 }, () => 1_000), 5_000], 604_800, 1_000],
  ['days', [...Array.from({ length: 99 }, () => 3), 30], day, 3],
  ['nothing', [...Array.from({ length: 299 }, () => 0), 5], day, 0],
])('constant %s go on after a spike at the end', (_, values, stepSeconds, expected) => {
  const { mean } = forecast(series(values, stepSeconds), { horizon: 10, levels: [] })
  for (const value of mean) expect(value).toBeCloseTo(expected, 6)
})

test.each([2, 0.5, 0])('a level of %f times the old one is followed once it has held eight days', (factor) => {
  for (const days of [8, 10, 20, 40]) {
    const values = costs(300, 0.7).map((value, i) => (i >= 300 - days ? factor * value : value))
    const share = sumOf(values) / sumOf(costs(300, 0.7))
    expect((share - 1) / (factor - 1), `${days} days`).toBeGreaterThan(0.6)
    expect((share - 1) / (factor - 1), `${days} days`).toBeLessThan(1.3)
  }
})

test('a cost that is 0 for eight days has ended, unless it paused half as long before', () => {
  const stopped = (weekend: number, days: number, isOff: (i: number) => boolean = () => false) =>
    costs(200, weekend).map((value, i) => (i >= 200 - days || isOff(i) ? 0 : value))
  for (const weekend of [1, 0.7, 0]) expect(sumOf(stopped(weekend, 10))).toBe(0)
  expect(sumOf(stopped(0.7, 6))).toBeGreaterThan(1_500)
  expect(sumOf(stopped(0.7, 10, (i) => i >= 90 && i < 95))).toBeGreaterThan(0)
})

test.each([300, 1_000, 3_000])('a fee of %i on the first of each month does not hide the week', (fee) => {
  for (const length of [200, 400]) {
    const all = costs(length + 31, 0.7).map((value, i) => value + (dateOf(i) === 1 ? fee : 0))
    const { mean, periods } = forecast(series(all.slice(0, length)), { horizon: 31, levels: [] })
    expect(periods).toEqual([7])
    // A month effect is shrunk, so a part of the fee is missing.
    for (const [h, value] of mean.entries())
      expect(Math.abs(value - (all[length + h] ?? 0))).toBeLessThan(dateOf(length + h) === 1 ? 12 + fee / 10 : 12)
  }
})

test.each([3, 5, 13, 30])('a cost on every %ith day is forecast by its rate', (every) => {
  const next = random(6)
  const values = Array.from({ length: 400 }, (_, i) => (i % every === 0 ? 90 + 20 * next() : 0))
  expect(Math.abs(sumOf(values, 60) / (6_000 / every) - 1)).toBeLessThan(0.25)
})

test('gaps are unknown, and not 0: a trend goes on, although most of its values are missing', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i % 5 < 3 ? null : 100 + i))
  const { mean } = forecast(series(values), { horizon: 10, levels: [] })
  for (const [h, value] of mean.entries()) expect(Math.abs(value - 300 - h)).toBeLessThan(3)
})

test('a cost on few days that ended long ago is 0, and one on the first of each month stays there', () => {
  expect(sumOf(Array.from({ length: 200 }, (_, i) => (i < 130 && i % 10 === 0 ? 100 : 0)))).toBeLessThan(20)
  const monthly = Array.from({ length: 200 }, (_, i) => (dateOf(i) === 1 ? 100 : 0))
  const { mean } = forecast(series(monthly), { horizon: 40, levels: [] })
  for (const [h, value] of mean.entries()) expect(value).toBeCloseTo(dateOf(200 + h) === 1 ? 100 : 0, -1)
})

test('a cost that ended is not forecast below 0, neither its mean nor its bounds', () => {
  for (const days of [1, 5, 8, 12, 40]) {
    const values = costs(300, 0.7).map((value, i) => (i >= 300 - days ? 0 : value))
    const result = forecast(series(values), { horizon: 30, levels: [0.95] })
    for (const bound of [result.mean, ...result.intervals.flatMap(({ lower, upper }) => [lower, upper])])
      expect(Math.min(...bound)).toBeGreaterThanOrEqual(0)
    expect(total(result, { level: 0.95 }).lower).toBeGreaterThanOrEqual(0)
  }
})

test('costs that were never negative are not forecast below 0, and an interval of a total is within those of its days', () => {
  const sparse = fc.array(fc.constantFrom(null, 0, 0, 0, 1, 7, 1_000), { maxLength: 120 })
  fc.assert(
    fc.property(fc.oneof(amounts, sparse), step, fc.nat(9), (values, stepSeconds, from) => {
      const result = forecast(series(values, stepSeconds), { horizon: 30, levels: [0.9] })
      const sum = total(result, { from, level: 0.9 })
      const { lower = [], upper = [] } = result.intervals[0] ?? {}
      const least = lower.slice(from).reduce((all, value) => all + value, 0)
      const most = upper.slice(from).reduce((all, value) => all + value, 0)
      const tolerance = 1e-9 * (Math.abs(least) + Math.abs(most))
      expect(sum.lower).toBeGreaterThanOrEqual(least - tolerance)
      expect(sum.upper).toBeLessThanOrEqual(most + tolerance)
      if (values.every((value) => value === null || value >= 0)) expect(Math.min(0, ...result.mean, ...lower)).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('days after the last one that has a date are forecast, without an effect of the day of the month', () => {
  const far = { start: '+275760-09-10T00:00:00Z', stepSeconds: day, values: [1, 2, 3, 4, 5, 6] }
  expect(forecast(far, { horizon: 3, levels: [] }).mean).toEqual(
    forecast(series(far.values), { horizon: 3, levels: [] }).mean,
  )
})

test('a short history is forecast by its mean, with an interval', () => {
  const { mean, intervals } = forecast(series([10, 12, 9, 11, 10, 12]), { horizon: 3, levels: [0.9] })
  expect(mean[0]).toBeCloseTo(10.7, 0)
  expect(new Set(mean).size).toBe(1)
  expect(intervals[0]?.upper[0]).toBeGreaterThan(11)
})

test('a series without values forecasts 0', () => {
  const result = forecast(series([null, null]), { horizon: 2, levels: [0.95] })
  expect(result.mean).toEqual([0, 0])
  expect(total(result, { level: 0.95 })).toEqual({ mean: 0, lower: 0, upper: 0 })
})

test('no input gives NaN or infinity, and intervals are nested by level around the mean', () => {
  const any = fc.array(fc.option(fc.double(), { freq: 5 }), { maxLength: 120 })
  fc.assert(
    fc.property(fc.oneof(any, amounts), step, fc.integer({ min: 1, max: 40 }), (values, stepSeconds, horizon) => {
      const result = forecast(series(values, stepSeconds), { horizon, levels: [0.5, 0.8, 0.95, 0.999_999] })
      expect(result.mean).toHaveLength(horizon)
      for (const [h, value] of result.mean.entries()) {
        const lower = result.intervals.map((interval) => interval.lower[h] ?? Number.NaN)
        const upper = result.intervals.map((interval) => interval.upper[h] ?? Number.NaN)
        const ordered = [...lower.toReversed(), value, ...upper]
        expect(ordered.every(Number.isFinite)).toBe(true)
        expect(ordered).toEqual(ordered.toSorted((a, b) => a - b))
      }
      for (const level of [0.5, 0.95]) {
        const sum = total(result, { level })
        expect([sum.lower, sum.mean, sum.upper].every(Number.isFinite)).toBe(true)
        expect(sum.lower).toBeLessThanOrEqual(sum.mean)
        expect(sum.upper).toBeGreaterThanOrEqual(sum.mean)
      }
    }),
    { numRuns: 150 },
  )
})

test('mean and interval grow with the series, and move with one that is not proportional', () => {
  fc.assert(
    fc.property(
      amounts,
      step,
      fc.integer({ min: -5, max: 5 }),
      fc.integer({ min: -5_000, max: 5_000 }),
      (values, stepSeconds, power, wanted) => {
        // A series with a negative value has no proportions, and no floor. A cost of 0 is an absent one.
        const hasNone = [0, wanted].every((by) => {
          const moved = values.map((value) => value && value * 2 ** power + by)
          return moved.some((value) => value !== null && value < 0) && !moved.includes(0)
        })
        const shift = hasNone ? wanted : 0
        const question = { horizon: 10, levels: [0.9] }
        const moved = values.map((value) => (value === null ? null : value * 2 ** power + shift))
        const [before, after] = [values, moved].map((some) => forecast(series(some, stepSeconds), question))
        const isEmpty = values.every((value) => value === null)
        const expected = (list: number[] | undefined) =>
          list?.map((value) => value * 2 ** power + (isEmpty ? 0 : shift))
        const close = (actual: number[] | undefined, wanted: number[] | undefined) => {
          for (const [h, value] of (wanted ?? []).entries()) {
            const size = (before?.scale ?? 0) * 2 ** power + Math.abs(value) + Math.abs(shift)
            expect(Math.abs((actual?.[h] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-9 * size)
          }
        }
        close(after?.mean, expected(before?.mean))
        close(after?.intervals[0]?.lower, expected(before?.intervals[0]?.lower))
        close(after?.intervals[0]?.upper, expected(before?.intervals[0]?.upper))
      },
    ),
    { numRuns: 100 },
  )
})

test('the same series has the same forecast, whatever was forecast before', () => {
  const answer = (values: (number | null)[], stepSeconds: number) => {
    const result = forecast(series(values, stepSeconds), { horizon: 12, levels: [0.5, 0.95] })
    return { result, month: total(result, { level: 0.9 }) }
  }
  fc.assert(
    fc.property(amounts, amounts, step, (values, others, stepSeconds) => {
      const before = answer(values, stepSeconds)
      answer(others, stepSeconds)
      expect(answer(values, stepSeconds)).toEqual(before)
    }),
    { numRuns: 40 },
  )
})

test.each<[string, (number | null)[], number]>([
  ['no value', [], 0],
  ['gaps only', Array.from({ length: 60 }, () => null), 0],
  ['one value', [7], 7],
  ['two equal values', [7, 7], 7],
  ['a constant', Array.from({ length: 200 }, () => 7), 7],
  ['a negative constant with gaps', Array.from({ length: 200 }, (_, i) => (i % 9 ? -7 : null)), -7],
  ['the largest number', Array.from({ length: 100 }, () => Number.MAX_VALUE), Number.MAX_VALUE],
  ['the smallest number', Array.from({ length: 100 }, () => Number.MIN_VALUE), Number.MIN_VALUE],
])('%s goes on as it is, with bounds of width 0', (_, values, expected) => {
  const { mean, intervals } = forecast(series(values), { horizon: 3, levels: [0.95] })
  for (const bound of [mean, intervals[0]?.lower, intervals[0]?.upper]) expect(bound).toEqual(Array(3).fill(expected))
})

test.each([
  ['two values', [1, 2], 1],
  ['huge values', weekly(120), 2 ** 1_000],
  ['tiny values', weekly(120), 2 ** -1_000],
  ['negative values', weekly(120), -1],
])('%s have finite bounds, proportional to those of their multiples', (_, values, factor) => {
  const bounds = (factor: number) => {
    const scaled = values.map((value) => value * factor)
    const { mean, intervals } = forecast(series(scaled), { horizon: 9, levels: [0.95] })
    return [...mean, ...(intervals[0]?.lower ?? []), ...(intervals[0]?.upper ?? [])]
  }
  const [base, scaled] = [bounds(Math.sign(factor)), bounds(factor)]
  expect(scaled.every(Number.isFinite)).toBe(true)
  for (const [i, value] of base.entries()) expect((scaled[i] ?? 0) / Math.abs(factor)).toBeCloseTo(value, 6)
})

test('values further apart than the largest number have finite bounds', () => {
  const { mean, intervals } = forecast(series([-1e308, 1.7e308]), { horizon: 2, levels: [0.95] })
  expect([...mean, ...(intervals[0]?.lower ?? []), ...(intervals[0]?.upper ?? [])].every(Number.isFinite)).toBe(true)
})

test('95 of 100 values are within the bounds of 95 %, and 80 within those of 80 %', () => {
  const next = random(11)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  const kinds = [() => normal(), (rest: number) => 0.7 * rest + normal(), (rest: number) => rest + normal() / 2]
  const inside = [0, 0]
  const runs = 90
  for (let run = 0; run < runs; run++) {
    let rest = 0
    const noisy = weekly(188).map((value) => value + 8 * (rest = kinds[run % 3]?.(rest) ?? 0))
    const { intervals } = forecast(series(noisy.slice(0, 160)), { horizon: 28, levels: [0.95, 0.8] })
    for (const [i, { lower, upper }] of intervals.entries())
      for (const [h, value] of noisy.slice(160).entries())
        if (value >= (lower[h] ?? 0) && value <= (upper[h] ?? 0)) inside[i] = (inside[i] ?? 0) + 1 / (28 * runs)
  }
  expect(Math.abs((inside[0] ?? 0) - 0.95)).toBeLessThan(0.025)
  expect(Math.abs((inside[1] ?? 0) - 0.8)).toBeLessThan(0.05)
})

test('a backtest forecasts from the values before its origin only', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 40, maxLength: 120 }), (values) => {
      const { mean } = forecast(series(values.slice(0, -10)), { horizon: 10, levels: [] })
      const squares = mean.map((value, h) => ((values[values.length - 10 + h] ?? 0) - value) ** 2)
      const expected = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / 10)
      expect(backtest(series(values), { horizon: 10, origins: 1 }).rmse).toBeCloseTo(expected, 6)
    }),
    { numRuns: 30 },
  )
})

test('a total is the sum of its steps, and its interval is narrower than the sum of theirs', () => {
  const result = forecast(series(weekly(120)), { horizon: 30, levels: [0.95] })
  const sum = total(result, { from: 3, to: 30, level: 0.95 })
  expect(sum.mean).toBeCloseTo(
    result.mean.slice(3).reduce((total, value) => total + value, 0),
    6,
  )
  const widths = result.mean.map((value, h) => (result.intervals[0]?.upper[h] ?? 0) - value).slice(3)
  expect(sum.upper - sum.mean).toBeLessThan(widths.reduce((total, width) => total + width, 0))
  expect(sum.upper - sum.mean).toBeGreaterThan(Math.max(...widths) / 2)
})

test('a backtest names the accuracy of the series itself', () => {
  const { mapePercent, rmse, mase, coverageRatio, origins } = backtest(series(weekly(250)), { horizon: 14 })
  expect(origins).toBe(4)
  expect(mapePercent).toBeLessThan(15)
  expect(rmse).toBeLessThan(6)
  expect(mase).toBeLessThan(1.1)
  expect(coverageRatio).toBeGreaterThan(0.8)
  expect(backtest(series(weekly(41)))).toEqual({ origins: 0 })
  expect(backtest(series(weekly(42))).origins).toBe(1)
})

function dateOf(index: number): number {
  return new Date(Date.parse(start) + index * day * 1_000).getUTCDate()
}
