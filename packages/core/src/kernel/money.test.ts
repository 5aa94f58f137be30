import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from './money.ts'

// Integers scaled to 18 decimals: the reference that the sums are held against.
const scaled = fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n })

function text(scaled: bigint): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(19, '0')
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -18)}.${digits.slice(-18)}`
}

test('sums are exact to 18 decimals, whatever the order and the signs', () => {
  fc.assert(
    fc.property(fc.array(scaled), (amounts) => {
      const total = Money.sum(amounts.map((amount) => Money.parse(text(amount))))
      expect(total.eq(text(amounts.reduce((a, b) => a + b, 0n)))).toBe(true)
    }),
  )
})

test('plain text has no exponent, no trailing zeros and no minus zero', () => {
  expect(Money.plain(Money.parse('0.000000000000000001'))).toBe('0.000000000000000001')
  expect(Money.plain(Money.parse('1e30'))).toBe('1000000000000000000000000000000')
  expect(Money.plain(Money.parse('18.00663861840'))).toBe('18.0066386184')
  expect(Money.plain(Money.parse('1').minus('1').times(-1))).toBe('0')
})

test('floats would be wrong here', () => {
  expect(Money.toNumber(Money.sum(['0.1', '0.2'].map(Money.parse)))).toBe(0.3)
})

test('percentages are defined for every whole', () => {
  expect(Money.percentOf(Money.parse('1'), Money.parse('3'))).toBe(33.3333)
  expect(Money.percentOf(Money.parse('1'), Money.zero)).toBe(0)
  expect(Money.percentOf(Money.parse('-5'), Money.parse('-20'))).toBe(25)
})

test('a change is said against the size of what was before; against nothing it is not said', () => {
  expect(Money.growthPercent(Money.parse('12.5'), Money.parse('10'))).toBe(25)
  expect(Money.growthPercent(Money.parse('5'), Money.parse('-10'))).toBe(150)
  expect(Money.growthPercent(Money.parse('5'), Money.zero)).toBeNull()
  expect(Money.growth(Money.parse('12.5'), Money.parse('10'))).toEqual({ percent: 25, isFromZero: false })
  expect(['0', '5', '-5'].map((now) => Money.growth(Money.parse(now), Money.zero))).toEqual(
    [0, 100, -100].map((percent) => ({ percent, isFromZero: true })),
  )
})
