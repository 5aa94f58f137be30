import { expect, test } from 'vitest'
import { naive2, owa, scoresOf } from './accuracy.ts'

const question = (values: (number | null)[], actual: number[], period: number) => {
  return { id: 'a', start: '2026-01-01', stepSeconds: 86_400, values, actual, period }
}

test('naive2 repeats the last value where no season proves itself', () => {
  expect(naive2(question([3, 1, 4, null, 5], [0, 0], 7))).toEqual([5, 5])
  expect(naive2(question([3, 1, 4, null], [0], 7))).toEqual([4])
})

test.each([4, 7])('naive2 repeats a multiplicative season of %i steps at the last level', (period) => {
  const season = (i: number) => 1 + (i % period) / period
  const values = Array.from({ length: 10 * period + 2 }, (_, i) => 100 * season(i))
  const expected = Array.from({ length: 9 }, (_, h) => 100 * season(values.length + h))
  const actual = naive2(question(values, expected, period))
  for (const [h, value] of expected.entries()) expect(actual[h]).toBeCloseTo(value, 6)
})

test('scores are those of their definitions, over the known values only', () => {
  const answer = { mean: [12, 9, 10], lower: [10, 9, 0], upper: [14, 11, 20] }
  // The mean step of the history is 2; the errors are 2 and 3; the last value is 3 below the lower bound.
  const scores = scoresOf(question([8, 10, 12, 10], [10, 6, Number.NaN], 1), answer, 0.95)
  expect(scores.mase).toBeCloseTo(2.5 / 2, 9)
  expect(scores.smapePercent).toBeCloseTo((400 / 22 + 600 / 15) / 2, 9)
  expect(scores.coverage).toBe(0.5)
  expect(scores.msis).toBeCloseTo((4 + 2 + 40 * 3) / 2 / 2, 9)
})

test('the overall weighted average is the mean of two ratios of means', () => {
  const one = (mase: number, smapePercent: number) => ({ mase, smapePercent, coverage: 1, msis: 1 })
  expect(owa([one(1, 10), one(2, 20)], [one(2, 10), one(4, 10)])).toBeCloseTo((0.5 + 1.5) / 2, 9)
  expect(owa([one(2, 10)], [one(2, 10)])).toBe(1)
})
