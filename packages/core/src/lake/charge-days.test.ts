import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ChargeDays from './charge-days.ts'
import { refuseLoss } from './datasets.ts'

const bitsOf = (days: readonly number[]): number => days.reduce((bits, day) => bits | (1 << (day - 1)), 0)
const span = (days: readonly number[]) => ({ first: '2024-09-01', last: '2024-09-30', usage: bitsOf(days) })
const monthDays = fc.uniqueArray(fc.integer({ min: 1, max: 31 }))

test('the lost days are those of before without those of now', () => {
  fc.assert(
    fc.property(monthDays, monthDays, (before, now) => {
      const expected = before.filter((day) => !now.includes(day)).toSorted((a, b) => a - b)
      expect(ChargeDays.lost(span(before), span(now))).toEqual(expected)
      expect(ChargeDays.summaryOf(span(before)).usage).toBe(before.length)
    }),
  )
})

describe('a delivery of a part of the month', () => {
  const bill = (days: readonly number[], rows = days.length) => ({
    provider: 'AWS',
    billingAccountId: '999999999999',
    period: '2024-09',
    rows,
    days: span(days),
    totals: [],
    control: [],
    formats: ['test'],
  })

  test('is refused with the days that it would remove', () => {
    expect(() => refuseLoss(bill([1, 2]), bill([3], 2))).toThrow(/2024-09: .*the days 1, 2, .*as one folder.*--replace/)
    expect(() => refuseLoss(bill([1]), bill([2]))).toThrow(/of day 1, /)
  })

  test('is accepted with all days, from another source, or if an earlier version stored the bill', () => {
    expect(() => refuseLoss(bill([1, 2]), bill([1, 2, 3]))).not.toThrow()
    expect(() => refuseLoss(bill([1]), { ...bill([2]), formats: ['other'] })).not.toThrow()
    const { usage: _, ...unknown } = span([1])
    expect(() => refuseLoss({ ...bill([1]), days: unknown }, bill([2]))).not.toThrow()
  })
})
