import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Info as Recommendation } from '../recommendations/recommendation.ts'
import type { Subject } from '../rules/index.ts'
import { daysAgo, now, scarce, some, steady, usd } from '../rules/testing/subjects.ts'
import { type Condition, Conditions, failuresOf, type Node, type Written } from './conditions.ts'
import { fieldOf, fields, operatorsOf, type View } from './fields.ts'

const volume = some('aws', 'volume', { type: 'gp2', sizeGb: 100, tags: { Environment: 'dev' } })({ id: 'vol-1' })

const view = (subject: Subject, recommendation?: Recommendation): View => ({ subject, recommendation, now })

function parsed(written: Written[]): Node[] {
  return Conditions.parse(written)
}

function matches(written: Written[], subject: Subject): boolean {
  return failuresOf(parsed(written), view(subject)).length === 0
}

const complaints = (given: unknown) =>
  (Conditions.safeParse(given).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)

describe('a condition', () => {
  const instance = some('azure', 'instance', {
    status: 'stopped',
    tags: { environment: 'prod' },
    utilization: { cpu: steady(4, 30), memory: scarce(50) },
    cost: usd({ compute: '19.99', storage: '0.01' }),
    unchangedSince: daysAgo(12),
  })({ id: 'vm-1' })

  test.each<[string, Written, boolean]>([
    ['a choice', { field: 'provider', operator: 'in', value: ['aws', 'azure'] }, true],
    ['a number below', { field: 'cpu_avg', operator: '<', value: 5 }, true],
    ['a number at its bound', { field: 'cpu_avg', operator: '<', value: 4 }, false],
    ['a maximum', { field: 'cpu_max', operator: '>=', value: 30 }, true],
    ['money, exactly', { field: 'monthly_cost', operator: '>=', value: '20.00' }, true],
    ['money a hair below', { field: 'monthly_cost', operator: '<', value: '20.000000000000000001' }, true],
    ['a tag of Azure in another case', { field: 'tags.Environment', operator: '=', value: 'prod' }, true],
    ['a beginning', { field: 'status', operator: 'starts_with', value: 'stop' }, true],
    ['a part', { field: 'region', operator: 'contains', value: 'central' }, true],
    ['days in a state', { field: 'stopped_days', operator: '>', value: 11 }, true],
    ['an absent tag', { field: 'tags.Owner', operator: 'not_exists' }, true],
    ['an absent tag with another value', { field: 'tags.Owner', operator: '!=', value: 'ada' }, false],
    ['a metric of too few hours', { field: 'memory_avg', operator: '<', value: 90 }, false],
    ['an attachment of what has none', { field: 'attached', operator: '=', value: false }, false],
    ['a recommendation where there is none', { field: 'recommendation.risk', operator: '!=', value: 'high' }, false],
  ])('of %s', (_, written, isMatch) => {
    expect(matches([written], instance)).toBe(isMatch)
  })

  test('that fails tells the value of the resource, or that it is not known', () => {
    const written = [
      { field: 'type', operator: '=', value: 'gp3' },
      {
        any: [
          { field: 'size_gb', operator: '>', value: 500 },
          { field: 'iops', operator: '>', value: 3000 },
        ],
      },
    ]
    expect(failuresOf(parsed(written), view(volume))).toEqual([
      { condition: 'type = gp3', actual: 'gp2' },
      { condition: 'size_gb > 500', actual: '100' },
      { condition: 'iops > 3000', actual: null },
    ])
  })
})

