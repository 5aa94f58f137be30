import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays, type Day } from '../kernel/calendar.ts'
import { type Dimensions, type Facts, type Info, isWithin, statuses } from './anomaly.ts'
import { type Held, planOf } from './plan.ts'

const aws = { provider: 'AWS' }
const s3 = { ...aws, account: '1', service: 'S3' }
const ec2 = { ...aws, account: '2', service: 'EC2' }
const service = { ...aws, service: 'S3' }
const region = { ...aws, region: 'eu-west-1' }

interface Given {
  first?: Day
  last?: Day
  impact?: number
  also?: Dimensions[]
}

function facts(
  dimensions: Dimensions,
  { first = '2026-10-25', last = first, impact = 400, also = [] }: Given = {},
): Facts {
  return {
    dimensions,
    charged: 'usage',
    currency: 'USD',
    kind: 'spike',
    severity: 'high',
    first,
    last,
    alarmOn: first,
    knownSince: '2026-01-01',
    isOpen: false,
    seriesCost: impact + 100,
    expected: 100,
    lower: 90,
    upper: 110,
    impact,
    deviationPercent: impact,
    surprise: 2,
    excess: [{ day: first, amount: impact, cost: impact + 100 }],
    alsoSeen: also.map((seen) => ({ dimensions: seen, impact })),
  }
}

function row(of: Facts, id = 'ano_1', status: Info['status'] = 'active'): Info {
  return {
    ...of,
    id,
    status,
    provider: 'AWS',
    account: null,
    service: '(several)',
    region: '(several)',
    rootCause: { sentence: '', actual: '500', shares: [], affectedResources: [], events: [] },
    detectedAt: id,
    isAnnounced: true,
    updatedAt: id,
    lakeVersion: 1,
    expiresAt: 0,
  }
}

const floorOf = () => ({ amount: 20, percent: 10 })
const kept = ({ seriesCost }: Info): Held => ({ cost: seriesCost, start: '2026-01-01' })
const corrected = (): Held => ({ cost: 100, start: '2026-01-01' })
const summary = ({ found, changed, withdrawn }: ReturnType<typeof planOf>) => ({
  found: found.length,
  changed: changed.map((each) => each.row.id),
  withdrawn: withdrawn.map(({ reason }) => reason),
})

test.each(statuses)('a row that is %s is not taken over by another account three days later', (status) => {
  const old = row(facts(s3, { also: [aws] }), 'ano_1', status)
  const other = facts(ec2, { first: '2026-10-28', impact: 5_000, also: [aws] })
  expect(summary(planOf([old], [other], { heldOf: kept, floorOf }))).toEqual({ found: 1, changed: [], withdrawn: [] })
  expect(summary(planOf([old], [other], { heldOf: corrected, floorOf }))).toEqual({
    found: 1,
    changed: [],
    withdrawn: status === 'active' ? [expect.stringContaining('corrected these costs from 500 to 100 USD')] : [],
  })
})

test.each([
  ['a part', facts(s3, { first: '2026-10-26' })],
  ['the whole', facts(aws, { first: '2026-10-26' })],
  ['a part of other days', facts(s3, { first: '2026-10-28' })],
])('a row whose own costs were corrected is not continued by %s', (_, other) => {
  const old = row(facts(service, { first: '2026-10-25', last: '2026-10-26' }))
  const { found, withdrawn } = summary(planOf([old], [other], { heldOf: corrected, floorOf }))
  expect(found).toBe(1)
  expect(withdrawn).toEqual([expect.stringContaining('corrected')])
})

test.each([
  ['a part of it', service, facts(s3)],
  ['a whole that has little more', s3, facts(service, { impact: 500 })],
  ['a series across it that shows the same', region, facts(service, { also: [region] })],
])('a row continues as %s', (_, before, after) => {
  expect(summary(planOf([row(facts(before))], [after], { heldOf: kept, floorOf }))).toEqual({
    found: 0,
    changed: ['ano_1'],
    withdrawn: [],
  })
})

test('a row is no part of a cause that leaves it out, and neither continues the other', () => {
  const rest = { ...facts(service), leftOut: [s3] }
  expect(summary(planOf([row(facts(s3))], [rest], { heldOf: kept, floorOf }))).toEqual({
    found: 1,
    changed: [],
    withdrawn: [],
  })
  expect(summary(planOf([row(rest)], [facts(s3)], { heldOf: kept, floorOf }))).toMatchObject({ found: 1, changed: [] })
})

test('a part of a much larger cause is withdrawn in its favor, which is found', () => {
  expect(summary(planOf([row(facts(s3))], [facts(service, { impact: 5_000 })], { heldOf: kept, floorOf }))).toEqual({
    found: 1,
    changed: [],
    withdrawn: ['It is a part of the unexpected cost from 2026-10-25 to 2026-10-25.'],
  })
})

const anyFacts = fc
  .record({
    dimensions: fc.constantFrom<Dimensions>({}, aws, s3, ec2, service, region),
    day: fc.nat(8),
    days: fc.nat(3),
    impact: fc.constantFrom(-400, 100, 400, 5_000),
    also: fc.subarray<Dimensions>([aws, {}]),
  })
  .map(({ dimensions, day, days, impact, also }) => {
    const first = addDays('2026-10-20', day)
    return facts(dimensions, { first, last: addDays(first, days), impact, also })
  })
const key = ({ dimensions, first }: Facts) => JSON.stringify([dimensions, first])

test('each cause is found or continues one row that it meets, and nothing else takes back an unchanged row', () => {
  const many = fc.uniqueArray(anyFacts, { maxLength: 6, selector: key })
  const anyRow = fc.tuple(anyFacts, fc.constantFrom(...statuses), fc.boolean())
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 6 }), many, (given, causes) => {
      const rows = given.map(([of, status], n) => row(of, `ano_${n}`, status))
      const isKept = new Map(rows.map(({ id }, n) => [id, given[n]?.[2]]))
      const plan = planOf(rows, causes, {
        heldOf: (each) => (isKept.get(each.id) ? kept(each) : corrected()),
        floorOf,
      })
      expect(new Set([...plan.found, ...plan.changed.map(({ facts }) => facts)]).size).toBe(
        plan.found.length + plan.changed.length,
      )
      expect(new Set([...plan.changed, ...plan.withdrawn].map((each) => each.row.id)).size).toBe(
        plan.changed.length + plan.withdrawn.length,
      )
      for (const { row: old, facts: next } of plan.changed) {
        expect(old.first <= next.last && next.first <= old.last && old.impact * next.impact > 0).toBe(true)
        const isNested = isWithin(old.dimensions, next.dimensions) || isWithin(next.dimensions, old.dimensions)
        expect(isNested || next.alsoSeen.some((seen) => isWithin(seen.dimensions, old.dimensions))).toBe(true)
        if (key(old) !== key(next) && !isWithin(old.dimensions, next.dimensions)) expect(isKept.get(old.id)).toBe(true)
      }
      for (const { row: old } of plan.withdrawn.filter((each) => isKept.get(each.row.id)))
        expect(
          causes.some(
            (whole) => isWithin(old.dimensions, whole.dimensions) && old.first <= whole.last && whole.first <= old.last,
          ),
        ).toBe(true)
    }),
  )
})
