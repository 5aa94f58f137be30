import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Calendar, Changes, Cost, Money } from '@cloudoptima/core'
import { openWorld, type World } from './world.ts'

const usual = {
  BilledCost: '',
  EffectiveCost: '1',
  ListCost: '',
  ContractedCost: '',
  BillingAccountId: 'payer',
  BillingCurrency: 'USD',
  ChargeCategory: 'Usage',
  ChargeClass: '',
  ProviderName: 'AWS',
  ServiceName: 'EC2',
  SubAccountId: 'shop',
  ResourceId: 'i-1',
  SkuId: 'hours',
  PricingUnit: 'Hours',
  PricingQuantity: '1',
  PricingCurrency: '',
  PricingCurrencyEffectiveCost: '',
  CommitmentDiscountId: '',
  CommitmentDiscountStatus: '',
}
type Charge = Partial<typeof usual> & { day: string }

let folder: string
let world: World
const now = '2026-11-05T08:00:00Z'
let deliveries = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-changes-'))
  world = await openWorld({ now: () => new Date(now) })
})
afterAll(async () => {
  await world.end()
  await rm(folder, { recursive: true, force: true })
})

/** Imports charges as one FOCUS 1.2 bill. */
async function bring(charges: Charge[]): Promise<void> {
  const times = ['BillingPeriodStart', 'BillingPeriodEnd', 'ChargePeriodStart', 'ChargePeriodEnd']
  const lines = charges.map(({ day, ...given }) => {
    const charge = { ...usual, ...given }
    const month = Calendar.monthOf(day)
    const days = [`${month}-01`, `${Calendar.addMonths(month, 1)}-01`, day, Calendar.addDays(day, 1)]
    const cost = charge.BilledCost || charge.EffectiveCost
    return [...Object.values({ ...charge, BilledCost: cost }), ...days.map((date) => `${date}T00:00:00Z`)].join(',')
  })
  const path = join(folder, `${deliveries++}.csv`)
  await writeFile(path, `${[...Object.keys(usual), ...times].join(',')}\n${lines.join('\n')}\n`)
  expect(await world.bring([path], { replace: true })).toMatchObject({ status: 'committed' })
}

const months = { from: '2026-09', to: '2026-10' }

type Answer = Awaited<ReturnType<typeof Changes.get>>
type Figures = Pick<Answer, 'changeExact' | 'causes'>
const causesOf = ({ causes }: Figures) => Object.fromEntries(Object.entries(causes).filter(([, cost]) => cost !== '0'))

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

describe('the changes between two months', () => {
  beforeAll(async () => {
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
    const view = await Cost.overview(world.ctx, {})
    expect(view.currency).toBe('USD')
    const { runtime } = world.ctx
    const query: typeof lake.query = async (name, files, parameters) =>
      await lake.query(name, files, 'leaves' in parameters ? { ...parameters, leaves: 2 } : parameters)
    const ctx = { ...world.ctx, runtime: { ...runtime, lake: { ...lake, query } } }
    const [small, whole] = [await Changes.get(ctx, months), await Changes.get(world.ctx, months)]
    expect([small.beforeExact, small.afterExact]).toEqual([whole.beforeExact, whole.afterExact])
    expect(linesOf(small)).toMatchObject({
      'AWS/shop/EC2/ri-2': { commitments: '20' },
      'AWS/shop/EC2/(other)': { other: '4.5', commitments: '-1', credits: '0.5' },
    })
  })
})
