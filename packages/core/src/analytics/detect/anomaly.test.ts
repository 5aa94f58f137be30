import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDays } from '../../kernel/calendar.ts'
import { random } from '../series/numeric.ts'
import { anomaliesOf } from './anomaly.ts'
import { judge } from './detector.ts'

const start = '2026-01-01'
const stepSeconds = 86_400

/** 100 on weekdays, 60 on weekends, with even noise of 4 %, plus the change of each day from day 150 on. */
function series(...changes: (number | null)[]) {
  const next = random(1)
  const values = Array.from({ length: 180 }, (_, i) => {
    const change = changes[i - 150]
    const cost = (i % 7 < 5 ? 100 : 60) * (0.96 + 0.08 * next())
    return change === null ? null : cost + (change ?? 0)
  })
  return { start, stepSeconds, values }
}
const only = (...changes: (number | null)[]) => {
  const [anomaly, ...others] = anomaliesOf(series(...changes))
  expect(others).toEqual([])
  if (!anomaly) throw new Error('no anomaly')
  return anomaly
}

test('a day far above is a spike, with its money and its surprise', () => {
  const spike = only(50)
  expect(spike).toMatchObject({ kind: 'spike', first: '2026-05-31', last: '2026-05-31', detected: '2026-05-31' })
  expect(Math.abs(spike.impact - 50)).toBeLessThan(5)
  expect(Math.abs((spike.deviationPercent ?? 0) - 50)).toBeLessThan(5)
  expect(spike.surprise).toBeGreaterThan(2)
  expect(spike.upper).toBeLessThan(spike.actual)
  expect(spike.isOpen).toBe(false)
})

test('a day far below is a dip', () => {
  expect(only(-50)).toMatchObject({ kind: 'dip', first: '2026-05-31', last: '2026-05-31' })
})

test('alarms with quiet days between them are one anomaly, and a gap has no excess', () => {
  const spike = only(50, 0, null, 50)
  expect(spike).toMatchObject({ first: '2026-05-31', last: '2026-06-03' })
  expect(spike.excess.map(({ day }) => day)).toEqual(['2026-05-31', '2026-06-01', '2026-06-03'])
})

test('a spike and the dip behind it are two anomalies', () => {
  expect(anomaliesOf(series(50, -50)).map(({ kind }) => kind)).toEqual(['spike', 'dip'])
})

test('a new level is a shift', () => {
  expect(only(...Array.from({ length: 30 }, () => 50))).toMatchObject({ kind: 'shift', first: '2026-05-31' })
  const values = series(...Array.from({ length: 30 }, () => 50)).values.slice(0, 158)
  expect(anomaliesOf({ start, stepSeconds, values })).toMatchObject([{ kind: 'shift', isOpen: false }])
})

test('a slow rise is a ramp that begins before its first alarm', () => {
  const ramp = only(...Array.from({ length: 12 }, (_, i) => 5 * (i + 1)), ...Array.from({ length: 18 }, () => 0))
  expect(ramp.kind).toBe('ramp')
  expect(ramp.first < ramp.detected).toBe(true)
  expect(ramp.first <= '2026-06-05').toBe(true)
  expect(Math.abs(ramp.impact - 390)).toBeLessThan(60)
})

test.each([6, 9, 14])('the end of a ramp of %s a day is no anomaly', (amount) => {
  const rise = Array.from({ length: 10 }, (_, i) => amount * (i + 1))
  expect(only(...rise, ...Array.from({ length: 20 }, () => 0)).last <= '2026-06-09').toBe(true)
})

test('an anomaly of the last days is open', () => {
  const values = series(50).values.slice(0, 151)
  expect(anomaliesOf({ start, stepSeconds, values }).map(({ isOpen }) => isOpen)).toEqual([true])
})

test('the first cost of a series of zeros has no deviation', () => {
  const values = [...Array.from({ length: 20 }, () => 0), 30]
  expect(anomaliesOf({ start, stepSeconds, values }, { floor: { amount: 10, percent: 50 } })).toMatchObject([
    { kind: 'spike', impact: 30, deviationPercent: null },
  ])
})

test('floors of money and percent hide what is smaller', () => {
  const count = (amount: number, percent: number) => anomaliesOf(series(50), { floor: { amount, percent } }).length
  expect([count(40, 40), count(60, 40), count(40, 60)]).toEqual([1, 0, 0])
})

