import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Calendar, Changes, Cost, Money, Restatements } from '@cloudoptima/core'
import { type Charge, focusBill } from './charges.ts'
import { openWorld, type World } from './world.ts'

let folder: string
let world: World
// A lake's time never goes back.
let now = ''
let deliveries = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-changes-'))
  world = await openWorld({ now: () => new Date(now) })
})
afterAll(async () => {
  await world.end()
  await rm(folder, { recursive: true, force: true })
})

/** Imports charges as one bill. */
async function bring(charges: Charge[]): Promise<void> {
  const path = join(folder, `${deliveries++}.csv`)
  await writeFile(path, focusBill(charges))
  expect(await world.bring([path], { replace: true })).toMatchObject({ status: 'committed' })
}

const months = { from: '2026-09', to: '2026-10' }

type Answer = Awaited<ReturnType<typeof Changes.get>>
const causesOf = ({ causes }: { causes: Record<string, string> }) =>
  Object.fromEntries(Object.entries(causes).filter(([, cost]) => cost !== '0'))

/** `AWS/shop/EC2/i-1`, and its causes. */
function linesOf(answer: Answer): Record<string, Record<string, string>> {
  return Object.fromEntries(
    answer.providers.flatMap((provider) =>
      provider.children.flatMap((account) =>
        account.children.flatMap((service) =>
          service.children.map((resource) => [
            [provider, account, service, resource].map(({ name }) => name).join('/'),
            causesOf(resource),
          ]),
        ),
      ),
    ),
  )
}

describe('the restatements of a month', () => {
  const august = (given: Partial<Charge>): Charge => ({ day: '2026-08-30', BillingAccountId: 'restated', ...given })
  const [one, two, three] = ['2026-09-02T08:00:00Z', '2026-09-05T08:00:00Z', '2026-09-09T08:00:00Z'] as const

  beforeAll(async () => {
    const rows = [
      august({ EffectiveCost: '3', PricingQuantity: '6' }),
      august({ day: '2026-08-31', EffectiveCost: '1', PricingQuantity: '2' }),
      august({ ResourceId: 'i-2', ServiceName: 'S3', EffectiveCost: '5', SubAccountId: 'bank' }),
    ]
    now = '2026-08-31T20:00:00Z'
    await bring(rows.slice(0, 1))
    now = one
    await bring(rows)
    now = two
    const late = [
      august({ day: '2026-08-31', ResourceId: 'i-9', EffectiveCost: '0.25' }),
      august({ day: '2026-08-31', EffectiveCost: '1.5', PricingQuantity: '3' }),
      august({ ResourceId: '', ServiceName: '', ChargeCategory: 'Credit', EffectiveCost: '-2', PricingQuantity: '' }),
    ]
    await bring([...rows.slice(0, 1), ...rows.slice(2), ...late])
    now = three
    const cheaper = august({ EffectiveCost: '2.7', PricingQuantity: '6' })
    await bring([cheaper, ...late, august({ ChargeCategory: 'Tax', EffectiveCost: '0.000000000000000001' })])
  })

  test('each step has its causes, and the whole compares the first complete version with the current one', async () => {
    const { bills, unchanged, meta } = await Restatements.get(world.ctx, { period: '2026-08' })
    expect([bills.length, unchanged, meta.missing]).toEqual([1, 0, []])
    expect(bills.map((bill) => [bill, ...bill.steps].map(causesOf))).toEqual([
      [
        { lateUsage: '0.75', credits: '-2', price: '-0.3', removed: '-5', tax: '0.000000000000000001' },
        { lateUsage: '0.75', credits: '-2' },
        { price: '-0.3', removed: '-5', tax: '0.000000000000000001' },
      ],
    ])
    expect(bills[0]).toMatchObject({
      firstSeenAt: new Date(one).toISOString(),
      fromVersion: 2,
      toVersion: 4,
      at: new Date(three).toISOString(),
      rowsBefore: 3,
      rowsAfter: 5,
      before: 9,
      services: [
        { name: 'S3', change: -5 },
        { name: '(none)', change: -2 },
        { name: 'EC2', causes: { lateUsage: '0.75', price: '-0.3' } },
      ],
      lateUsage: [{ date: '2026-08-31', cost: 0.75 }],
      steps: [
        { rowsBefore: 3, rowsAfter: 5 },
        { rowsBefore: 5, rowsAfter: 5 },
      ],
    })
  })

  test('the totals are those of the overview, as of the times of the versions', async () => {
    const [bill] = (await Restatements.get(world.ctx, { period: '2026-08', metric: 'billed' })).bills
    const span = { startDate: '2026-08-01', endDate: '2026-08-31', metric: 'billed' as const }
    const totalAt = async (asOf: string) => (await Cost.overview(world.ctx, { ...span, asOf })).totalCostExact
    expect([bill?.beforeExact, bill?.afterExact]).toEqual([await totalAt(one), await totalAt(three)])
    expect(bill?.steps.map(({ afterExact }) => afterExact)).toEqual([await totalAt(two), await totalAt(three)])
  })

  test('as_of, a filter and a provider narrow the answer', async () => {
    const changeOf = async (given: Parameters<typeof Restatements.get>[1]) =>
      (await Restatements.get(world.ctx, { period: '2026-08', ...given })).bills.map(({ changeExact }) => changeExact)
    expect(await changeOf({ asOf: two })).toEqual(['-1.25'])
    expect(await changeOf({ filters: [{ dimension: 'account', values: ['bank'] }] })).toEqual(['-5'])
    expect(await changeOf({ cloudProvider: 'azure' })).toEqual([])
  })
})

