import { describe, expect, test } from 'vitest'
import { completeUntil, filesFor, usualCurrency } from './scope.ts'
import type { Info, View } from '../lake/snapshot.ts'
import { snapshot } from '../testing/cost-lake.ts'

describe('what is read', () => {
  const view = (snapshots: Info[]): View => ({
    lakeVersion: 1,
    at: '2026-01-01T00:00:00.000Z',
    snapshots,
    excluded: [],
  })
  const three = ['2024-08', '2024-09', '2024-10'].map((period) => snapshot({ provider: 'AWS', period }))

  test('only partitions whose days or billing month overlap the span', () => {
    expect(filesFor('o', view(three), { start: '2024-09-05', end: '2024-09-06' }).files.cost_rollup).toEqual([
      'AWS/1/2024-09/rollup',
    ])
    const correction = snapshot({
      provider: 'AWS',
      period: '2024-10',
      days: { first: '2024-08-10', last: '2024-10-31' },
    })
    expect(
      filesFor('o', view([correction]), { start: '2024-08-15', end: '2024-08-16' }).files.cost_rollup,
    ).toHaveLength(1)
  })

  test('the last complete day is that of the slowest provider that still delivers', () => {
    const to = (provider: string, period: string, last: string) =>
      snapshot({ provider, period, days: { first: `${period}-01`, last } })
    expect(completeUntil(view([to('AWS', '2024-11', '2024-11-02'), to('Microsoft', '2024-10', '2024-10-31')]))).toBe(
      '2024-10-31',
    )
    expect(completeUntil(view([to('AWS', '2024-11', '2024-11-20'), to('Microsoft', '2024-10', '2024-10-31')]))).toBe(
      '2024-11-20',
    )
    expect(completeUntil(view([to('AWS', '2024-11', '2025-06-01')]))).toBe('2024-11-30')
    expect(completeUntil(view([]))).toBeNull()
  })

  test('the default currency is that of most bills, whose parts count once, the first by name of several', () => {
    const money = (currency: string) => [{ currency, billed: '1', effective: '1', list: null, contracted: null }]
    const inEuro = snapshot({ provider: 'A', period: '2024-09', totals: money('EUR') })
    const inDollar = snapshot({ provider: 'B', period: '2024-09', totals: money('USD') })
    expect(usualCurrency(view([inDollar, inEuro]))).toBe('EUR')
    expect(usualCurrency(view([inDollar, { ...inDollar, period: '2024-08' }, inEuro]))).toBe('USD')
    expect(usualCurrency(view([inDollar, inDollar, inEuro]))).toBe('EUR')
    expect(usualCurrency(view([]))).toBe('USD')
  })
})
