import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import { type Cover, coverAll, coverOne, perHour, unitsAbove, unitsOf } from './cover.ts'

const amount = Money.parse
const plain = (found: Cover | undefined) => found && [Money.plain(found.fee), Money.plain(found.covered)]
const member = (ratio: string, ...usage: string[]) => ({ ratio: amount(ratio), usage: usage.map(unitsOf) })
/** Of usage by the hour. */
const all = (members: ReturnType<typeof member>[], saved = '0') => plain(coverAll(members, amount(saved), 720))

test('a reserved instance is bought exactly for the least time', () => {
  expect(plain(coverOne(amount('0.63'), amount('731.01'), Money.zero, false))).toEqual(['460.5363', '731.01'])
  expect(plain(coverOne(amount('0.63'), amount('731.01'), amount('31.01'), false))).toEqual(['441', '700'])
  expect(coverOne(amount('0.63'), amount('31'), amount('31.01'), false)).toBeUndefined()
})

test('a plan is bought in steps of 0.001 an hour, which never cost more than the usage', () => {
  // 0.7 x 731.01 is 0.71070... an hour.
  const found = coverOne(amount('0.7'), amount('731.01'), Money.zero, true)
  expect(found && perHour(found.fee)).toBe('0.71')
  expect(plain(found)).toEqual(['511.2', '730.285714285714'])
  expect(coverOne(amount('0.7'), amount('1'), Money.zero, true)).toBeUndefined()
  expect(all([member('0.7', '1.0153')])?.[0]).toBe('511.2')
})

test('the usage with the highest discount is covered first, and the worst time counts', () => {
  const cheap = member('0.5', '10', '0')
  const dear = member('0.9', '0', '10')
  // 5 an hour is the least price; of the dear usage it covers 5.55...
  expect(all([dear, cheap])).toEqual(['3600', '3999.9999999996'])
  expect(all([cheap, dear])).toEqual(['3600', '3999.9999999996'])
})

test('what other changes save is taken at the highest price', () => {
  const members = [member('0.5', '10'), member('0.9', '10')]
  // 0.5 x 7200 + 0.9 x 7200 - 0.9 x 1440, which covers all but 1440.
  expect(all(members, '1440')).toEqual(['8784', '12960'])
  expect(all(members, '14400')).toBeUndefined()
  expect(all([])).toBeUndefined()
})

test('an amount becomes units of 1e-12, and what is taken is rounded up', () => {
  expect([unitsOf('1'), unitsOf('0.0000000000019'), unitsOf('-0.5')]).toEqual([10n ** 12n, 1n, -5n * 10n ** 11n])
  expect(unitsAbove(amount('0.0000000000011'))).toBe(2n)
})
