import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import type { Recommendation } from './compete.ts'
import { amountOf } from './pricing/money.ts'
import { priceBook } from './pricing/prices.ts'
import type { Demand, Offer } from './purchase.ts'
import { resolve } from './recommend.ts'
import { purchasesBill } from './testing/bill.ts'

const terms = [
  { years: 1, payment: 'no_upfront' },
  { years: 1, payment: 'partial_upfront' },
  { years: 1, payment: 'all_upfront' },
  { years: 3, payment: 'no_upfront' },
  { years: 3, payment: 'partial_upfront' },
  { years: 3, payment: 'all_upfront' },
] as const
type Ratios = readonly [string, string, string, string, string, string]
const offersOf = (product: string, ratios: Ratios, plan?: Offer['plan']): Offer[] =>
  terms.map((term, i) => ({ ...term, product, ratio: ratios[i] ?? '1', ...(plan && { plan }) }))
const reserved = (name: string) =>
  offersOf(`reserved instances of ${name}`, ['0.63', '0.6', '0.59', '0.43', '0.4', '0.38'])
const ofFamily = (name: string) =>
  offersOf(`EC2 Instance Savings Plan of ${name}`, ['0.64', '0.61', '0.6', '0.44', '0.41', '0.39'], 'ec2_instance')
const everywhere = (ratios: Ratios = ['0.73', '0.7', '0.69', '0.51', '0.48', '0.46']) =>
  offersOf('Compute Savings Plan', ratios, 'compute')
const serverless = everywhere(['0.85', '0.84', '0.83', '0.62', '0.6', '0.58'])

const book = priceBook([], [])
const common = { cloud: 'aws', accountId: 'payer', accounts: ['a'], currency: 'USD', grain: 'day' } as const
function demand(
  family: string,
  values: readonly string[],
  offers: readonly Offer[],
  more: Partial<Demand> = {},
): Demand {
  const usage = { usage: `${family} in eu-central-1`, kinds: ['instance'], region: 'eu-central-1', family } as const
  return { ...common, ...usage, values, offers, ...more }
}
/** 90 days of hours: one amount at night and at weekends, another in working time. */
const hours = (low: string, high: string): string[] =>
  Array.from({ length: 90 * 24 }, (_, hour) => {
    const isWork = hour % 24 >= 7 && hour % 24 < 19 && Math.floor(hour / 24) % 7 < 5
    return isWork ? high : low
  })
const always = (cost: string): string[] => Array.from({ length: 90 * 24 }, () => cost)
const hourly = { grain: 'hour' } as const

const company: Demand[] = [
  demand('m5', hours('2', '5'), [...reserved('m5'), ...ofFamily('m5'), ...everywhere()], hourly),
  demand('m5 windows', always('0.9'), [...ofFamily('m5'), ...everywhere()], hourly),
  // Nights are busy where days are calm: together they are steadier than each.
  demand('c6g', hours('3.5', '1'), [...reserved('c6g'), ...ofFamily('c6g'), ...everywhere()], hourly),
  demand('Fargate-GB-Hours', always('0.4'), serverless, { ...hourly, kinds: ['container_service'] }),
  demand('Lambda-GB-Second', hours('0.05', '0.3'), serverless, { ...hourly, kinds: ['function'] }),
  demand(
    'db.r6g postgres',
    always('1.1'),
    offersOf('reserved DB instances of db.r6g postgres', ['0.7', '0.68', '0.66', '0.5', '0.47', '0.45']),
    { ...hourly, kinds: ['database'] },
  ),
]

const bought = (demands: readonly Demand[]) => resolve([], { book, demands }).recommendations

test('the bill of purchases: each usage once, and one plan for what is left of all', async () => {
  const file = join(import.meta.dirname, 'testing', 'golden', 'purchases.txt')
  await expect(`${purchasesBill(bought(company))}\n`).toMatchFileSnapshot(file)
})

const actionsOf = (recommendations: readonly Recommendation[]) =>
  recommendations.map(({ finding }) => `${finding.subject.name}: ${finding.change.action}`)

test('reserved instances, the plan of a family and the plan for all usage are one recommendation with alternatives', () => {
  const recommendations = bought(company)
  expect(actionsOf(recommendations).toSorted()).toEqual([
    'EC2, Fargate and Lambda: buy: Compute Savings Plan',
    'c6g in eu-central-1: buy: reserved instances of c6g',
    'db.r6g postgres in eu-central-1: buy: reserved DB instances of db.r6g postgres',
    'm5 in eu-central-1: buy: reserved instances of m5',
    'm5 windows in eu-central-1: buy: EC2 Instance Savings Plan of m5',
  ])
  const m5 = recommendations.find(({ finding }) => finding.subject.name === 'm5 in eu-central-1')
  expect(new Set(m5?.alternatives.map(({ finding }) => finding.change.action))).toEqual(
    new Set(['buy: reserved instances of m5', 'buy: EC2 Instance Savings Plan of m5', 'buy: Compute Savings Plan']),
  )
})