describe('a condition is refused', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'of an unknown field',
      [{ field: 'cpu', operator: '<', value: 5 }],
      /^0\.field: must be one of provider, .*cpu_avg/,
    ],
    ['of a field of Object', [{ field: 'constructor', operator: 'exists' }], /^0\.field: must be one of/],
    ['of a tag without a key', [{ field: 'tags.', operator: 'exists' }], /^0\.field: must be one of/],
    [
      'with another operator',
      [{ field: 'cpu_avg', operator: 'contains', value: 5 }],
      /^0\.operator: must be one of = != </,
    ],
    ['with another type', [{ field: 'cpu_avg', operator: '<', value: '5' }], /^0\.value: must be a number/],
    ['with a number too large', [{ field: 'cpu_avg', operator: '<', value: 1e300 }], /^0\.value: /],
    ['with a list', [{ field: 'region', operator: '=', value: ['a'] }], /^0\.value: must be one value/],
    ['without a list', [{ field: 'region', operator: 'in', value: 'a' }], /^0\.value: must be a list/],
    ['with a value that is not allowed', [{ field: 'provider', operator: '=', value: 'ibm' }], /aws, azure, gcp/],
    ['with a value of exists', [{ field: 'name', operator: 'exists', value: 'a' }], /must not be given with exists/],
    ['with an amount that is none', [{ field: 'monthly_cost', operator: '>', value: '1e3' }], /must be an amount/],
    ['in an empty group', [{ any: [] }], /^0\.any: must have a condition/],
    ['beside a group', [{ field: 'name', all: [] }], /^0: must be a condition .* or a group/],
    [
      'within groups, by its path',
      [{ all: [{ any: [{ field: 'x', operator: '=', value: 1 }] }] }],
      /^0\.all\.0\.any\.0\.field/,
    ],
    ['with another name', [{ all: [{ fields: 'x' }] }], /^0\.all\.0: Unrecognized key/],
  ])('%s', (_, given, message) => {
    expect(complaints(given)).toEqual([expect.stringMatching(message)])
  })

  test('in groups that lie too deep, and in too large a number', () => {
    const one = { field: 'name', operator: 'exists' }
    const deep = (depth: number): object => (depth === 0 ? one : { all: [deep(depth - 1)] })
    expect(complaints([deep(5)])).toEqual([])
    expect(complaints([deep(6)])).toEqual([expect.stringMatching('at most 5 deep')])
    expect(complaints(Array.from({ length: 50 }, () => one))).toEqual([])
    expect(complaints([{ any: Array.from({ length: 50 }, () => one) }, one])).toEqual([
      expect.stringMatching('at most 50 conditions'),
    ])
  })
})

const text = fc.constantFrom('dev', 'prod', 'gp2', 'running', 'stopped', '')
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const summary = fc.record({
  average: fc.double({ noNaN: true, min: 0, max: 100 }),
  maximum: fc.double({ noNaN: true, min: 0, max: 100 }),
  hours: fc.integer({ min: 0, max: 336 }),
  hoursExpected: fc.constant(336),
})

const subjects = fc
  .record({
    cloud: fc.constantFrom('aws', 'azure', 'gcp'),
    kind: fc.constantFrom('instance', 'volume', 'snapshot', 'address'),
    name: optional(text),
    type: optional(text),
    status: text,
    createdAt: optional(fc.constantFrom(daysAgo(1), daysAgo(40), 'no time')),
    unchangedSince: optional(fc.constantFrom(daysAgo(1), daysAgo(40))),
    sizeGb: optional(fc.nat(1000)),
    attachedTo: optional(fc.constant('i-1')),
    tags: optional(fc.dictionary(fc.constantFrom('Team', '__proto__', 'toString'), text)),
    cpu: optional(summary),
    cost: optional(fc.constantFrom(usd({ compute: '10.5' }), usd({}), usd({ storage: '-3' }))),
  })
  .map(({ cpu, ...given }): Subject => {
    const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const resource = { id: 'r', accountId: '1', region: 'eu', configuration: {}, ...known } as unknown as Subject
    return cpu ? { ...resource, utilization: { cpu } } : resource
  })

