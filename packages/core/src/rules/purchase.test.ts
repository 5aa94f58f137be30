import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import type { Recommendation } from './compete.ts'
import { amountOf, savingOf } from './pricing/money.ts'
import { priceBook } from './pricing/prices.ts'
import { type Demand, type Offer, purchases } from './purchase.ts'
import { resolve } from './recommend.ts'
import type { Finding, Found } from './rule.ts'
import { found, some, usd } from './testing/subjects.ts'

const ri = { product: 'reserved instances of m5' }
const offers: Offer[] = [
  { ...ri, years: 1, payment: 'no_upfront', ratio: '0.73' },
  { ...ri, years: 1, payment: 'partial_upfront', ratio: '0.7' },
  { ...ri, years: 1, payment: 'all_upfront', ratio: '0.68' },
  { ...ri, years: 3, payment: 'no_upfront', ratio: '0.5' },
  { ...ri, years: 3, payment: 'partial_upfront', ratio: '0.47' },
  { ...ri, years: 3, payment: 'all_upfront', ratio: '0.45' },
]
const book = priceBook([], [])
const demand = (more: Partial<Demand> = {}): Demand => ({
  usage: 'm5 in eu-central-1',
  cloud: 'aws',
  accountId: 'payer',
  accounts: ['account-1'],
  kinds: ['instance'],
  region: 'eu-central-1',
  family: 'm5',
  currency: 'USD',
  grain: 'day',
  values: Array.from({ length: 90 }, (_, day) => (day === 40 ? '10' : '12')),
  offers,
  ...more,
})
const isFound = (finding: Finding): finding is Found => finding.state === 'found'
/** The findings of purchases, and what is missing. */
function bought(demands: readonly Demand[], others: readonly Recommendation[] = []) {
  const missing: string[] = []
  const options = purchases(demands, others, (findings) => {
    missing.push(...findings.flatMap((finding) => (isFound(finding) ? [] : finding.missing)))
    return findings.filter(isFound).map((finding) => ({ finding, saving: savingOf(finding, book) }))
  })
  return { found: options.map(({ finding }) => finding), missing }
}
const foundIn = (demands: readonly Demand[]) => bought(demands).found

test('each term and payment is an offer for the least day of 90, with its break-even', () => {
  const lines = foundIn([demand()]).map(({ change, evidence }) => {
    const { floorMonthly, feeMonthly, upfront, breakEvenMonths, breakEvenUsePercent } = evidence
    return `${change.to}: ${feeMonthly} for ${floorMonthly}, upfront ${upfront}, ${breakEvenMonths} months or ${breakEvenUsePercent} %`
  })
  expect(lines).toEqual([
    '1 year, no upfront: 219 for 300, upfront 0, 8.8 months or 73 %',
    '1 year, partial upfront: 210 for 300, upfront 1277.5, 8.4 months or 70 %',
    '1 year, all upfront: 204 for 300, upfront 2482, 8.2 months or 68 %',
    '3 years, no upfront: 150 for 300, upfront 0, 18 months or 50 %',
    '3 years, partial upfront: 141 for 300, upfront 2573.25, 16.9 months or 47 %',
    '3 years, all upfront: 135 for 300, upfront 4927.5, 16.2 months or 45 %',
  ])
})

test('offers and products for the same usage are one recommendation with alternatives', () => {
  const plan = { product: 'EC2 Instance Savings Plan', plan: 'ec2_instance' } as const
  const own: Offer[] = [...offers, { ...plan, years: 1, payment: 'no_upfront', ratio: '0.6' }]
  const { recommendations } = resolve([], { book, demands: [demand({ offers: own })] })
  expect(
    recommendations.map(({ finding, saving }) => [finding.change.action, finding.change.to, saving.amount]),
  ).toEqual([['buy: EC2 Instance Savings Plan', '1 year, no upfront', '120']])
  expect(recommendations[0]?.alternatives).toHaveLength(6)
})

