import { expect, test } from 'vitest'
import { MonthEffect } from './month-effect.ts'

function effect(excess: readonly number[], scale = 10): number {
  const months = new MonthEffect()
  for (const [month, amount] of excess.entries()) months.add(Date.UTC(2026, month, 5), amount, scale)
  return months.at(Date.UTC(2026, excess.length, 5))
}

test('an excess on the same day of three months is expected in the fourth, by its median', () => {
  expect(effect([70, 90, 80])).toBe(80)
  expect(effect([500, 70, 90, 80])).toBe(80)
  expect(effect([-70, -90, -80])).toBe(-80)
})

test('two months, another direction, or an excess within the noise prove nothing', () => {
  expect([effect([70, 90]), effect([70, -90, 80]), effect([70, 14, 80])]).toEqual([0, 0, 0])
})
