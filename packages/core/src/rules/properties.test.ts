import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from '../kernel/money.ts'
import type { UtilizationMetric } from '../kernel/resource.ts'
import { allRules } from './analyzers.ts'
import { judge } from './engine.ts'
import { amountOf, costOf, savingOf } from './pricing/money.ts'
import { recommend, resolve } from './recommend.ts'
import type { Found } from './rule.ts'
import { type MonthlyCost, parts, type Subject, summarize } from './subject.ts'
import { fixtures } from './testing/fixtures.ts'
import { book } from './testing/prices.ts'
import { now, requiredTags } from './testing/subjects.ts'

const settings = { now, requiredTags }
const inventory = [
  ...new Map(
    fixtures
      .flatMap(({ finds, leaves, lacks, beside = [] }) => [...finds, ...leaves, ...lacks, ...beside])
      .map((subject) => [subject.id, subject]),
  ).values(),
]

const cents = fc.integer({ min: -2000, max: 100_000 }).map((value) => (value / 100).toFixed(2))
const anyCost: fc.Arbitrary<MonthlyCost> = fc
  .array(
    fc.record(
      {
        part: fc.constantFrom(...parts),
        cost: cents,
        quantity: fc.integer({ min: 0, max: 3000 }).map(String),
        covered: fc.record({ cost: cents, quantity: fc.integer({ min: 0, max: 3000 }).map(String) }),
      },
      { requiredKeys: ['part', 'cost'] },
    ),
    { maxLength: 5 },
  )
  .map((listed) => ({ currency: 'USD', parts: listed }))

/** Some subjects of all fixtures, with any costs. */
const anyInventory = fc
  .subarray(inventory)
  .chain((chosen) =>
    fc.tuple(fc.constant(chosen), fc.array(anyCost, { minLength: chosen.length, maxLength: chosen.length })),
  )
  .map(([chosen, costs]) => chosen.map((subject, i): Subject => ({ ...subject, ...(costs[i] && { cost: costs[i] }) })))

const positive = (amount: Money.Amount) => (amount.lt(0) ? Money.zero : amount)
const spendOf = (subjects: readonly Subject[]) =>
  Money.sum(subjects.map((subject) => positive(costOf(subject) ?? Money.zero)))

test('no saving is negative, or more than its resources cost beyond commitments', () => {
  fc.assert(
    fc.property(anyInventory, (subjects) => {
      const found = judge(allRules, subjects, settings).filter((finding): finding is Found => finding.state === 'found')
      for (const finding of found) {
        const amount = amountOf(savingOf(finding, book))
        const own = [finding.subject, ...(finding.also ?? [])].flatMap(({ cost }) => cost?.parts ?? [])
        const free = own.map(({ cost, covered }) => Money.parse(cost).minus(covered?.cost ?? '0'))
        expect(amount.gte(0)).toBe(true)
        expect(amount.lte(positive(Money.sum(free)))).toBe(true)
      }
    }),
  )
})

test('the savings of all recommendations are together at most the spend', () => {
  const costs = anyInventory.map((subjects) =>
    subjects.map((subject) => ({
      ...subject,
      ...(subject.cost && {
        cost: { ...subject.cost, parts: subject.cost.parts.filter(({ cost }) => !cost.startsWith('-')) },
      }),
    })),
  )
  fc.assert(
    fc.property(costs, (subjects) => {
      const { recommendations } = recommend(subjects, settings, { book })
      const saved = Money.sum(recommendations.map(({ saving }) => amountOf(saving)))
      expect(saved.lte(spendOf(subjects).plus(coveredBack(subjects)))).toBe(true)
    }),
  )
})

/** A covered cost below zero is a credit of the commitment. */
function coveredBack(subjects: readonly Subject[]): Money.Amount {
  const covered = subjects
    .flatMap(({ cost }) => cost?.parts ?? [])
    .map((part) => Money.parse(part.covered?.cost ?? '0'))
  return Money.sum(covered.filter((amount) => amount.lt(0))).abs()
}

test('a permutation of the subjects changes nothing', () => {
  const advice = recommend(inventory, settings, { book })
  fc.assert(
    fc.property(fc.shuffledSubarray(inventory, { minLength: inventory.length }), (shuffled) => {
      expect(recommend(shuffled, settings, { book })).toEqual(advice)
    }),
    { numRuns: 20 },
  )
})

test('each resource belongs to one recommendation, and what competes with it is an alternative', () => {
  const { recommendations } = recommend(inventory, settings, { book })
  const priced = recommendations.filter(({ finding }) => finding.saving.kind !== 'none')
  const held = priced.flatMap(({ finding }) => [finding.subject, ...(finding.also ?? [])].map(({ id }) => id))
  expect(new Set(held).size).toBe(held.length)
  const all = judge(allRules, inventory, settings).filter((each): each is Found => each.state === 'found')
  const worth = all.filter((each) => each.saving.kind === 'none' || savingOf(each, book).amount !== '0')
  const listed = recommendations.reduce((count, { alternatives }) => count + 1 + alternatives.length, 0)
  expect(listed).toBe(worth.length)
  expect(resolve(all, { book }).recommendations).toEqual(recommendations)
})

const metrics: UtilizationMetric[] = [
  'cpu',
  'memory',
  'cpu_reserved',
  'memory_reserved',
  'memory_used',
  'cpu_time',
  'network_in',
  'network_out',
  'connections',
  'requests',
  'disk_operations',
]
/** Of each metric: high enough that no rule sees little use. */
const busy = 1e13
const percentages = new Set<UtilizationMetric>(['cpu', 'memory', 'cpu_reserved', 'memory_reserved'])
const busyOf = (metric: UtilizationMetric) => (percentages.has(metric) ? 99 : busy)

test('one more hour of high use never makes a finding', () => {
  const measured = inventory.filter(({ utilization }) => utilization !== undefined)
  const hours = fc.array(
    fc.record({ average: fc.constantFrom(0, 1, 4, 30, 99), maximum: fc.constantFrom(99, 99, 1, 4) }),
    { minLength: 1, maxLength: 12 },
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...measured),
      fc.constantFrom(...metrics),
      hours,
      fc.integer({ min: 1, max: 14 }),
      (subject, metric, known, expected) => {
        const rows = known.map(({ average, maximum }) => ({ average, maximum: Math.max(average, maximum) }))
        const more = [...rows, { average: busyOf(metric), maximum: busyOf(metric) }]
        const foundWith = (values: { average: number; maximum: number }[]) => {
          const summary = summarize(values, expected)
          const changed = { ...subject, utilization: { ...subject.utilization, ...(summary && { [metric]: summary }) } }
          return judge(allRules, [changed], settings)
            .filter(({ state, analyzer }) => state === 'found' && analyzer !== 'tag_governance')
            .map(({ rule }) => rule)
        }
        const before = foundWith(rows)
        expect(foundWith(more).filter((rule) => !before.includes(rule))).toEqual([])
      },
    ),
    { numRuns: 2000 },
  )
})
