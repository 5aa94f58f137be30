import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { random } from '../series/numeric.ts'
import { judge } from './detector.ts'

const start = '2025-01-01'
const stepSeconds = 86_400
const scores = (values: (number | null)[], step = stepSeconds) =>
  judge({ start, stepSeconds: step, values }).map(({ score }) => score)
const alarms = (values: (number | null)[], step = stepSeconds) =>
  scores(values, step).flatMap((score, i) => (score >= 1 ? [i] : []))

/** 100 on weekdays, 60 on weekends, with even noise of 4 %. */
function costs(length: number, seed = 1): number[] {
  const next = random(seed)
  return Array.from({ length }, (_, i) => (i % 7 < 5 ? 100 : 60) * (0.96 + 0.08 * next()))
}
const changed = (values: number[], change: (value: number, i: number) => number) => values.map(change)

describe('a score', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.double(),
    fc.constantFrom(0, 0, 0, 5, Number.MAX_VALUE, Number.MIN_VALUE),
  )
  const grain = fc.constantFrom(300, 3_600, 86_400, 604_800)

  test('depends on the past only', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 120 }), fc.nat(120), grain, (values, cut, step) => {
        expect(scores(values, step).slice(0, cut)).toEqual(scores(values.slice(0, cut), step))
      }),
    )
  })

  test('is a number of at least 0 for any input, and so are its range and expectation finite', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 120 }), grain, (values, step) => {
        for (const { score, expected, range } of judge({ start, stepSeconds: step, values })) {
          expect(score).toBeGreaterThanOrEqual(0)
          expect([score, expected, range].every(Number.isFinite)).toBe(true)
        }
      }),
    )
  })

  test('does not depend on the currency: neither on its unit nor on its sign', () => {
    const moderate = fc.oneof(fc.constant(null), fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(Math.fround))
    fc.assert(
      fc.property(fc.array(moderate, { maxLength: 120 }), fc.integer({ min: -20, max: 20 }), (values, power) => {
        const scaled = values.map((value) => value && value * -(2 ** power))
        expect(scores(scaled)).toEqual(scores(values))
      }),
    )
  })
})