test('the plan for all usage commits to the least hour of what is left, at the rate of each usage', () => {
  const plan = bought(company).find(({ finding }) => finding.subject.id === 'usage:compute')
  const first = [plan, ...(plan?.alternatives ?? [])].find((each) => each?.finding.change.to === '1 year, no upfront')
  // At night 2.5 of c6g is left, 0.4 of Fargate and 0.05 of Lambda; in working time 3 of m5, 0.4 and 0.3.
  expect(first?.finding.evidence).toMatchObject({ commitmentPerHour: '2.207', feeMonthly: '1589.04' })
  expect(first?.finding.evidence['covers']).toBe(
    'c6g in eu-central-1, m5 in eu-central-1, Fargate-GB-Hours in eu-central-1, 2 more',
  )
})

test('where the plan for all usage is the best for a usage, that usage is in the one plan', () => {
  const dear = offersOf('reserved instances of m5', ['0.9', '0.9', '0.9', '0.9', '0.9', '0.9'])
  const m5 = demand('m5', always('2'), [...dear, ...everywhere()], hourly)
  const recommendations = bought([m5, demand('Fargate-GB-Hours', always('0.4'), serverless, hourly)])
  expect(actionsOf(recommendations)).toEqual(['EC2, Fargate and Lambda: buy: Compute Savings Plan'])
})

test('what other recommendations end is in no commitment', () => {
  const m5 = demand('m5', always('2'), [...reserved('m5'), ...everywhere()], hourly)
  const subject = {
    ...bought([m5])[0]?.finding.subject,
    id: 'i-1',
    kind: 'instance',
    region: 'eu-central-1',
    accountId: 'a',
    cost: { currency: 'USD', parts: [{ part: 'compute', cost: '720' }] },
  } as const
  const [model] = bought([m5])
  if (!model) throw new Error('nothing is bought')
  const idle = { ...model.finding, subject, saving: { kind: 'stops_cost', parts: 'all' } } as Recommendation['finding']
  const recommendations = resolve([idle], { book, demands: [m5] }).recommendations
  const floors = recommendations.filter(({ finding }) => finding.subject.id !== 'i-1')
  expect(floors.map(({ finding }) => finding.evidence['floorMonthly'])).toEqual(['720'])
})

test.each([
  ['postgres', '360'],
  ['mysql', '720'],
  [undefined, '360'],
])('what ends of a database with the engine %s leaves %s of the usage of postgres', (engine, floor) => {
  const offers = offersOf('reserved DB instances', ['0.7', '0.68', '0.66', '0.5', '0.47', '0.45'])
  const postgres = demand('db.r6g', always('1'), offers, { ...hourly, kinds: ['database'], variant: 'postgres' })
  const [model] = bought([postgres])
  if (!model) throw new Error('nothing is bought')
  const subject = {
    ...model.finding.subject,
    id: 'db-1',
    kind: 'database',
    type: 'db.r6g.large',
    accountId: 'a',
    cost: { currency: 'USD', parts: [{ part: 'compute', cost: '360' }] },
    configuration: engine === undefined ? {} : { Engine: engine },
  } as const
  const idle = { ...model.finding, subject, saving: { kind: 'stops_cost', parts: 'all' } } as Recommendation['finding']
  const left = resolve([idle], { book, demands: [postgres] }).recommendations
  const floors = left.filter(({ finding }) => finding.subject.id !== 'db-1')
  expect(floors.map(({ finding }) => finding.evidence['floorMonthly'])).toEqual([floor])
})

test('payers and currencies have plans of their own, and days that are not known make none', () => {
  const fargate = (more: Partial<Demand>) =>
    demand('Fargate-GB-Hours', always('0.4'), serverless, { ...hourly, ...more })
  const recommendations = bought([fargate({}), fargate({ accountId: 'other' })])
  expect(recommendations.map(({ finding }) => finding.subject.accountId).toSorted()).toEqual(['other', 'payer'])
  const { recommendations: none, unknown } = resolve([], {
    book,
    demands: [fargate({ values: always('0.4').slice(24) })],
  })
  expect(none).toEqual([])
  expect(unknown.map(({ missing }) => missing)).toEqual([['on-demand costs: 2136 of 2160 hours are known']])
})

test('hours and days together are compared by day', () => {
  const recommendations = bought([
    demand('Fargate-GB-Hours', always('0.5'), serverless, hourly),
    demand(
      'Lambda-GB-Second',
      Array.from({ length: 90 }, () => '12'),
      serverless,
    ),
  ])
  const [plan] = recommendations
  expect(plan?.finding.confidence.level).toBe('medium')
  // 0.85 of (0.5 + 12 / 24)
  const first = [plan, ...(plan?.alternatives ?? [])].find((each) => each?.finding.change.to === '1 year, no upfront')
  expect(first?.finding.evidence['commitmentPerHour']).toBe('0.85')
})

const cents = fc.integer({ min: 0, max: 2000 }).map((value) => (value / 100).toFixed(2))
const days = fc
  .array(cents, { minLength: 3, maxLength: 3 })
  .map((some) => Array.from({ length: 90 }, (_, day) => some[day % some.length] ?? '0'))
