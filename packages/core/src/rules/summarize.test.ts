import { expect, test } from 'vitest'
import { isOffHour, summarize } from './subject.ts'

const hours = (count: number, average: number, maximum = average) =>
  Array.from({ length: count }, () => ({ average, maximum }))

test('the level of 99 % of the hours leaves out the busiest 3 of 336', () => {
  expect(summarize([...hours(333, 2, 5), ...hours(3, 90)], 336)).toMatchObject({ p99: 2, peakP99: 5, maximum: 90 })
  expect(summarize([...hours(332, 2, 5), ...hours(4, 90)], 336)).toMatchObject({ p99: 90, peakP99: 90, hours: 336 })
})

test('an hour that is not known may have been a busy one', () => {
  expect(summarize([...hours(302, 2), ...hours(1, 90)], 336)).toMatchObject({ p99: 90 })
  expect(summarize(hours(302, 2), 336)).toEqual({ average: 2, maximum: 2, hours: 302, hoursExpected: 336 })
  expect(summarize([], 336)).toBeUndefined()
})

test('working time is 60 of the 168 hours of a week, by the clock of the place', () => {
  const week = Array.from({ length: 168 }, (_, hour) => new Date(Date.UTC(2026, 10, 2, hour)).toISOString())
  expect(week.filter((hour) => !isOffHour(hour))).toHaveLength(60)
  expect(week.filter((hour) => !isOffHour(hour, 'Asia/Tokyo'))).toHaveLength(60)
  // 18 o'clock on a Friday in UTC is Saturday in Tokyo.
  expect([isOffHour('2026-11-06T18:00:00Z'), isOffHour('2026-11-06T18:00:00Z', 'Asia/Tokyo')]).toEqual([false, true])
  expect(isOffHour('2026-11-06T19:00:00Z')).toBe(true)
})

test('working time follows the clock in summer', () => {
  expect(['2026-07-06T05:00:00Z', '2026-11-06T05:00:00Z'].map((hour) => isOffHour(hour, 'Europe/Zurich'))).toEqual([
    false,
    true,
  ])
  expect(isOffHour('2026-11-06T01:00:00Z', 'Asia/Kolkata')).toBe(true)
})
