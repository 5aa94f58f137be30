import { expect, test } from 'vitest'
import type { Queries } from '../effects/queries.ts'
import type { ListPrice } from '../kernel/list-price.ts'
import { lakeOf, snapshot } from '../testing/cost-lake.ts'
import { demandsOf } from './demands.ts'

const sku = { cloud: 'aws', region: 'eu-central-1', part: 'compute', sku: 'm5.large', variant: 'Linux/UNIX' } as const
const listed = { ...sku, currency: 'USD', asOf: '2026-11-01' } as const
const list: ListPrice[] = [
  { ...listed, price: '0.1' },
  { ...listed, price: '0.06', term: { years: 1, payment: 'no_upfront' } },
  { ...listed, price: '0.04', term: { years: 3, payment: 'all_upfront' } },
]

type Row = Queries['onDemandUsage']['row']
const row = (more: Partial<Row> = {}): Row => ({
  provider: 'AWS',
  payer: 'payer-1',
  region: 'eu-central-1',
  meter: 'EUC1-BoxUsage:m5.large',
  service: 'Amazon Elastic Compute Cloud',
  description: '$0.115 per On Demand Linux m5.large Instance Hour',
  currency: 'USD',
  accounts: '["a"]',
  seconds: 3600,
  contracted: '0.3',
  listed: '0.3',
  hours: '["2026-11-28T00:00:00.000Z","2026-11-28T05:00:00.000Z"]',
  costs: '["0.1","0.2"]',
  ...more,
})

const linux = (type: string) => ({
  meter: `EUC1-BoxUsage:${type}`,
  description: `$0.1 per On Demand Linux ${type} Instance Hour`,
})

async function demands(rows: Row[], first = '2026-01-01', prices = list) {
  const bill = snapshot({
    billingAccountId: 'payer-1',
    provider: rows[0]?.provider ?? 'AWS',
    period: '2026-11',
    at: '2026-11-30T06:00:00.000Z',
  })
  const { ctx } = await lakeOf([{ ...bill, days: { first, last: '2026-11-28' } }])
  ctx.runtime.lake.query = async () => rows
  return await demandsOf({ ...ctx, now: () => new Date('2026-11-30T12:00:00Z') }, prices)
}

test('usage of all sizes of a family is one demand, with each offer at its share of the on-demand price', async () => {
  const larger = row({ ...linux('m5.4xlarge'), accounts: '["b","a"]', costs: '["1","2"]', listed: '3' })
  const [demand, ...others] = await demands([row(), larger, row({ meter: 'EUC1-EBS:VolumeUsage.gp3' })])
  expect(others).toEqual([])
  expect(demand).toMatchObject({
    usage: 'm5 in eu-central-1',
    accountId: 'payer-1',
    accounts: ['a', 'b'],
    kinds: ['instance'],
    grain: 'hour',
    offers: [
      { years: 1, payment: 'no_upfront', ratio: '0.6' },
      { years: 3, payment: 'all_upfront', ratio: '0.4' },
    ],
  })
  expect(demand?.values).toHaveLength(90 * 24)
  expect(demand?.values.filter((value) => value !== '0')).toEqual(['1.1', '2.2'])
})

test('charges of a day make a demand by day, and days before the first bill are not known', async () => {
  const [demand] = await demands(
    [row({ seconds: 86_400, hours: '["2026-11-27T00:00:00.000Z"]', costs: '["5"]' })],
    '2026-11-20',
  )
  expect(demand).toMatchObject({ grain: 'day', values: ['0', '0', '0', '0', '0', '0', '0', '5', '0'] })
})

test.each([
  ['another family', linux('c6i.large')],
  ['another region', { region: 'us-east-1' }],
  ['another currency', { currency: 'EUR' }],
  ['another cloud', { provider: 'Oracle' }],
])('%s without an offer is no demand', async (_, more) => {
  expect(await demands([row(more)])).toEqual([])
})

test('committed use of Google Cloud is priced by the cost before credits', async () => {
  const machine = { ...sku, cloud: 'gcp', sku: 'n1-standard-1' } as const
  const own: ListPrice[] = [
    { ...listed, ...machine, price: '1' },
    { ...listed, ...machine, price: '0.63', term: { years: 1, payment: 'no_upfront' } },
  ]
  const used = row({ provider: 'Google Cloud', meter: 'N1 Predefined Instance Core running', costs: '["35","35"]' })
  const [demand] = await demands([{ ...used, contracted: '100' }], '2026-01-01', own)
  // 0.63 x 100 / 70
  expect(Number(demand?.offers[0]?.ratio)).toBeCloseTo(0.9)
})

test('a discount on demand is not one on the prices of commitments', async () => {
  // At list prices 0.6, of which 0.3 is paid: the list's 0.06 of 0.1 costs more than is paid now.
  const [discounted] = await demands([row({ listed: '0.6' })])
  expect(discounted?.offers.map(({ ratio }) => Number(ratio).toFixed(3))).toEqual(['1.200', '0.800'])
})

test('Fargate and Lambda are usages of their own, which a Compute Savings Plan covers', async () => {
  const fargate = { ...listed, sku: 'Fargate-GB-Hours' }
  const { variant: _, ...own } = fargate
  const plans: ListPrice[] = [
    { ...own, price: '0.004' },
    { ...own, price: '0.003', term: { years: 1, payment: 'no_upfront', plan: 'compute' } },
  ]
  const used = row({ meter: 'EUC1-Fargate-GB-Hours', service: 'Amazon Elastic Container Service', description: null })
  expect(await demands([used], '2026-01-01', plans)).toMatchObject([
    {
      usage: 'Fargate-GB-Hours in eu-central-1',
      kinds: ['container_service'],
      offers: [{ plan: 'compute', product: 'Compute Savings Plan', ratio: '0.75' }],
    },
  ])
})
