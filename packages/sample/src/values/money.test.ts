import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Money from './money.ts'

describe('Money', () => {
  it('parses and formats without losing a digit', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
        fc.integer({ min: 0, max: 18 }),
        (value, scale) => {
          const text = Money.format(value, scale)
          expect(Money.parse(text, scale)).toBe(value)
          expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/)
        },
      ),
    )
  })

  it('refuses a text that it cannot keep exactly', () => {
    expect(() => Money.parse('0.123', 2)).toThrow(RangeError)
    expect(() => Money.parse('1e3', 2)).toThrow(RangeError)
  })

  it('rounds halves away from zero', () => {
    expect([Money.divide(5n, 2n), Money.divide(-5n, 2n), Money.divide(4n, 3n)]).toEqual([3n, -3n, 1n])
    expect(Money.format(Money.toCents(Money.parse('-1.005', Money.costScale)), Money.costScale)).toBe('-1.01')
  })
})
