import type { ListPrice } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { pricesOf, skusOf } from './prices.ts'

// The shape of https://cloud.google.com/billing/v1/how-tos/catalog-api
const sku = (description: string, usageUnit: string, nanos: number, more: object = {}) => ({
  name: 'services/6F81-5844-456A/skus/0048-21CE-74C3',
  skuId: '0048-21CE-74C3',
  description,
  category: {
    serviceDisplayName: 'Compute Engine',
    resourceFamily: 'Compute',
    resourceGroup: 'CPU',
    usageType: 'OnDemand',
  },
  serviceRegions: ['europe-west3'],
  pricingInfo: [info(usageUnit, [{ startUsageAmount: 0, unitPrice: { currencyCode: 'USD', units: '0', nanos } }])],
  serviceProviderName: 'Google',
  ...more,
})
interface Rate {
  startUsageAmount: number
  unitPrice: { currencyCode: string; units?: string; nanos?: number }
}
const info = (usageUnit: string, tieredRates: readonly Rate[]) => ({
  summary: '',
  pricingExpression: { usageUnit, displayQuantity: 1, tieredRates },
  currencyConversionRate: 1,
  effectiveTime: '2026-11-20T10:50:40.206Z',
})
const place = { region: 'europe-west3', asOf: '2026-11-20' }
const priced = (skus: readonly object[]) => pricesOf(skusOf({ skus }), place)
const priceOf = (prices: readonly ListPrice[], name: string) => prices.find((price) => price.sku === name)?.price

const n2 = [
  sku('N2 Instance Core running in Frankfurt', 'h', 40_730_000),
  sku('N2 Instance Ram running in Frankfurt', 'GiBy.h', 5_458_000),
]

test('a page has SKUs, or none; another form is refused', () => {
  expect(skusOf({ skus: n2, nextPageToken: 'x' })).toHaveLength(2)
  expect(skusOf({})).toEqual([])
  expect(() => skusOf({ skus: [{ description: 'N2' }] })).toThrow('cannot be read')
})

test('a machine type costs its cores and its memory', () => {
  const prices = priced(n2)
  // 4 x 0.04073 + 16 x 0.005458
  expect(priceOf(prices, 'n2-standard-4')).toBe('0.250248')
  expect(priceOf(prices, 'n2-highmem-2')).toBe('0.168788')
  expect(priceOf(prices, 'n1-standard-4')).toBeUndefined()
  expect(prices[0]).toMatchObject({ cloud: 'gcp', part: 'compute', currency: 'USD', ...place })
})

test('a fraction of a GiB is exact', () => {
  const prices = priced([
    sku('N1 Predefined Instance Core running in Frankfurt', 'h', 0, {
      pricingInfo: [info('h', [{ startUsageAmount: 0, unitPrice: { currencyCode: 'USD', units: '1', nanos: 1 } }])],
    }),
    sku('N1 Predefined Instance Ram running in Frankfurt', 'GiBy.h', 10_000_000),
  ])
  // 16 x 1.000000001 + 14.4 x 0.01
  expect(priceOf(prices, 'n1-highcpu-16')).toBe('16.144000016')
})

test('other usage, other regions and custom machines are left out', () => {
  const others = [
    sku('Spot Preemptible N2 Instance Core running in Frankfurt', 'h', 1, { category: { usageType: 'Preemptible' } }),
    sku('N2 Custom Instance Core running in Frankfurt', 'h', 2),
    sku('N2 Sole Tenancy Instance Core running in Frankfurt', 'h', 3),
    sku('N2 Instance Core running in Iowa', 'h', 4, { serviceRegions: ['us-central1'] }),
  ]
  expect(priced([...n2, ...others])).toEqual(priced(n2))
})

test('disks have a price for a GiB and month; a free amount is no price', () => {
  const prices = priced([
    sku('Storage PD Capacity in Frankfurt', 'GiBy.mo', 0, {
      pricingInfo: [
        info('GiBy.mo', [
          { startUsageAmount: 0, unitPrice: { currencyCode: 'USD' } },
          { startUsageAmount: 30, unitPrice: { currencyCode: 'USD', units: '0', nanos: 48_000_000 } },
        ]),
      ],
    }),
    sku('Balanced PD Capacity in Frankfurt', 'GiBy.mo', 120_000_000),
    sku('SSD backed PD Capacity in Frankfurt', 'GiBy.mo', 204_000_000),
    sku('Regional SSD backed PD Capacity in Frankfurt', 'GiBy.mo', 408_000_000),
    sku('Storage PD Snapshot in Frankfurt', 'GiBy.mo', 31_000_000),
  ])
  expect(prices.map((price) => [price.part, price.sku, price.price].join(' '))).toEqual([
    'storage pd-standard 0.048',
    'storage pd-balanced 0.12',
    'storage pd-ssd 0.204',
    'backup Storage PD Snapshot 0.031',
  ])
})

test('committed use of a series has the price of its smallest machine', () => {
  const committed = [
    sku('Commitment v1: N2 Cpu in Frankfurt for 1 Year', 'h', 20_000_000, { category: { usageType: 'Commit1Yr' } }),
    sku('Commitment v1: N2 Ram in Frankfurt for 1 Year', 'GiBy.h', 3_000_000, { category: { usageType: 'Commit1Yr' } }),
    sku('Commitment v1: E2 Cpu in Frankfurt for 3 Year', 'h', 9, { category: { usageType: 'Commit3Yr' } }),
  ]
  expect(priced(committed)).toMatchObject([
    // 2 x 0.02 + 8 x 0.003
    { sku: 'n2-standard-2', price: '0.064', term: { years: 1, payment: 'no_upfront' } },
  ])
})

test('a flexible commitment has its share of the price of each series that it covers', () => {
  const global = { serviceRegions: ['global'] }
  const flexible = [
    sku('Commitment - dollar based v1: GCE for 1 year', 'h', 7_200_000, global),
    sku('Commitment - dollar based v1: GCE for 3 years', 'h', 5_400_000, global),
    sku('Commitment - dollar based v1: Cloud SQL database in Frankfurt for 1 year', 'h', 7_500_000, global),
  ]
  const t2d = [
    sku('T2D AMD Instance Core running in Frankfurt', 'h', 35_000_000),
    sku('T2D AMD Instance Ram running in Frankfurt', 'GiBy.h', 4_700_000),
  ]
  const plans = priced([...n2, ...t2d, ...flexible]).filter(({ term }) => term?.plan === 'compute')
  // 0.72 and 0.54 of 2 x 0.04073 + 8 x 0.005458; T2D is not covered.
  expect(plans.map(({ sku: name, price, term }) => [name, price, term?.years])).toEqual([
    ['n2-standard-2', '0.09008928', 1],
    ['n2-standard-2', '0.06756696', 3],
  ])
  const whole = sku('Commitment - dollar based v1: GCE for 1 year', 'h', 0, {
    ...global,
    pricingInfo: [info('h', [{ startUsageAmount: 0, unitPrice: { currencyCode: 'USD', units: '1' } }])],
  })
  expect(priced([...n2, whole])).toEqual(priced(n2))
})
