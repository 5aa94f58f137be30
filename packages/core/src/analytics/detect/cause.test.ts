import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays } from '../../kernel/calendar.ts'
import type { Anomaly } from './anomaly.ts'
import { perCause, type Sighting } from './cause.ts'

function sighting(
  dimensions: Record<string, string>,
  impact: number,
  { first = '2026-10-05', days = 1, expected = 100 } = {},
): Sighting {
  const excess = Array.from({ length: days }, (_, i) => ({
    day: addDays(first, i),
    amount: impact / days,
    cost: (expected + impact) / days,
  }))
  const anomaly: Anomaly = {
    kind: impact < 0 ? 'dip' : 'spike',
    severity: 'low',
    first,
    last: addDays(first, days - 1),
    detected: first,
    isOpen: false,
    actual: expected + impact,
    expected,
    lower: expected,
    upper: expected,
    impact,
    deviationPercent: (100 * impact) / expected,
    surprise: 2,
    excess,
  }
  return { dimensions, anomaly }
}
const found = (...sightings: Sighting[]) =>
  perCause(sightings).map(({ dimensions, alsoSeen }) => [Object.values(dimensions).join(' '), alsoSeen.length])

const total = {}
const aws = { provider: 'aws' }
const account = { provider: 'aws', account: '1' }
const ec2 = { provider: 'aws', service: 'EC2' }
const s3 = { provider: 'aws', service: 'S3' }
const both = { provider: 'aws', account: '1', service: 'EC2' }

test('an excess seen at every depth is one anomaly of the deepest series', () => {
  const region = { provider: 'aws', region: 'eu-west-1' }
  expect(
    found(
      sighting(total, 102, { expected: 5_000 }),
      sighting(aws, 98, { expected: 3_000 }),
      sighting(region, 95, { expected: 900 }),
      sighting({ 'tag:Team': 'blue' }, 90, { expected: 500 }),
      sighting(account, 101, { expected: 700 }),
      sighting(ec2, 100, { expected: 600 }),
      sighting(both, 99, { expected: 200 }),
    ),
  ).toEqual([['aws 1 EC2', 6]])
})

test('a part that explains less than 70 % is a cause of its own', () => {
  expect(found(sighting(ec2, 100), sighting(both, 69))).toEqual([
    ['aws 1 EC2', 0],
    ['aws EC2', 0],
  ])
  expect(found(sighting(ec2, 100), sighting(both, 70))).toEqual([['aws 1 EC2', 1]])
})

test('two services that explain the total together leave no third anomaly', () => {
  expect(found(sighting(total, 200), sighting(ec2, 110), sighting(s3, 80))).toEqual([
    ['aws EC2', 1],
    ['aws S3', 0],
  ])
})

test('overlapping parts do not count twice', () => {
  const region = { provider: 'aws', region: 'eu-west-1' }
  expect(found(sighting(total, 200), sighting(ec2, 100), sighting(region, 60))).toEqual([
    ['aws EC2', 0],
    ['', 1],
  ])
  expect(found(sighting(total, 100), sighting(ec2, 100), sighting(region, 60))).toEqual([['aws EC2', 2]])
  expect(found(sighting(total, 200), sighting(ec2, 120), sighting(region, 80))).toEqual([
    ['aws EC2', 1],
    ['aws eu-west-1', 0],
  ])
})

test('series that cross each other have one cause only if they show the same excess', () => {
  const region = { provider: 'aws', region: 'eu-west-1' }
  expect(found(sighting(ec2, 100), sighting(region, 80))).toEqual([['aws EC2', 1]])
  expect(found(sighting(ec2, 100), sighting(region, 20))).toHaveLength(2)
})

test.each([
  ['other days', sighting(ec2, 100, { first: '2026-10-20' })],
  ['the other direction', sighting(ec2, -100)],
  ['another provider', sighting({ provider: 'gcp', service: 'EC2' }, 100)],
])('a series of %s explains nothing', (_, other) => {
  expect(found(sighting(account, 100), other)).toHaveLength(2)
})

