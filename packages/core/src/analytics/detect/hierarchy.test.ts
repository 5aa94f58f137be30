import { expect, test } from 'vitest'
import { random } from '../series/numeric.ts'
import { anomaliesOf } from './anomaly.ts'
import { perCause } from './cause.ts'

const services = ['EC2', 'S3', 'RDS', 'Lambda']
const accounts = ['shop', 'data', 'lab']
const days = 120

/** The dimensions of every series that a cost of this service in this account is part of. */
const groupsOf = (service: string, account: string): Record<string, string>[] => [
  {},
  { account },
  { service },
  { service, account },
  { 'tag:Team': account === 'lab' && service !== 'EC2' ? 'red' : 'blue' },
]

/** The causes in all series of an invented company, with an extra cost on three days from day 100 on. */
function causes(extra: (service: string, account: string) => number) {
  const series = new Map<string, { dimensions: Record<string, string>; values: number[] }>()
  for (const [s, service] of services.entries())
    for (const [a, account] of accounts.entries()) {
      const next = random(10 * s + a)
      const level = 50 * (s + 1) * (a + 1)
      for (let day = 0; day < days; day++) {
        const cost = level * (day % 7 < 5 ? 1 : 0.7) * (0.97 + 0.06 * next())
        const more = day >= 100 && day < 103 ? extra(service, account) : 0
        for (const dimensions of groupsOf(service, account)) {
          const key = JSON.stringify(dimensions)
          const group = series.get(key) ?? { dimensions, values: Array.from({ length: days }, () => 0) }
          group.values[day] = (group.values[day] ?? 0) + cost + more
          series.set(key, group)
        }
      }
    }
  const sightings = [...series.values()].flatMap(({ dimensions, values }) =>
    anomaliesOf({ start: '2026-01-01', stepSeconds: 86_400, values }).map((anomaly) => ({ dimensions, anomaly })),
  )
  return perCause(sightings).map(({ dimensions, anomaly, alsoSeen }) => ({
    dimensions,
    first: anomaly.first,
    last: anomaly.last,
    impact: Math.round(anomaly.impact / 100) * 100,
    alsoSeen: alsoSeen.length,
  }))
}
const span = { first: '2026-04-11', last: '2026-04-13' }

test('a quiet company has no anomaly', () => {
  expect(causes(() => 0)).toEqual([])
})

test('an excess that shows in five series is one anomaly of one service in one account', () => {
  expect(causes((service, account) => (service === 'RDS' && account === 'data' ? 1_000 : 0))).toEqual([
    { dimensions: { service: 'RDS', account: 'data' }, ...span, impact: 3_000, alsoSeen: 4 },
  ])
})

test('two excesses on the same days are two anomalies, and the total is none', () => {
  const found = causes((service, account) =>
    service === 'RDS' && account === 'data' ? 900 : service === 'S3' && account === 'lab' ? 700 : 0,
  )
  expect(found.map(({ dimensions }) => dimensions)).toEqual([
    { service: 'RDS', account: 'data' },
    { service: 'S3', account: 'lab' },
  ])
})

test('a rise of one account over all of its services is an anomaly of each service in it', () => {
  const found = causes((...[, account]) => (account === 'lab' ? 400 : 0))
  expect(found).toHaveLength(services.length)
  expect(found.every(({ dimensions }) => dimensions['account'] === 'lab')).toBe(true)
})
