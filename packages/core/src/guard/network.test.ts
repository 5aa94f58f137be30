import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { networkOf } from './network.ts'

describe('the network of an address', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::7:8', '2001:db8:0:0::/64'],
    ['2001:db8::1:0:0:0:1', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['no address', 'unknown'],
    ['2001:db8:::1', 'unknown'],
    ['203.0.113.7:4000', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('%s is in %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })

  test('is the same however the address is written, and another one where the first 64 bits differ', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
    const eight = fc.array(group, { minLength: 8, maxLength: 8 })
    // As URL parsers write it: the longest run of zeros left out.
    const short = (groups: number[]) =>
      new URL(`http://[${groups.map((one) => one.toString(16)).join(':')}]`).hostname.slice(1, -1)
    fc.assert(
      fc.property(eight, eight, (one, other) => {
        fc.pre(one.slice(0, 5).some((part) => part !== 0))
        const long = one.map((part) => part.toString(16).padStart(4, '0')).join(':')
        expect(networkOf(short(one))).toBe(networkOf(long))
        const neighbour = [...one.slice(0, 4), ...other.slice(4)]
        expect(networkOf(short(neighbour))).toBe(networkOf(long))
        const isNear = other.slice(0, 4).join() === one.slice(0, 4).join()
        fc.pre(other.slice(0, 5).some((part) => part !== 0))
        expect(networkOf(short(other)) === networkOf(long)).toBe(isNear)
      }),
    )
  })
})
