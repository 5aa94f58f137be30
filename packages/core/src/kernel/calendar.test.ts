import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Calendar from './calendar.ts'

const day = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2199-12-31'), noInvalidDate: true })
  .map(Calendar.dayOf)

test('weeks are those of ISO 8601: they begin on Monday, also across a year', () => {
  expect(Calendar.bucketOf('2024-12-31', 'weekly')).toBe('2024-12-30')
  expect(Calendar.bucketOf('2025-01-05', 'weekly')).toBe('2024-12-30')
  expect(Calendar.bucketOf('2025-01-06', 'weekly')).toBe('2025-01-06')
})

test('a month has its own last day', () => {
  expect(Calendar.monthSpan('2024-02')).toEqual({ start: '2024-02-01', end: '2024-02-29' })
  expect(Calendar.addMonths('2024-01', -1)).toBe('2023-12')
})

test('the span before is as long and ends on the day before', () => {
  fc.assert(
    fc.property(day, fc.integer({ min: 0, max: 2000 }), (start, more) => {
      const span = { start, end: Calendar.addDays(start, more) }
      const before = Calendar.spanBefore(span)
      expect(Calendar.daysIn(before)).toBe(more + 1)
      expect(Calendar.addDays(before.end, 1)).toBe(start)
    }),
  )
})

test('every day of a span lies in exactly one bucket, and no bucket is missing or outside', () => {
  fc.assert(
    fc.property(
      day,
      fc.integer({ min: 0, max: 800 }),
      fc.constantFrom('daily', 'weekly', 'monthly'),
      (start, more, granularity) => {
        const span = { start, end: Calendar.addDays(start, more) }
        const buckets = Calendar.buckets(span, granularity)
        const touched = Array.from({ length: more + 1 }, (_, i) =>
          Calendar.bucketOf(Calendar.addDays(start, i), granularity),
        )
        expect(buckets).toEqual([...new Set(touched)])
      },
    ),
  )
})

test.each(['2024-02-30', '2024-1-1', '1999-12-31', '2200-01-01', '20240101', ''])('%j is no day', (text) => {
  expect(Calendar.Day.safeParse(text).success).toBe(false)
})