test('what other recommendations end is not bought', () => {
  const subject = some('aws', 'instance')({ id: 'i-1', cost: usd({ compute: '100 x 730' }) })
  const idle = { ...foundIn([demand()])[0], subject, saving: { kind: 'stops_cost', parts: 'all' } } as Found
  const { recommendations } = resolve([idle], { book, demands: [demand()] })
  const bought = recommendations.find(
    ({ finding }) => finding.rule === 'commitment-purchase' && finding.subject.id !== 'i-1',
  )
  expect(bought?.finding.evidence['floorMonthly']).toBe('200')
})

test.each([
  ['of another account', { accountId: 'account-2' }, '300'],
  ['in another region', { region: 'us-east-1' }, '300'],
  ['of another family', { type: 'c6i.large' }, '300'],
  ['of the family', { type: 'm5.2xlarge' }, '200'],
])('a saving %s counts only in its own usage', (_, more, floor) => {
  const subject = some('aws', 'instance')({ id: 'i-1', cost: usd({ compute: '100 x 730' }), ...more })
  const idle = { ...foundIn([demand()])[0], subject, saving: { kind: 'stops_cost', parts: 'all' } } as Found
  const { recommendations } = resolve([idle], { book, demands: [demand()] })
  const floors = recommendations.map(({ finding }) => finding).filter(({ subject: { id } }) => id !== 'i-1')
  expect(floors.map(({ evidence }) => evidence['floorMonthly'])).toEqual([floor])
})

test.each([
  ['a function', 'Lambda-GB-Second', { kind: 'function', type: 'nodejs20.x' }],
  ['a service on Fargate', 'Fargate-GB-Hours', { kind: 'container_service', type: 'FARGATE' }],
] as const)('what another rule saves of %s is not bought', (_, family, resource) => {
  const subject = some('aws', resource.kind)({ id: 's-1', type: resource.type, cost: usd({ compute: '100 x 730' }) })
  const smaller: Found = found({ subject, saving: { kind: 'share', parts: ['compute'], share: 0.875 } })
  const plan = { product: 'Compute Savings Plan', plan: 'compute', years: 1, payment: 'no_upfront' } as const
  const own = demand({ family, kinds: [resource.kind], offers: [{ ...plan, ratio: '0.85' }] })
  const { recommendations } = resolve([smaller], { book, demands: [own] })
  const floors = recommendations.map(({ finding }) => finding.evidence['floorMonthly']).filter(Boolean)
  // 212.50 stay; the commitment is 0.25 an hour.
  expect(floors).toEqual(['211.76'])
})

const wholePlan = { product: 'Compute Savings Plan', plan: 'compute', years: 1, payment: 'no_upfront' } as const
/** What is bought beside a change of one m5 that costs 100 of the 300 of the least day. */
function boughtBeside(saving: Found['saving'], own: Offer[]) {
  const subject = some('aws', 'instance')({ id: 'i-1', type: 'm5.large', cost: usd({ compute: '100 x 720' }) })
  const list = { cloud: 'aws', region: 'eu-central-1', part: 'compute', currency: 'USD', asOf: '2026-10-01' } as const
  const prices = ['m5.medium', 'm7g.large'].map((sku) => ({ ...list, sku, price: '0.1' }))
  const given = { book: priceBook([], prices), demands: [demand({ offers: own })] }
  const { recommendations } = resolve([found({ subject, saving })], given)
  return recommendations.flatMap(({ finding: { change, evidence } }) =>
    evidence['floorMonthly'] === undefined ? [] : [`${change.action}: ${evidence['floorMonthly']}`],
  )
}
const changedTo = (sku: string): Found['saving'] => ({
  kind: 'price_of',
  replaces: ['compute'],
  targets: [{ part: 'compute', sku }],
})

test.each<[string, Found['saving'], number]>([
  // It saves 28.
  ['another size of the family', changedTo('m5.medium'), 272],
  ['another family', changedTo('m7g.large'), 200],
  ['a size without a known price', changedTo('m5.small'), 200],
  ['a family without a known price', changedTo('m8g.large'), 300],
  ['a schedule', { kind: 'share', parts: ['compute'], share: 0.6, isOfTime: true }, 200],
  ['a smaller part', { kind: 'share', parts: ['compute'], share: 0.6 }, 240],
])('of what goes to %s, only the usage that surely stays is bought', (_, saving, floor) => {
  expect(boughtBeside(saving, offers)).toEqual([`buy: reserved instances of m5: ${floor}`])
})

