import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ListPrice } from '../../kernel/list-price.ts'
import * as Money from '../../kernel/money.ts'
import { memoryRuntime, testContext } from '../../testing/runtime.ts'
import { typeOf } from '../sizes/instance-types.ts'
import { coverableKey, offersOf } from './commitments.ts'
import file from './bundled-prices.json' with { type: 'json' }
import { copyOf } from './copies.ts'
import { fetchedDays, keep, listPrices } from './list-prices.ts'
import { priceBook, priceOf } from './prices.ts'

const aws = { cloud: 'aws', region: 'us-east-1' } as const
const gp3 = { ...aws, part: 'storage', sku: 'gp3', currency: 'USD' } as const
const product = (orgId = 'org-1') => testContext(memoryRuntime(), { orgId })
const fetched = (price: string): ListPrice => ({ ...gp3, price, asOf: '2026-11-20' })

test('without a fetch the bundled prices answer, each with the day of its list', async () => {
  const book = priceBook([], await listPrices(product()))
  const large = { ...aws, part: 'compute', sku: 'm7g.large', variant: 'Linux/UNIX', currency: 'USD' } as const
  expect(priceOf(book, large)).toEqual({ amount: Money.parse('0.0816'), basis: 'list price of 2026-01-19' })
  expect(priceOf(book, gp3)).toEqual({ amount: Money.parse('0.08'), basis: 'list price of 2026-09-30' })
  expect(priceOf(book, { ...gp3, region: 'mars-1' })).toBeUndefined()
})

test('the copy of a disk has a bundled price in the main regions of AWS and Google Cloud', async () => {
  const book = priceBook([], await listPrices(product()))
  const priced = (cloud: 'aws' | 'gcp', region: string) => {
    const sku = copyOf({ kind: 'volume', cloud, sizeGb: 1 })?.sku ?? ''
    return priceOf(book, { cloud, region, part: 'backup', sku, currency: 'USD' })?.amount.toString()
  }
  expect([priced('aws', 'us-east-1'), priced('gcp', 'us-central1')]).toEqual(['0.05', '0.065'])
})

test('every bundled price is a decimal above 0 of a known type, once, with its source', async () => {
  const prices = await listPrices(product())
  expect(prices.length).toBeGreaterThan(450)
  expect(prices.filter(({ price }) => !/^\d+(\.\d+)?$/.test(price) || !Money.parse(price).gt(0))).toEqual([])
  expect(prices.filter(({ cloud, part, sku }) => part === 'compute' && !typeOf(cloud, sku))).toEqual([])
  const keys = prices.map(({ region, part, sku, variant, term }) => JSON.stringify([region, part, sku, variant, term]))
  expect(new Set(keys).size).toBe(keys.length)
  expect(file.lists.filter(({ source, asOf }) => !source.startsWith('https://') || !/^20\d\d-/.test(asOf))).toEqual([])
})

test('a family has bundled commitments', async () => {
  const offers = offersOf(await listPrices(product()))
  const m6a = offers.get(coverableKey({ ...aws, family: 'm6a', currency: 'USD' })) ?? []
  expect(
    m6a.map(({ years, payment, plan, ratio }) => `${plan} ${years} ${payment} ${Number(ratio).toFixed(3)}`),
  ).toEqual([
    'undefined 1 no_upfront 0.662',
    'undefined 1 partial_upfront 0.630',
    'undefined 3 no_upfront 0.454',
    'undefined 3 partial_upfront 0.420',
    'compute 1 no_upfront 0.808',
  ])
})

test('a larger size of a family costs more', async () => {
  const prices = (await listPrices(product())).filter(({ part, term }) => part === 'compute' && !term)
  const families = Map.groupBy(prices, ({ region, sku }) => `${region} ${sku.split('.')[0]}`)
  for (const members of families.values()) {
    const amounts = members.map(({ price }) => Number(price))
    expect(amounts).toEqual(amounts.toSorted((a, b) => a - b))
  }
})

test('the newest fetched list of a region replaces the bundled one, for its organization only', async () => {
  const ctx = product()
  await keep(ctx, aws, '2026-11-20', [fetched('0.09')])
  await keep(ctx, aws, '2026-11-13', [fetched('0.07')])
  expect([...(await fetchedDays(ctx, 'aws'))]).toEqual([['us-east-1', '2026-11-20']])
  expect(await fetchedDays(ctx, 'azure')).toEqual(new Map())
  expect(await fetchedDays({ ...ctx, orgId: 'org-2' }, 'aws')).toEqual(new Map())
  const prices = await listPrices(ctx)
  expect(prices.filter(({ region }) => region === aws.region)).toEqual([fetched('0.09')])
  expect(prices.some(({ region }) => region === 'eu-central-1')).toBe(true)
  expect(await listPrices({ ...ctx, orgId: 'org-2' })).toEqual(await listPrices(product()))
  expect(await listPrices(ctx, { places: [aws] })).toEqual([fetched('0.09')])
})

test('the newest list of a region and the one before stay, whatever the order and however often they are kept', async () => {
  const ctx = product()
  const day = fc.constantFrom('2026-10-30', '2026-11-06', '2026-11-13', '2026-11-20', '2026-11-27')
  const other = { ...aws, region: 'us-east-10' }
  await keep(ctx, other, '2026-01-01', [])
  await fc.assert(
    fc.asyncProperty(fc.array(day, { minLength: 1, maxLength: 8 }), async (days) => {
      const before = await ctx.runtime.blobs.list(ctx.orgId, 'price-lists/aws/us-east-1/')
      for (const each of days) await keep(ctx, aws, each, [fetched(`0.${each.slice(-2)}`)])
      const known = new Set([...before.map(({ key }) => key.slice(-18, -8)), ...days])
      const newest = [...known].toSorted().slice(-2)
      const held = await ctx.runtime.blobs.list(ctx.orgId, 'price-lists/aws/us-east-1/')
      expect(held.map(({ key }) => key)).toEqual(newest.map((each) => `price-lists/aws/us-east-1/${each}.json.gz`))
      expect(await listPrices(ctx, { places: [aws] })).toEqual([fetched(`0.${newest.at(-1)?.slice(-2)}`)])
    }),
    { numRuns: 20 },
  )
  expect((await fetchedDays(ctx, 'aws')).get(other.region)).toBe('2026-01-01')
})

test('prices are converted at the last rate, and are missing without one', async () => {
  const ctx = product()
  await keep(ctx, aws, '2026-11-20', [fetched('0.11172')])
  const asked = { places: [aws] }
  // 1 EUR = 1.1172 USD on 30 October 2026.
  const [price] = await listPrices(ctx, { ...asked, currency: 'EUR' })
  expect(price?.currency).toBe('EUR')
  expect(Number(price?.price)).toBeCloseTo(0.1, 12)
  expect(await listPrices(ctx, { ...asked, currency: 'XYZ' })).toEqual([])
})
