import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Magnitudes } from './magnitudes.ts'

test('the quantiles are those of the latest magnitudes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (values, capacity) => {
      const magnitudes = new Magnitudes(capacity)
      for (const value of values) magnitudes.add(value)
      const latest = values.slice(-capacity).sort((a, b) => a - b)
      expect(magnitudes.size).toBe(latest.length)
      for (const [i, value] of latest.entries())
        expect(magnitudes.quantile(latest.length > 1 ? i / (latest.length - 1) : 0)).toBeCloseTo(value, 9)
    }),
  )
})