test('a plan for all usage goes with a resource to another family, but not to a schedule', () => {
  const own = [{ ...wholePlan, ratio: '0.72' }]
  expect(boughtBeside(changedTo('m7g.large'), own)).toEqual(['buy: Compute Savings Plan: 272'])
  expect(boughtBeside({ kind: 'share', parts: ['compute'], share: 0.6, isOfTime: true }, own)).toEqual([
    'buy: Compute Savings Plan: 200',
  ])
})

test('with what rules and purchases save together, at least nothing is left to pay', () => {
  const cents = fc.integer({ min: 0, max: 100_000 })
  const usages = fc.constantFrom<{ kind: ResourceKind; type: string; family: string }>(
    { kind: 'instance', type: 'm5.large', family: 'm5' },
    { kind: 'function', type: 'nodejs20.x', family: 'Lambda-GB-Second' },
    { kind: 'container_service', type: 'FARGATE', family: 'Fargate-GB-Hours' },
  )
  fc.assert(
    fc.property(fc.array(cents, { minLength: 1, maxLength: 6 }), fc.nat(5), usages, (costs, ended, usage) => {
      const { kind, type, family } = usage
      const of = some('aws', kind, { status: 'running', type })
      const subjects = costs.map((cost, i) => of({ id: `i-${i}`, cost: usd({ compute: `${cost / 100} x 730` }) }))
      const [model] = foundIn([demand()])
      const findings = subjects
        .slice(0, ended)
        .map((subject) => ({ ...model, subject, saving: { kind: 'stops_cost', parts: 'all' } }) as Found)
      const spend = Money.sum(costs.map((cost) => Money.parse(String(cost)).div(100)))
      const values = Array.from({ length: 90 }, () => Money.plain(spend.div(30).round(6, 0)))
      const { recommendations } = resolve(findings, { book, demands: [demand({ values, kinds: [kind], family })] })
      const saved = Money.sum(recommendations.map(({ saving }) => amountOf(saving)))
      expect(saved.lte(spend)).toBe(true)
    }),
  )
})

test('a day without costs, or a day that is not known, makes no purchase', () => {
  const values = demand().values
  expect(bought([demand({ values: [...values.slice(1), '0'] })])).toEqual({ found: [], missing: [] })
  expect(bought([demand({ values: values.slice(1) })])).toEqual({
    found: [],
    missing: ['on-demand costs: 89 of 90 days are known'],
  })
  expect(foundIn([demand({ offers: [{ ...ri, years: 1, payment: 'no_upfront', ratio: '1' }] })])).toEqual([])
})

test('hours know more than days', () => {
  const values = Array.from({ length: 90 * 24 }, (_, hour) => (hour % 24 < 8 ? '0.25' : '0.5'))
  const [first] = foundIn([demand({ grain: 'hour', values })])
  expect(first?.evidence['floorMonthly']).toBe('180')
  expect(first?.confidence.level).toBe('high')
})

test('nothing above the demonstrated floor is bought, and the saving is exact and below the spend', () => {
  const cents = fc.integer({ min: 0, max: 100_000 }).map((value) => (value / 100).toFixed(2))
  fc.assert(
    fc.property(
      fc.array(cents, { minLength: 90, maxLength: 90 }),
      fc.integer({ min: 1, max: 120 }),
      (values, percent) => {
        const ratio = (percent / 100).toFixed(2)
        const least = values.map(Money.parse).toSorted((a, b) => a.cmp(b))[0] ?? Money.zero
        const floor = least.times(30)
        for (const finding of foundIn([
          demand({ values, offers: [{ ...ri, years: 3, payment: 'all_upfront', ratio }] }),
        ])) {
          const saving = amountOf(savingOf(finding, book))
          expect(Money.parse(String(finding.evidence['floorMonthly'])).eq(floor)).toBe(true)
          expect(saving.eq(floor.minus(floor.times(ratio)))).toBe(true)
          expect(saving.gte(0) && saving.lte(floor)).toBe(true)
        }
      },
    ),
  )
})
