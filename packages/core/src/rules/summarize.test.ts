import { expect, test } from 'vitest'
import { summarize } from './subject.ts'

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
