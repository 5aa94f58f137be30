import { expect, test } from 'vitest'
import { countEvents } from './injections.ts'
import { nabScore, type NabSeries } from './nab.ts'

const series: NabSeries = {
  name: 'a',
  start: '2026-01-01',
  stepSeconds: 300,
  values: Array.from({ length: 1_000 }, () => 1),
  windows: [
    [300, 400],
    [600, 700],
  ],
}
const score = (...alarms: number[]) => nabScore([series], ({ values }) => values.map((_, i) => alarms.includes(i)))

test('the profile gives 0 without alarms, 100 for the beginning of each window, and half for half of them', () => {
  expect([score(), score(300, 600), score(300)]).toEqual([0, 100, 50])
})

test('the profile gives less for a late alarm, and nothing more for a second one', () => {
  expect(score(350, 600)).toBeCloseTo(96.58, 1)
  expect(score(400, 600)).toBeCloseTo(75.63, 1)
  expect(score(300, 350, 600)).toBe(100)
})

test('the profile takes 0.11 of a window for a false alarm, less right behind a window, and nothing in the beginning', () => {
  expect(score(200, 300, 600)).toBeCloseTo(100 - 0.25 * 11, 9)
  expect(score(300, 405, 600)).toBeCloseTo(100 - 0.25 * 11 * 0.124, 2)
  expect(score(149, 300, 600)).toBe(100)
})

test('alarms at most three days apart are one event, which finds each window that it touches', () => {
  const events = (...days: number[]) =>
    countEvents(
      Array.from({ length: 60 }, (_, i) => days.includes(i)),
      [
        [20, 25],
        [40, 40],
      ],
    )
  expect(events(5, 8, 12)).toEqual({ found: 0, missed: 2, wrong: 2 })
  expect(events(22, 25, 41)).toEqual({ found: 2, missed: 0, wrong: 0 })
  expect(events(19, 42)).toEqual({ found: 0, missed: 2, wrong: 2 })
})