describe('the changes between two months', () => {
  beforeAll(async () => {
    now = '2026-11-05T08:00:00Z'
    const foreign = { ProviderName: 'Oracle', BillingAccountId: 'tenancy', PricingCurrency: 'EUR' }
    const september = (given: Partial<Charge>): Charge => ({ day: '2026-09-30', ...given })
    const october = (given: Partial<Charge>): Charge => ({ day: '2026-10-31', ...given })
    await bring([
      september({ EffectiveCost: '3', PricingQuantity: '6' }),
      september({ day: '2026-09-01', EffectiveCost: '3', PricingQuantity: '6' }),
      october({ EffectiveCost: '9', PricingQuantity: '16' }),
      september({ ResourceId: 'i-2', EffectiveCost: '2.5' }),
      october({ ResourceId: 'i-3', EffectiveCost: '4' }),
      october({ ResourceId: '', ServiceName: '', ChargeCategory: 'Credit', EffectiveCost: '-7', PricingQuantity: '' }),
      september({ ChargeClass: 'Correction', EffectiveCost: '-0.5' }),
      october({ ResourceId: 'i-1', ChargeCategory: 'Tax', EffectiveCost: '0.000000000000000001' }),
      september({ ResourceId: 'ri-1', CommitmentDiscountId: 'ri-1', CommitmentDiscountStatus: 'Unused' }),
      october({ ResourceId: 'ri-2', CommitmentDiscountId: 'ri-2', ChargeCategory: 'Purchase', EffectiveCost: '20' }),
      september({ ...foreign, EffectiveCost: '10', PricingCurrencyEffectiveCost: '8' }),
      october({ ...foreign, EffectiveCost: '24', PricingCurrencyEffectiveCost: '16', PricingQuantity: '2' }),
      october({ BillingCurrency: 'EUR', EffectiveCost: '5' }),
    ])
  })

  test('each resource has its causes: price, quantity, new, gone, currency, credits, commitments and tax', async () => {
    const answer = await Changes.get(world.ctx, months)
    expect(linesOf(answer)).toEqual({
      'AWS/shop/EC2/i-1': { quantity: '2', price: '1', credits: '0.5', tax: '0.000000000000000001' },
      'AWS/shop/EC2/i-2': { gone: '-2.5' },
      'AWS/shop/EC2/i-3': { new: '4' },
      'AWS/shop/EC2/ri-1': { commitments: '-1' },
      'AWS/shop/EC2/ri-2': { commitments: '20' },
      'AWS/shop/(none)/(none)': { credits: '-7' },
      'Oracle/shop/EC2/i-1': { quantity: '10', currency: '4' },
    })
    expect(answer).toMatchObject({
      changeExact: '31.000000000000000001',
      meta: { missing: [{ kind: 'exchange_rate', currency: 'EUR', amount: '5', period: 'current' }] },
    })
    const sums = answer.providers.map(({ changeExact }) => Money.parse(changeExact))
    expect(Money.plain(Money.sum(sums))).toBe(answer.changeExact)
  })

  test.each<[string, Parameters<typeof Cost.overview>[1]]>([
    ['all costs', {}],
    ['one cloud', { cloudProvider: 'Oracle' }],
    ['billed costs', { metric: 'billed' }],
    ['another currency', { currency: 'EUR' }],
    ['a filter', { filters: [{ dimension: 'category', values: ['Usage'] }] }],
    ['billing periods', { basis: 'billing' }],
  ])('the root is the difference of two overviews: %s', async (_, given) => {
    const totalOf = async (month: string) => {
      const { start: startDate, end: endDate } = Calendar.monthSpan(month)
      return (await Cost.overview(world.ctx, { ...given, startDate, endDate, groupBy: 'service' })).totalCostExact
    }
    const answer = await Changes.get(world.ctx, { ...months, ...given })
    expect([answer.beforeExact, answer.afterExact]).toEqual([await totalOf('2026-09'), await totalOf('2026-10')])
    const back = await Changes.get(world.ctx, { ...given, from: months.to, to: months.from })
    expect(Money.plain(Money.parse(back.changeExact).neg())).toBe(answer.changeExact)
    const same = await Changes.get(world.ctx, { ...given, from: months.to, to: months.to })
    expect([same.changeExact, causesOf(same)]).toEqual(['0', {}])
  })

  test('overlapping periods count their common days in both', async () => {
    const answer = await Changes.get(world.ctx, { from: '2026-09-01..2026-10-31', to: '2026-10' })
    expect([answer.afterExact, answer.changeExact]).toEqual(['50.000000000000000001', '-19'])
  })

  test('beyond the leaves that are divided exactly, the changes are summed by service', async () => {
    const { lake } = world.ctx.runtime
    const { runtime } = world.ctx
    const query: typeof lake.query = async (name, files, parameters) =>
      await lake.query(name, files, 'leaves' in parameters ? { ...parameters, leaves: 2 } : parameters)
    const ctx = { ...world.ctx, runtime: { ...runtime, lake: { ...lake, query } } }
    const [small, whole] = [await Changes.get(ctx, months), await Changes.get(world.ctx, months)]
    expect([small.beforeExact, small.afterExact]).toEqual([whole.beforeExact, whole.afterExact])
    const inEuro = { ...months, currency: 'EUR' }
    const [smallInEuro, wholeInEuro] = [await Changes.get(ctx, inEuro), await Changes.get(world.ctx, inEuro)]
    expect([smallInEuro.beforeExact, smallInEuro.afterExact]).toEqual([wholeInEuro.beforeExact, wholeInEuro.afterExact])
    expect(linesOf(small)).toMatchObject({
      'AWS/shop/EC2/ri-2': { commitments: '20' },
      'AWS/shop/EC2/(other)': { other: '4.5', commitments: '-1', credits: '0.5' },
    })
  })
})