const recommendations = optional(
  fc.constantFrom<Recommendation[]>(
    { rule: 'aws-volume-gp2', category: 'storage' } as Recommendation,
    {
      rule: 'aws-instance-idle',
      category: 'compute',
      found: {
        saving: { amount: '12.5', currency: 'USD', basis: '' },
        risk: 'low',
        confidence: { level: 'high', reason: '' },
      },
    } as Recommendation,
  ),
)

const views = fc
  .tuple(subjects, recommendations)
  .map(([subject, recommendation]): View => view(subject, recommendation))

const conditions = fc
  .constantFrom(...Object.keys(fields), 'tags.Team', 'tags.__proto__')
  .chain((name): fc.Arbitrary<Condition> => {
    const { type, allowed = [] } = fieldOf(name) ?? { type: 'text' as const }
    return fc.constantFrom(...operatorsOf[type]).chain((operator): fc.Arbitrary<Condition> => {
      const one = {
        text,
        choice: fc.constantFrom(...(allowed.length > 0 ? allowed : ['aws'])),
        number: fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
        lasting: fc.nat(100),
        money: fc.constantFrom<(string | number)[]>('0', '10.5', 12.5, '-3'),
        boolean: fc.boolean(),
      }[type] as fc.Arbitrary<string>
      if (operator === 'exists' || operator === 'not_exists') return fc.constant({ field: name, operator })
      const value = operator === 'in' || operator === 'not_in' ? fc.array(one, { minLength: 1, maxLength: 3 }) : one
      return value.map((value) => ({ field: name, operator, value }))
    })
  })

const { node: trees } = fc.letrec<{ node: Node }>((tie) => {
  const groups = fc.array(tie('node'), { minLength: 1, maxLength: 3 })
  return {
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      conditions,
      groups.map((all) => ({ all })),
      groups.map((any) => ({ any })),
    ),
  }
})

const isMatch = (nodes: Node[], of: View) => failuresOf(nodes, of).length === 0

describe('any conditions on any resource', () => {
  test('that are accepted are evaluated without an error, and fail for a named reason', () => {
    fc.assert(
      fc.property(fc.array(trees, { maxLength: 4 }), views, (nodes, of) => {
        expect(Conditions.parse(nodes)).toEqual(nodes)
        for (const { condition } of failuresOf(nodes, of)) expect(condition).not.toBe('')
      }),
      { numRuns: 500 },
    )
  })

  test('obey the laws of all and any', () => {
    fc.assert(
      fc.property(fc.array(trees, { minLength: 1, maxLength: 4 }), views, (nodes, of) => {
        const each = nodes.map((node) => isMatch([node], of))
        expect(isMatch(nodes, of)).toBe(each.every(Boolean))
        expect(isMatch([{ all: nodes }], of)).toBe(each.every(Boolean))
        expect(isMatch([{ any: nodes }], of)).toBe(each.some(Boolean))
      }),
      { numRuns: 500 },
    )
  })

  test('match the same in any order', () => {
    fc.assert(
      fc.property(
        fc
          .array(trees, { maxLength: 5 })
          .chain((nodes) => fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length }))),
        views,
        ([nodes, shuffled], of) => {
          expect(isMatch(shuffled, of)).toBe(isMatch(nodes, of))
          expect(isMatch([{ any: [...shuffled] }], of)).toBe(isMatch([{ any: nodes }], of))
        },
      ),
    )
  })

  test('of a value that is not known never hold, but for not_exists', () => {
    fc.assert(
      fc.property(conditions, views, (condition, of) => {
        fc.pre(fieldOf(condition.field)?.read(of) === undefined)
        expect(isMatch([condition], of)).toBe(condition.operator === 'not_exists')
      }),
      { numRuns: 500 },
    )
  })

  test('of any JSON are accepted, or refused with a path', () => {
    const near = fc.record(
      { field: fc.constantFrom('name', 'x'), operator: text, value: fc.jsonValue(), all: fc.jsonValue() },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.array(near)), (given) => {
        const { success, error } = Conditions.safeParse(given)
        expect(success || error.issues.length > 0).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