test('only the excess of common days explains', () => {
  expect(found(sighting(aws, 100, { days: 2 }), sighting(ec2, 300, { days: 30 }))).toHaveLength(2)
  expect(found(sighting(aws, 100, { days: 10 }), sighting(ec2, 100, { days: 10 }))).toHaveLength(1)
})

test('what a series has beside a cause within it is a cause of its own', () => {
  const causes = perCause([sighting(both, 600), sighting(ec2, 1_000), sighting(account, 600), sighting(aws, 1_000)])
  const rests = causes.map(({ dimensions, leftOut, rest }) => [dimensions, leftOut, [...rest.values()]])
  expect(rests).toEqual([
    [both, [], [600]],
    [ec2, [both], [400]],
  ])
})

test('the causes within a series have at most its excess together', () => {
  const services = ['EC2', 'S3']
  const accounts = ['1', '2', '3']
  const regions = ['eu', 'us']
  const cells = services.flatMap((service) =>
    accounts.flatMap((account) => regions.map((region) => ({ provider: 'aws', service, account, region }))),
  )
  const parts = (names: (keyof (typeof cells)[number])[]) => {
    const keyOf = (cell: (typeof cells)[number]) => Object.fromEntries(names.map((name) => [name, cell[name]]))
    return [...new Map(cells.map((cell) => [JSON.stringify(keyOf(cell)), keyOf(cell)])).values()]
  }
  const series: Record<string, string>[] = [
    {},
    ...parts(['provider']),
    ...parts(['provider', 'account']),
    ...parts(['provider', 'service']),
    ...parts(['provider', 'region']),
    ...parts(['provider', 'account', 'service']),
  ]
  const isIn = (whole: Record<string, string>, part: Record<string, string>) =>
    Object.entries(whole).every(([name, value]) => part[name] === value)
  const amounts = fc.array(fc.constantFrom(0, 0, 0, 5, 30, 60, 100, 400), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(amounts, (given) => {
      const excessOf = (of: Record<string, string>) =>
        cells.reduce((sum, cell, n) => sum + (isIn(of, cell) ? (given[n] ?? 0) : 0), 0)
      const causes = perCause(series.filter((of) => excessOf(of) >= 20).map((of) => sighting(of, excessOf(of))))
      for (const whole of series.filter((of) => excessOf(of) >= 20)) {
        const within = causes.filter(({ dimensions }) => isIn(whole, dimensions))
        const sum = within.reduce((all, { rest }) => all + [...rest.values()].reduce((a, b) => a + b, 0), 0)
        expect(sum).toBeLessThanOrEqual(excessOf(whole) * 1.05 + 1e-9)
      }
      const all = causes.reduce((sum, { rest }) => sum + [...rest.values()].reduce((a, b) => a + b, 0), 0)
      expect(all).toBeGreaterThanOrEqual((excessOf({}) >= 20 ? excessOf({}) : 0) * 0.49)
    }),
    { numRuns: 500 },
  )
})

test('no sighting is lost or used twice, and the order of the input does not matter', () => {
  const anySighting = fc
    .record({
      dimensions: fc.constantFrom<Record<string, string>>(total, aws, account, ec2, s3, both, { 'tag:Team': 'blue' }),
      impact: fc.integer({ min: -300, max: 300 }).filter((impact) => impact !== 0),
      day: fc.nat(6),
      days: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ dimensions, impact, day, days }) =>
      sighting(dimensions, impact, { first: addDays('2026-10-01', day), days }),
    )
  const distinct = fc.uniqueArray(anySighting, {
    maxLength: 12,
    selector: ({ dimensions, anomaly }) => JSON.stringify([dimensions, anomaly.first, anomaly.impact > 0]),
  })
  fc.assert(
    fc.property(distinct, (sightings) => {
      const causes = perCause(sightings)
      const used = causes.flatMap(({ anomaly, alsoSeen }) => [anomaly, ...alsoSeen.map((other) => other.anomaly)])
      expect(new Set(used)).toEqual(new Set(sightings.map(({ anomaly }) => anomaly)))
      expect(used).toHaveLength(sightings.length)
      expect(found(...[...sightings].reverse())).toEqual(found(...sightings))
    }),
  )
})
