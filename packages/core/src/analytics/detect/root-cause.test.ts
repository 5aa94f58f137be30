import { Big } from 'big.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Money from '../../kernel/money.ts'
import type { Dimension, Part, Question } from './facts.ts'
import { explain } from './root-cause.ts'

function part(
  dimension: Dimension,
  value: string,
  expected: number | string,
  actual: number | string,
  usage?: [number, number, string],
): Part {
  const amounts = { dimension, value, expected: new Big(expected), actual: new Big(actual) }
  if (!usage) return amounts
  const [before, after, unit] = usage
  return { ...amounts, usage: { expected: new Big(before), actual: new Big(after), unit } }
}
function question(expected: number, actual: number, parts: Part[], others: Partial<Question> = {}): Question {
  return {
    first: '2026-10-03',
    last: '2026-10-05',
    currency: 'USD',
    expected: new Big(expected),
    actual: new Big(actual),
    parts,
    events: [],
    ...others,
  }
}

describe('the sentence', () => {
  test('says where, how much, when, and why', () => {
    const { sentence } = explain(
      question(
        2_000,
        3_240.5,
        [
          part('service', 'Amazon EC2', 1_000, 2_240.5),
          part('service', 'Amazon S3', 1_000, 1_000),
          part('account', '583920174465', 700, 1_900),
          part('region', 'eu-west-1', 900, 2_100),
          part('usageType', 'BoxUsage:m5.4xlarge', 400, 1_600, [24, 96, 'hours']),
          part('resource', 'i-0abc', 0, 1_150),
        ],
        { events: [{ day: '2026-10-03', kind: 'started', resource: 'i-0abc', detail: 'by an auto scaling group' }] },
      ),
    )
    expect(sentence).toBe(
      'Amazon EC2 in account 583920174465 (eu-west-1) cost 1,240.5 USD (+62 %) more than expected from 3 to 5 October ' +
        '2026: usage of BoxUsage:m5.4xlarge grew from 24 to 96 hours at the same price; 93 % of it is the new i-0abc; ' +
        'i-0abc was started (by an auto scaling group) on 3 October.',
    )
  })

  test.each([
    [
      'a price',
      question(100, 130, [part('service', 'S3', 100, 130, [50, 50, 'GB'])], { last: '2026-10-03' }),
      'S3 cost 30 USD (+30 %) more than expected on 3 October 2026: the price is higher, at the same usage.',
    ],
    [
      'a price and usage',
      question(100, 150, [part('usageType', 'Requests', 100, 150, [100, 120, 'requests'])]),
      'All services cost 50 USD (+50 %) more than expected from 3 to 5 October 2026: usage of Requests grew from 100 to ' +
        '120 requests at a higher price.',
    ],
    [
      'a small usage',
      question(100, 150, [part('usageType', 'Egress', 100, 150, [0.001, 0.0015, 'TB'])]),
      'All services cost 50 USD (+50 %) more than expected from 3 to 5 October 2026: usage of Egress grew from 0.001 to ' +
        '0.0015 TB at the same price.',
    ],
    [
      'no price where no usage was before',
      question(100, 150, [part('usageType', 'Egress', 100, 150, [0, 50, 'TB'])]),
      'All services cost 50 USD (+50 %) more than expected from 3 to 5 October 2026: mostly Egress.',
    ],
    [
      'a new thing',
      question(0, 80, [part('service', 'SageMaker', 0, 80), part('usageType', 'ml.p4d', 0, 80, [0, 4, 'hours'])]),
      'SageMaker cost 80 USD more than expected from 3 to 5 October 2026: ml.p4d is new, with 4 hours.',
    ],
    [
      'a fall',
      question(100, 40, [part('service', 'EC2', 100, 40, [10, 4, 'hours'])], { first: '2026-09-30' }),
      'EC2 cost 60 USD (-60 %) less than expected from 30 September to 5 October 2026: usage fell from 10 to 4 hours at ' +
        'the same price.',
    ],
    [
      'a new resource at another price, and not one that hardly moved',
      question(100, 160, [
        part('service', 'EC2', 100, 160, [100, 104, 'hours']),
        part('resource', 'i-new', 0, 59.5),
        part('resource', 'i-old', 100, 100.5),
      ]),
      'EC2 cost 60 USD (+60 %) more than expected from 3 to 5 October 2026: 99 % of it is the new i-new.',
    ],
    [
      'two services, and many resources',
      question(100, 200, [
        part('service', 'EC2', 50, 100),
        part('service', 'S3', 50, 95),
        ...Array.from({ length: 10 }, (_, i) => part('resource', `i-${i}`, 5, 15 - i / 10)),
      ]),
      'EC2 (50 % of it) and S3 (45 %) cost 100 USD (+100 %) more than expected from 3 to 5 October 2026: it is spread over ' +
        'at least 10 resources, the largest is i-0.',
    ],
    [
      'few resources',
      question(100, 200, [part('resource', 'i-1', 0, 60), part('resource', 'i-2', 0, 40)]),
      'All services cost 100 USD (+100 %) more than expected from 3 to 5 October 2026: it is spread over 2 resources, the ' +
        'largest is i-1.',
    ],
    [
      'no percentage of almost nothing',
      question(0.0077, 500.0077, [part('service', 'S3', 0.0077, 500.0077)]),
      'S3 cost 500 USD more than expected from 3 to 5 October 2026.',
    ],
    [
      'an expired commitment',
      question(100, 150, [part('resource', 'i-1', 100, 101), part('service', 'EC2', 100, 150)], {
        first: '2025-12-31',
        last: '2026-01-02',
        events: [{ day: '2025-12-31', kind: 'commitment-expired', resource: 'sp-1' }],
      }),
      'EC2 cost 50 USD (+50 %) more than expected from 31 December 2025 to 2 January 2026: the commitment sp-1 expired on ' +
        '31 December.',
    ],
    [
      'nothing known',
      question(100, 150, []),
      'All services cost 50 USD (+50 %) more than expected from 3 to 5 October 2026.',
    ],
  ])('names %s', (_, asked, sentence) => {
    expect(explain(asked).sentence).toBe(sentence.replaceAll('  ', ' '))
  })

  test('does not blame a resource that did not move', () => {
    const { sentence, events, affectedResources } = explain(
      question(100, 200, [part('resource', 'i-1', 10, 110), part('resource', 'i-2', 90, 90)], {
        events: [
          { day: '2026-10-02', kind: 'resized', resource: 'i-2' },
          { day: '2026-10-03', kind: 'resized', resource: 'i-1' },
        ],
      }),
    )
    expect(affectedResources).toEqual(['i-1'])
    expect(events.map(({ resource }) => resource)).toEqual(['i-1', 'i-2'])
    expect(sentence).not.toContain('i-2')
    const other = question(100, 200, [part('resource', 'i-1', 10, 110)], {
      events: [{ day: '2026-10-02', kind: 'resized', resource: 'i-2' }],
    })
    expect(explain(other).sentence).not.toContain('i-2')
  })

  test.each([
    ['is of an unknown resource', [part('service', 'EC2', 100, 200)], { kind: 'started', resource: 'i-2' }],
    ['is of the other direction', [part('resource', 'i-1', 10, 110)], { kind: 'stopped', resource: 'i-1' }],
    [
      'changes no price, if usage grew at the same price',
      [part('service', 'S3', 100, 200, [10, 20, 'GB'])],
      { kind: 'commitment-expired', resource: 'sp-1' },
    ],
  ] as const)('names no event that %s', (_, parts, event) => {
    const { sentence, events } = explain(question(100, 200, [...parts], { events: [{ day: '2026-10-02', ...event }] }))
    expect(events).toHaveLength(1)
    expect(sentence).not.toContain(`${event.resource} was`)
    expect(sentence).not.toContain('expired')
  })

  test('affects the resources with a hundredth of the largest share, be all of them small', () => {
    const equal = Array.from({ length: 15 }, (_, n) => part('resource', `i-${n}`, 0, 1))
    const resourcesOf = (parts: Part[]) => explain(question(1_000, 2_000, parts)).affectedResources
    expect(resourcesOf(equal)).toHaveLength(15)
    expect(resourcesOf([...equal, part('resource', 'i-large', 0, 101)])).toEqual(['i-large'])
  })
})