const percent = (min: number, max: number) => fc.integer({ min, max }).map((value) => (value / 100).toFixed(2))
/** Usage with offers of any price; the plan for all usage may be the cheapest. */
const anyDemands = fc
  .array(fc.record({ values: days, own: percent(30, 105), family: percent(30, 105), all: percent(40, 105) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((usages) =>
    usages.map(({ values, own, family, all }, i) => {
      const same = (ratio: string): Ratios => [ratio, ratio, ratio, ratio, ratio, ratio]
      const offers = [
        ...(i % 3 === 2 ? [] : offersOf(`reserved instances of f${i}`, same(own))),
        ...(i % 3 === 2 ? [] : offersOf(`EC2 Instance Savings Plan of f${i}`, same(family), 'ec2_instance')),
        ...everywhere(same(all)),
      ]
      return demand(`f${i}`, values, offers)
    }),
  )

const sumAt = (demands: readonly Demand[], day: number, weight: (demand: Demand) => string = () => '1') =>
  Money.sum(demands.map((each) => Money.parse(each.values[day] ?? '0').times(weight(each))))
const leastOf = (amounts: readonly Money.Amount[]) => amounts.reduce((least, each) => (each.lt(least) ? each : least))
const anyDays = [0, 1, 2]
const evidenceSum = (recommendations: readonly Recommendation[], fact: string) =>
  Money.sum(recommendations.map(({ finding }) => Money.parse(String(finding.evidence[fact]))))
/** Amounts are rounded to cents. */
const rounding = '0.1'

test('all commitments together cost and cover at most the least day of all usage, and save a part of it', () => {
  fc.assert(
    fc.property(anyDemands, (demands) => {
      const recommendations = bought(demands)
      const floor = leastOf(anyDays.map((day) => sumAt(demands, day))).times(30)
      const saved = Money.sum(recommendations.map(({ saving }) => amountOf(saving)))
      expect(saved.lte(floor)).toBe(true)
      const covered = evidenceSum(recommendations, 'floorMonthly')
      expect(covered.lte(floor.plus(rounding))).toBe(true)
      expect(evidenceSum(recommendations, 'feeMonthly').plus(saved).minus(covered).abs().lte(rounding)).toBe(true)
    }),
  )
})

test('a plan is used in full on each day, whatever the usage of that day', () => {
  fc.assert(
    fc.property(anyDemands, (demands) => {
      const onlyPlans = demands.map((each) => ({
        ...each,
        offers: each.offers.filter(({ plan }) => plan === 'compute'),
      }))
      for (const { finding } of bought(onlyPlans)) {
        const fee = Money.parse(String(finding.evidence['commitmentPerHour'])).times(24)
        const ratioOf = ({ offers }: Demand) => {
          const ratio = offers[0]?.ratio ?? '1'
          return Number(ratio) < 1 ? ratio : '0'
        }
        for (const day of anyDays) expect(fee.lte(sumAt(onlyPlans, day, ratioOf))).toBe(true)
      }
    }),
  )
})

/** The value of all commitments at the rates of the plan for all usage, in a month. */
function committedAtPlanRates(demands: readonly Demand[]): Money.Amount {
  const amounts = bought(demands).map(({ finding }) => {
    const own = demands.find(({ usage }) => `usage:${usage}` === finding.subject.id)
    const ratio = own?.offers.find(({ plan }) => plan === 'compute')?.ratio
    const covered = Money.parse(String(finding.evidence['floorMonthly']))
    return ratio === undefined ? Money.parse(String(finding.evidence['feeMonthly'])) : covered.times(ratio)
  })
  return Money.sum(amounts)
}

test('more usage never lowers the commitment', () => {
  const cheaper = anyDemands.map((demands) =>
    demands.map((each) => ({
      ...each,
      // Offers for one usage are cheaper than the plan for all, as clouds sell them.
      offers: each.offers.map((offer) => ({ ...offer, ratio: offer.plan === 'compute' ? '0.8' : '0.6' })),
    })),
  )
  fc.assert(
    fc.property(cheaper, fc.nat(4), fc.nat(2), cents, (demands, which, day, more) => {
      const grown = demands.map((each, i) =>
        i === which % demands.length
          ? {
              ...each,
              values: each.values.map((value, at) =>
                at % 3 === day ? Money.plain(Money.parse(value).plus(more)) : value,
              ),
            }
          : each,
      )
      // Plans are sold in steps of 0.001 an hour, which is 0.72 a month.
      const step = Money.parse('0.72').times(demands.length + 1)
      expect(committedAtPlanRates(grown).plus(step).gte(committedAtPlanRates(demands))).toBe(true)
    }),
  )
})

test('the order of the usages changes nothing', () => {
  const shuffled = anyDemands.chain((demands) =>
    fc.tuple(fc.constant(demands), fc.shuffledSubarray(demands, { minLength: demands.length })),
  )
  fc.assert(
    fc.property(shuffled, ([demands, others]) => {
      expect(bought(others)).toEqual(bought(demands))
    }),
    { numRuns: 50 },
  )
})
