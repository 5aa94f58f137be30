import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import { cover, perHour } from './cover.ts'

const member = (ratio: string, ...usage: string[]) => ({ ratio: Money.parse(ratio), usage: usage.map(Money.parse) })
const plain = (found: ReturnType<typeof cover>) => found && [Money.plain(found.fee), Money.plain(found.covered)]

test('a reserved instance is bought exactly for the least time', () => {
  expect(plain(cover([member('0.63', '1000', '731.01', '900')], Money.zero, false))).toEqual(['460.5363', '731.01'])
  expect(plain(cover([member('0.63', '1000', '731.01')], Money.parse('31.01'), false))).toEqual(['441', '700'])
})

test('a plan is bought in steps of 0.001 an hour, which never cost more than the usage', () => {
  // 0.7 x 731.01 is 0.71070... an hour.
  const found = cover([member('0.7', '731.01')], Money.zero, true)
  expect(found && perHour(found.fee)).toBe('0.71')
  expect(plain(found)).toEqual(['511.2', '730.285714285714'])
  expect(cover([member('0.7', '1')], Money.zero, true)).toBeUndefined()
})

test('the usage with the highest discount is covered first, and the worst time counts', () => {
  const cheap = member('0.5', '7200', '0')
  const dear = member('0.9', '0', '7200')
  // 3600 is the least price; of the dear usage it covers 4000.
  expect(plain(cover([dear, cheap], Money.zero, true))).toEqual(['3600', '4000'])
  expect(plain(cover([cheap, dear], Money.zero, true))).toEqual(['3600', '4000'])
})

test('what other changes save is taken at the highest price', () => {
  const members = [member('0.5', '7200'), member('0.9', '7200')]
  // 0.5 x 7200 + 0.9 x 7200 - 0.9 x 1440, which covers all but 1440.
  expect(plain(cover(members, Money.parse('1440'), true))).toEqual(['8784', '12960'])
  expect(cover(members, Money.parse('14400'), true)).toBeUndefined()
  expect(cover([], Money.zero, true)).toBeUndefined()
})