describe('a daily cost', () => {
  test('without anomalies raises less than 0.03 alarms in 30 days at noise of 4 %', () => {
    const found = Array.from({ length: 20 }, (_, seed) => alarms(costs(400, seed)).length)
    expect((found.reduce((sum, count) => sum + count) * 30) / (20 * 400)).toBeLessThan(0.03)
  })

  test('is judged from its eleventh day on', () => {
    const values = costs(11)
    expect(alarms(changed(values, (value, i) => (i === 10 ? 3 * value : value)))).toEqual([10])
    expect(alarms(changed(values, (value, i) => (i === 9 ? 3 * value : value)))).toEqual([])
  })

  test('finds a rise of 60 % in its third week, and raises few false alarms before', () => {
    const seeds = Array.from({ length: 40 }, (_, seed) => costs(20, seed))
    const found = seeds.filter((values) =>
      alarms(changed(values, (value, i) => (i === 16 ? 1.6 * value : value))).includes(16),
    )
    expect(found.length).toBeGreaterThanOrEqual(36)
    expect(seeds.flatMap((values) => alarms(values)).length).toBeLessThanOrEqual(1)
  })

  test('raises an alarm on the day of a spike or a dip, and none on the days after it', () => {
    for (const factor of [1.5, 0.5])
      expect(alarms(changed(costs(200), (value, i) => (i === 150 ? factor * value : value)))).toEqual([150])
  })

  test('raises an alarm for a rise on one day, but for a fall of the same size only on more days', () => {
    const least = (sign: number, days: number) =>
      Array.from({ length: 60 }, (_, size) => size).find((size) => {
        const isChanged = (i: number) => i >= 150 && i < 150 + days
        return alarms(changed(costs(200), (value, i) => value + (isChanged(i) ? sign * size : 0))).includes(149 + days)
      }) ?? Infinity
    expect(least(-1, 1) / least(1, 1)).toBeGreaterThan(1.1)
    expect(least(-1, 3)).toBeLessThan(least(-1, 1))
    expect(least(-1, 1)).toBeLessThan(25)
  })

  test('raises an alarm for a fee of a weekday on a Saturday', () => {
    expect(alarms(changed(costs(200), (value, i) => (i === 152 ? 100 : value)))).toEqual([152])
  })

  test('keeps the level from before an alarm as its expectation', () => {
    const values = changed(costs(200), (value, i) => (i >= 150 && i < 156 ? 2 * value : value))
    const judged = judge({ start, stepSeconds, values }).slice(150, 156)
    for (const [i, { expected }] of judged.entries())
      expect(Math.abs(expected / ((i + 150) % 7 < 5 ? 100 : 60) - 1)).toBeLessThan(0.08)
  })

  test('raises an alarm for a slow ramp before it has doubled the cost', () => {
    const values = changed(costs(220), (value, i) => value * (1 + Math.max(0, Math.min(1, (i - 150) / 20))))
    expect(alarms(values)[0]).toBeLessThan(160)
  })

  test('accepts a new level after eight days, and its end is no anomaly', () => {
    const values = changed(costs(240), (value, i) => (i >= 150 && i < 170 ? value + 50 : value))
    const judged = judge({ start, stepSeconds, values })
    expect(judged.flatMap(({ isShift }, i) => (isShift ? [i] : []))).toEqual([157])
    expect(alarms(values).every((day) => day >= 150 && day <= 157)).toBe(true)
  })

  test.each([0, 1, 20])('that begins in a series of %d a day is one anomaly, whatever its week', (before) => {
    for (let seed = 0; seed < 5; seed++) {
      const values = changed(costs(300, seed), (value, i) => before + (i < 150 ? 0 : value))
      expect(alarms(values).filter((day) => day < 150 || day > 157)).toEqual([])
      expect(alarms(changed(values, (value, i) => (i === 200 ? 2 * value : value)))).toContain(200)
    }
  })

  test.each([
    [9, 1],
    [12, 1],
    [20, 1],
    [27, 1],
    [12, 2],
  ])('that is ten times as high for %d days, and then %d times, raises no alarm at the end', (days, after) => {
    for (let seed = 0; seed < 5; seed++) {
      const factorOf = (i: number) => (i < 150 ? 1 : i < 150 + days ? 10 : after)
      const found = alarms(changed(costs(300, seed), (value, i) => value * factorOf(i)))
      expect(found.filter((day) => day < 150 || day > 157)).toEqual([])
    }
  })

  test('accepts a new season after three weeks, such as weekends that are off from now on', () => {
    for (let seed = 0; seed < 5; seed++) {
      const values = changed(costs(300, seed), (value, i) => (i >= 150 && i % 7 >= 5 ? 0 : value))
      const found = alarms(values)
      expect(found.filter((day) => day >= 150 && day < 164).length).toBeGreaterThan(0)
      expect(found.filter((day) => day < 150 || day >= 175)).toEqual([])
    }
  })

  test('expects a fee on the first of the month after three months', () => {
    const first = (i: number) => new Date(Date.UTC(2025, 0, 2 + i)).getUTCDate() === 1
    const found = (values: number[]) =>
      judge({ start: '2025-01-02', stepSeconds, values }).flatMap(({ score }, i) => (score >= 1 ? [i] : []))
    const values = changed(costs(270), (value, i) => value + (first(i) ? 80 : 0))
    expect(found(values)).toEqual([30, 58, 89])
    expect(found(changed(values, (value, i) => (i === 242 ? value - 80 : value)))).toContain(242)
  })

  test('may have a fee on the last day of each month, however long the month is', () => {
    const last = (i: number) => new Date(Date.UTC(2025, 0, 2 + i + 1)).getUTCDate() === 1
    const values = changed(costs(270), (value, i) => value + (last(i) ? 80 : 0))
    expect(alarms(values)).toEqual([29, 57, 88])
  })

  test('tires of alarms: one of the same size counts less after another one', () => {
    const spike = (...days: number[]) => scores(Array.from({ length: 200 }, (_, i) => (days.includes(i) ? 150 : 100)))
    expect(spike(120, 141)[141]).toBeLessThan(0.95 * (spike(141)[141] ?? 0))
  })

  test('is never anomalous by less than 10 %, however steady it is', () => {
    const steady = (extra: number) => alarms(Array.from({ length: 100 }, (_, i) => (i === 80 ? 100 + extra : 100)))
    expect([steady(9), steady(11)]).toEqual([[], [80]])
  })

  test('does not shift without an alarm', () => {
    const values = Array.from({ length: 140 }, (_, i) => (i < 100 ? 100 : 106))
    expect(judge({ start, stepSeconds, values }).filter(({ isShift }) => isShift)).toEqual([])
  })

  test('forgets the level from before an alarm after three days', () => {
    const values = Array.from({ length: 140 }, (_, i) => (i < 100 ? 100 : i === 100 ? 200 : 106))
    const judged = judge({ start, stepSeconds, values })
    expect(judged[101]?.expected).toBeLessThan(101)
    expect(judged[130]?.expected).toBeGreaterThan(105)
  })

  describe('with noise of 14 %', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const noisy = (seed: number, change: (day: number) => number) => {
      const next = random(seed)
      return Array.from({ length: 200 }, (_, i) => (i % 7 < 5 ? 100 : 60) * (0.75 + next() / 2) + change(i - 149))
    }

    test('raises few alarms after a ramp', () => {
      const after = seeds.flatMap((seed) =>
        alarms(noisy(seed, (day) => (day > 0 && day <= 14 ? 14 * day : 0))).filter((day) => day > 163 && day <= 170),
      )
      expect(after.length).toBeLessThan(8)
    })

    test('has about the same range after an event of six days as without it', () => {
      const range = (values: number[]) => judge({ start, stepSeconds, values })[185]?.range ?? 0
      const ratios = seeds.map(
        (seed) => range(noisy(seed, (day) => (day > 0 && day <= 6 ? 150 : 0))) / range(noisy(seed, () => 0)),
      )
      expect(ratios.sort((a, b) => a - b)[10]).toBeLessThan(1.22)
    })
  })

  test('may be noisy on Sundays only: once that is known, they raise no alarm, and Mondays do', () => {
    const next = random(5)
    const values = Array.from({ length: 300 }, (_, i) => 100 + (i % 7 === 6 ? 60 : 4) * (next() - 0.5))
    const late = (list: number[]) => list.filter((day) => day > 30)
    expect(late(alarms(values))).toEqual([])
    expect(late(alarms(changed(values, (value, i) => (i === 280 ? value + 20 : value))))).toEqual([280])
  })

  test('of a heavy tail raises few alarms', () => {
    const next = random(3)
    const values = Array.from({ length: 700 }, () => 100 + (next() < 0.1 ? 60 : 8) * (next() - 0.5))
    expect(alarms(values).length).toBeLessThan(15)
  })

  test('is not misjudged from few errors', () => {
    const noisy = (seed: number) =>
      changed(costs(24, seed), (value, i) => value + 40 * (((i * 7919 * (seed + 1)) % 97) / 97))
    const found = Array.from({ length: 60 }, (_, seed) => alarms(noisy(seed)).length)
    expect(found.reduce((sum, count) => sum + count)).toBeLessThan(12)
  })

  test('may have gaps, and the season goes on behind them', () => {
    const values = changed(costs(200), (value, i) => (i === 150 ? 1.5 * value : value))
    expect(alarms(values.map((value, i) => (i % 11 === 3 || (i > 90 && i < 100) ? null : value)))).toEqual([150])
  })

  test('of nothing raises an alarm for its first amount', () => {
    expect(alarms([...Array.from({ length: 30 }, () => 0), 5])).toEqual([30])
  })
})