describe('the facts', () => {
  test('are additive: what the parts do not name is a share without a value', () => {
    const { shares } = explain(question(100, 200, [part('account', 'a', 50, 130), part('account', 'b', 20, 10)]))
    expect(shares.map(({ value, percent, change }) => [value, percent, change])).toEqual([
      ['a', 80, 'grown'],
      ['b', -10, 'shrunk'],
      [null, 30, 'same'],
    ])
  })

  test('put the largest fall first when less was spent', () => {
    const { shares } = explain(question(100, 20, [part('account', 'a', 20, 10), part('account', 'b', 80, 10)]))
    expect(shares.map(({ value }) => value)).toEqual(['b', 'a'])
  })

  const cents = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => new Big(value).div(1_000))
  const anyPart = fc.record({
    dimension: fc.constantFrom<Dimension>('service', 'account', 'resource'),
    value: fc.constantFrom('a', 'b', 'c'),
    expected: cents,
    actual: cents,
    usage: fc.option(fc.record({ expected: cents, actual: cents, unit: fc.constant('h') }), { nil: undefined }),
  })

  test('sum to the excess exactly, and price and quantity to their share', () => {
    fc.assert(
      fc.property(cents, cents, fc.array(anyPart, { maxLength: 9 }), (expected, actual, parts) => {
        const asked = { ...question(0, 0, []), expected, actual }
        const given = parts.map(({ usage, ...rest }): Part => (usage ? { ...rest, usage } : rest))
        const { shares, excess, sentence } = explain({ ...asked, parts: given })
        expect(excess.eq(actual.minus(expected))).toBe(true)
        for (const dimension of new Set(parts.map((part) => part.dimension))) {
          const own = shares.filter((share) => share.dimension === dimension)
          expect(Money.sum(own.map((share) => share.excess)).eq(excess)).toBe(true)
        }
        for (const { excess, effect } of shares)
          if (effect) expect(effect.quantity.plus(effect.price).eq(excess)).toBe(true)
        expect(sentence).not.toMatch(/undefined|null|NaN/)
      }),
    )
  })
})
