import { expect, test } from 'vitest'
import type { Access } from '../effects/clouds.ts'
import { Fault } from '../kernel/fault.ts'
import type { ListPrice } from '../kernel/list-price.ts'
import { fetchedDays, listPrices } from '../rules/pricing/list-prices.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'
import type { Given } from './collection.ts'
import { refreshPrices } from './prices.ts'

/** A product, the regions that its cloud was asked for, and its warnings. */
function product() {
  const runtime = memoryRuntime()
  const asked: (readonly string[])[] = []
  const warnings: string[] = []
  const world = { now: new Date('2026-11-20T09:00:00Z'), price: '0.1' }
  const gp3 = { cloud: 'aws', part: 'storage', sku: 'gp3', currency: 'USD', asOf: '2026-11-19' } as const
  const price = (region: string): ListPrice => ({ ...gp3, region, price: world.price })
  runtime.cloud.prices = async function* (_, { regions }) {
    asked.push(regions)
    for (const region of regions) yield { region, prices: [price(region)] }
  }
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message), error: () => undefined }
  const ctx = testContext(runtime, { now: () => world.now, log })
  const signal = new AbortController().signal
  const given = { source: { provider: 'aws' }, access: { signal } as Access } as Given
  const refresh = async (...regions: string[]) => await refreshPrices(ctx, given, regions)
  const held = async () =>
    (await listPrices(ctx, { places: [{ cloud: 'aws', region: 'eu-west-1' }] })).map((row) => row.price)
  return { runtime, ctx, world, asked, warnings, refresh, held, given }
}

test('the lists of regions with resources are fetched once a week, two at a look', async () => {
  const { ctx, world, asked, refresh, held } = product()
  const regions = ['eu-west-1', 'eu-west-2', 'eu-west-3'] as const
  await refresh(...regions)
  await refresh(...regions)
  await refresh(...regions)
  expect(asked).toEqual([['eu-west-1', 'eu-west-2'], ['eu-west-3']])
  world.now = new Date('2026-11-26T23:00:00Z')
  await refresh(...regions)
  expect(asked).toHaveLength(2)
  world.now = new Date('2026-11-27T00:00:00Z')
  world.price = '0.2'
  await refresh(...regions)
  expect(asked[2]).toEqual(['eu-west-1', 'eu-west-2'])
  expect(await held()).toEqual(['0.2'])
  expect([...(await fetchedDays(ctx, 'aws'))].map((entry) => entry.join(' '))).toEqual([
    'eu-west-1 2026-11-27',
    'eu-west-2 2026-11-27',
    'eu-west-3 2026-11-20',
  ])
})

test('a region without a list is asked for once a week, and keeps its bundled prices; global is none', async () => {
  const { runtime, ctx, asked, refresh } = product()
  runtime.cloud.prices = async function* (_, { regions }) {
    asked.push(regions)
    yield* []
  }
  await refresh('global', 'us-east-1')
  await refresh('global', 'us-east-1')
  expect(asked).toEqual([['us-east-1']])
  expect([...(await fetchedDays(ctx, 'aws'))]).toEqual([['us-east-1', '2026-11-20']])
  const prices = await listPrices(ctx, { places: [{ cloud: 'aws', region: 'us-east-1' }] })
  expect(prices.some(({ sku }) => sku === 'm5.large')).toBe(true)
})

test('a cloud that does not answer leaves the last list in place, and is asked again the next day', async () => {
  const { runtime, world, warnings, refresh, held } = product()
  await refresh('eu-west-1')
  const { prices } = runtime.cloud
  let tries = 0
  runtime.cloud.prices = async function* () {
    tries++
    yield* []
    throw new Fault('unavailable', 'AWS does not answer.')
  }
  world.now = new Date('2026-11-28T09:00:00Z')
  await refresh('eu-west-1')
  await refresh('eu-west-1')
  expect([tries, warnings]).toEqual([1, ['price lists were not fetched']])
  expect(await held()).toEqual(['0.1'])
  world.now = new Date('2026-11-29T09:00:00Z')
  world.price = '0.3'
  runtime.cloud.prices = prices
  await refresh('eu-west-1')
  expect(await held()).toEqual(['0.3'])
})

test('a list that came before the failure is kept; an error of the product is not hidden', async () => {
  const { runtime, refresh, held } = product()
  const { prices } = runtime.cloud
  runtime.cloud.prices = async function* (access, { regions }) {
    yield* prices(access, { regions: regions.slice(0, 1) })
    throw new TypeError('a mistake')
  }
  await expect(refresh('eu-west-1', 'eu-west-2')).rejects.toThrow('a mistake')
  expect(await held()).toEqual(['0.1'])
})