describe('values of an hour or less', () => {
  test('prove their daily season, and raise an alarm where it is missing', () => {
    const hours = Array.from({ length: 24 * 30 }, (_, i) => (i % 24 < 12 ? 100 : 20) + (i % 5))
    expect(alarms(hours, 3_600)).toEqual([])
    expect(
      alarms(
        changed(hours, (value, i) => (i >= 600 && i < 612 ? 20 : value)),
        3_600,
      ),
    ).toEqual([600])
  })

  test('raise one alarm a day at most', () => {
    const values = changed(costs(288 * 6), (value, i) => (i > 1_000 && i % 10 === 0 ? 9 * value : value))
    const found = alarms(values, 300)
    expect(found.length).toBeGreaterThan(0)
    expect(found.every((step, i) => i === 0 || step - (found[i - 1] ?? 0) > 288)).toBe(true)
  })
})

test('sensitivity decides from which size a spike raises an alarm', () => {
  const least = (sensitivity: 'low' | 'medium' | 'high') =>
    Array.from({ length: 40 }, (_, extra) => extra).find((extra) => {
      const values = changed(costs(200), (value, i) => (i === 150 ? 100 + extra : value))
      return (judge({ start, stepSeconds, values }, sensitivity)[150]?.score ?? 0) >= 1
    })
  const [low = 0, medium = 0, high = 0] = [least('low'), least('medium'), least('high')]
  expect(low).toBeGreaterThan(medium)
  expect(medium).toBeGreaterThan(high)
  expect(high).toBeGreaterThan(7)
  expect(low).toBeLessThan(25)
})