test.each([
  [30, 60, 'low'],
  [12, 60, 'medium'],
  [4, 60, 'high'],
  [2, 15, 'low'],
  [1.2, 15, 'medium'],
  [0.1, 15, 'high'],
])(
  'severity counts the impact in floors, and less if it is no surprise: floor %s, impact %s',
  (amount, impact, severity) => {
    const found = anomaliesOf(series(impact), { floor: { amount, percent: 0 } })
    expect(found.map((anomaly) => anomaly.severity)).toEqual([severity])
  },
)

test('no day belongs to two anomalies', () => {
  const days = fc.array(fc.constantFrom(100, 100, 104, 106, 108, 160, 70), { minLength: 30, maxLength: 60 })
  fc.assert(
    fc.property(days, (tail) => {
      const values = [...Array.from({ length: 60 }, () => 100), ...tail]
      const found = anomaliesOf({ start, stepSeconds, values })
      for (const [i, anomaly] of found.slice(1).entries()) expect(anomaly.first > (found[i]?.last ?? '')).toBe(true)
    }),
  )
})

test('excess sums to the impact, and no field is NaN, for any input', () => {
  const value = fc.oneof(fc.constant(null), fc.constantFrom(0, 0, 1), fc.double({ min: -1e9, max: 1e9, noNaN: true }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 80 }), fc.constantFrom(3_600, 86_400), (values, step) => {
      for (const anomaly of anomaliesOf({ start, stepSeconds: step, values })) {
        const sum = anomaly.excess.reduce((sum, { amount }) => sum + amount, 0)
        expect(Math.abs(sum - anomaly.impact)).toBeLessThanOrEqual(1e-6 * Math.abs(anomaly.actual) + 1e-6)
        expect(Object.values(anomaly).some((field) => Number.isNaN(field))).toBe(false)
        expect(anomaly.first <= anomaly.detected && anomaly.detected <= anomaly.last).toBe(true)
        expect(anomaly.last <= addDays(start, 80)).toBe(true)
      }
    }),
  )
})

describe.each([0.9, 0.7, 0.5])('a cost with weekends of %f times a weekday', (weekend) => {
  const costs = (seed: number, factorOn: (day: number) => number) => {
    const next = random(seed)
    const cost = (day: number) => 1_000 * (day % 7 > 4 ? weekend : 1) * (0.96 + 0.08 * next())
    return Array.from({ length: 270 }, (_, day) => cost(day) * factorOn(day))
  }
  const found = (values: number[]) =>
    anomaliesOf({ start, stepSeconds, values }, { floor: { amount: 20, percent: 10 } })
  const seeds = Array.from({ length: 15 }, (_, seed) => seed)

  test.each([5, 2, 0.5, 0])('that changes to %f times itself has one anomaly, also ten weeks later', (factor) => {
    const lists = seeds.map((seed) => found(costs(seed, (day) => (day < 150 ? 1 : factor))))
    expect(lists.every(([first]) => first?.kind === 'shift' || first?.kind === 'dip')).toBe(true)
    expect(lists.filter((list) => list.length > 1).length).toBeLessThanOrEqual(1)
  })

  test.each([3, 0])('that changes to %f times itself for 20 days goes back without a second anomaly', (factor) => {
    const lists = seeds.map((seed) => found(costs(seed, (day) => (day >= 150 && day < 170 ? factor : 1))))
    expect(lists.filter((list) => list.length !== 1).length).toBeLessThanOrEqual(1)
  })
})

test('a cost that was never negative is never expected to be', () => {
  const amounts = fc.array(fc.option(fc.integer({ min: 0, max: 1_000 }), { freq: 9 }), { maxLength: 90 })
  const blocks = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 1_000 })), {
    maxLength: 6,
  })
  const levels = blocks.map((list) =>
    list.flatMap(([days, cost]) => Array.from({ length: days }, (_, i) => (i % 7 > 4 ? cost / 2 : cost))),
  )
  fc.assert(
    fc.property(fc.oneof(amounts, levels), (values) => {
      for (const { expected } of judge({ start, stepSeconds, values })) expect(expected).toBeGreaterThanOrEqual(0)
    }),
  )
})
