import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import { factors } from './factor.ts'

const factorOf = factors([
  { day: '2026-10-29', rates: { USD: '1.113', JPY: '175.92' } },
  { day: '2026-10-30', rates: { USD: '1.1172', JPY: '175.68', IDR: '20275.17' } },
])
const text = (...given: Parameters<typeof factorOf>) => {
  const factor = factorOf(...given)
  return factor && Money.plain(factor)
}

test('the factor is the quotient of the rates of the day, to 15 significant digits', () => {
  expect(text('EUR', 'USD', '2026-10-30')).toBe('1.1172')
  expect(text('USD', 'EUR', '2026-10-30')).toBe('0.895094880057286')
  expect(text('JPY', 'USD', '2026-10-29')).toBe('0.00632673942701228')
  expect(text('IDR', 'USD', '2026-10-30')).toBe('0.0000551018807733795')
})

test('a day without publication has the rates of the last one, for a week', () => {
  expect(text('EUR', 'USD', '2026-11-06')).toBe('1.1172')
  expect(text('EUR', 'USD', '2026-11-07')).toBeUndefined()
  expect(text('EUR', 'USD', '2026-10-28')).toBeUndefined()
})

test('a currency that the day lacks has no rate, even if an earlier day has one', () => {
  expect(text('IDR', 'EUR', '2026-10-29')).toBeUndefined()
  expect(text('XYZ', 'EUR', '2026-10-30')).toBeUndefined()
})

test('the factor of a currency to itself is exactly 1, also without a rate', () => {
  for (const currency of ['USD', 'EUR', 'XYZ']) expect(text(currency, currency, '1999-01-01')).toBe('1')
})

test('a rounded factor differs from the quotient by less than half a unit of its last digit', () => {
  const rate = fc.integer({ min: 1, max: 10 ** 9 }).map((units) => String(units / 10 ** 4))
  fc.assert(
    fc.property(rate, rate, (sold, bought) => {
      const factor = factors([{ day: '2026-10-30', rates: { AAA: sold, BBB: bought } }])('AAA', 'BBB', '2026-10-30')
      const error = factor?.times(sold).minus(bought).abs()
      expect(error?.lte(Money.parse(bought).times('5e-15'))).toBe(true)
    }),
  )
})
