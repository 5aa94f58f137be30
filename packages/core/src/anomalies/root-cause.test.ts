import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Queries } from '../effects/queries.ts'
import { explain } from '../analytics/detect/index.ts'
import * as Money from '../kernel/money.ts'
import type { Facts } from './anomaly.ts'
import { questionOf } from './root-cause.ts'

type Row = Queries['costShares']['row']
type Change = Queries['resourceChanges']['row']

const facts: Facts = {
  dimensions: { provider: 'AWS', account: '1', service: 'AmazonEC2' },
  charged: 'usage',
  currency: 'USD',
  kind: 'spike',
  severity: 'high',
  first: '2026-10-28',
  last: '2026-10-29',
  alarmOn: '2026-10-28',
  knownSince: '2026-01-01',
  isOpen: false,
  seriesCost: 400,
  expected: 200,
  lower: 190,
  upper: 210,
  impact: 200,
  deviationPercent: 100,
  surprise: 2,
  excess: [],
  alsoSeen: [],
}

const share = (dimension: Row['dimension'], value: string | null, cost: string, previous: string): Row => ({
  dimension,
  value,
  cost,
  previous,
  used: null,
  usedBefore: null,
  unit: null,
})
const shares = [share('total', null, '400', '2800'), share('resource', 'arn:aws:ec2:eu:1:instance/i-1', '300', '0')]
const started: Change = {
  at: '2026-10-28T03:00:00Z',
  change: 'started',
  provider: 'aws',
  accountId: '1',
  kind: 'instance',
  id: 'i-1',
  earlier: null,
  later: null,
}
const expired: Change = { ...started, id: 'sp-1', kind: 'commitment', change: 'ended' }
const eventsOf = (change: Partial<Change>) =>
  questionOf(facts, shares, [{ ...started, ...change }]).events.map(({ resource }) => resource)

test.each<[string, Change]>([
  ['another account', { ...started, accountId: '2' }],
  ['another cloud', { ...started, provider: 'azure' }],
  ['a resource that has no charges of the series', { ...started, id: 'i-2' }],
  ['a commitment of another account', { ...expired, accountId: '2' }],
  ['a change that costs nothing', { ...started, change: 'found' }],
])('an event of %s is no event of the anomaly', (_, change) => expect(eventsOf(change)).toEqual([]))

test('an event has the name of the resource on the bill, and a commitment its own', () => {
  expect(eventsOf({})).toEqual(['arn:aws:ec2:eu:1:instance/i-1'])
  expect(eventsOf(expired)).toEqual(['sp-1'])
})

test('events are of resources with charges of the series in its account, or of commitments of the account', () => {
  const anyChange = fc.record({
    ...Object.fromEntries(Object.entries(started).map(([name, value]) => [name, fc.constant(value)])),
    id: fc.constantFrom('i-1', 'i-2', 'x/i-1', 'i-11'),
    kind: fc.constantFrom('instance' as const, 'commitment' as const),
    change: fc.constantFrom('started' as const, 'stopped' as const, 'ended' as const),
    accountId: fc.constantFrom('1', '2', '11'),
    provider: fc.constantFrom('aws' as const, 'gcp' as const),
  }) as fc.Arbitrary<Change>
  fc.assert(
    fc.property(fc.array(anyChange), (changes) => {
      const { events } = questionOf(facts, shares, changes)
      const own = changes.filter(
        ({ id, kind, change, accountId, provider }) =>
          accountId === '1' && provider === 'aws' && (id === 'i-1' || (kind === 'commitment' && change !== 'started')),
      )
      expect(events).toHaveLength(own.length)
    }),
  )
})

test('costs that nearly cancelled out before blame no part with many times the excess', () => {
  const parts = [
    share('total', null, '500', '10'),
    share('service', 'A', '400', '2800'),
    share('service', 'B', '100', '-2790'),
  ]
  const { shares: found } = explain(questionOf({ ...facts, expected: 300 }, parts, []))
  expect(found.map(({ value, percent }) => [value, Math.round(percent)])).toEqual([
    ['B', 75],
    ['A', 25],
  ])
})

test('without negative costs, parts are expected in proportion to the whole; shares always sum to the excess', () => {
  const cents = (min: number) => fc.integer({ min, max: 1_000_000 }).map((amount) => String(amount / 100))
  const anyParts = (min: number) => fc.array(fc.tuple(cents(min), cents(min)), { minLength: 1, maxLength: 6 })
  const rowsOf = (parts: [string, string][]) => {
    const total = (n: 0 | 1) => Money.plain(Money.sum(parts.map((part) => Money.parse(part[n]))))
    return [
      share('total', null, total(0), total(1)),
      ...parts.map(([cost, before], n) => share('service', `s${n}`, cost, before)),
    ]
  }
  fc.assert(
    fc.property(anyParts(-1_000_000), (parts) => {
      const { excess, shares: found } = explain(questionOf(facts, rowsOf(parts), []))
      expect(Money.plain(Money.sum(found.map((each) => each.excess)))).toBe(Money.plain(excess))
      const gross = parts.reduce((sum, [cost, before]) => sum + Math.abs(Number(cost)) + Math.abs(Number(before)), 200)
      for (const each of found) expect(Math.abs(Number(each.excess))).toBeLessThanOrEqual(gross + 1e-6)
    }),
  )
  fc.assert(
    fc.property(anyParts(1), (parts) => {
      const { parts: found } = questionOf(facts, rowsOf(parts), [])
      const before = parts.reduce((sum, part) => sum + Number(part[1]), 0)
      for (const [n, { expected }] of found.entries())
        expect(Number(expected)).toBeCloseTo((Number(parts[n]?.[1]) * 200) / before, 6)
    }),
  )
})
