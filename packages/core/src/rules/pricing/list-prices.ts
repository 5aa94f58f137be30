import { gunzipSync, gzipSync } from 'node:zlib'
import * as ExchangeRate from '../../currencies/rates.ts'
import { factors } from '../../currencies/factor.ts'
import type { Context } from '../../effects/context.ts'
import type { Cloud } from '../../kernel/cloud.ts'
import type { ListPrice, Sku, Term } from '../../kernel/list-price.ts'
import * as Money from '../../kernel/money.ts'

/** A provider publishes one list a region. */
export interface Place {
  cloud: Cloud
  region: string
}

/** Prices of one part and variant: `m7g.large 0.0816, m7g.xlarge 0.1632`. */
interface Bundled extends Omit<Sku, 'sku'> {
  asOf: string
  term?: Term
  source: string
  prices: string[]
}

// Each organization has a copy, though lists are public: the invented clouds of a machine have prices of their own.
const root = 'price-lists/'
const keptLists = 2
const folderOf = ({ cloud, region }: Place) => `${root}${cloud}/${region}/`

let bundle: Promise<ListPrice[]> | undefined

/**
 * The newest list of each region: the fetched one, else the bundled one. With a currency, all prices are in it, at the
 * rate of the last publication; those without a rate are missing.
 */
export async function listPrices(
  ctx: Context,
  { currency, places }: { currency?: string; places?: readonly Place[] } = {},
): Promise<ListPrice[]> {
  const [bundled, newest] = await Promise.all([(bundle ??= readBundled()), newestKeys(ctx, root)])
  const wanted = places && new Set(places.map(folderOf))
  const isWanted = (folder: string) => wanted?.has(folder) ?? true
  const keys = [...newest].flatMap(([folder, key]) => (isWanted(folder) ? [key] : []))
  const fetched = (await Promise.all(keys.map((key) => read(ctx, key)))).flat()
  const replaced = new Set(fetched.map(folderOf))
  const kept = bundled.filter((price) => isWanted(folderOf(price)) && !replaced.has(folderOf(price)))
  const all = [...kept, ...fetched]
  return currency === undefined ? all : await converted(ctx, all, currency)
}

/** The day of the last fetched list of each region. */
export async function fetchedDays(ctx: Context, cloud: Cloud): Promise<Map<string, string>> {
  const keys = [...(await newestKeys(ctx, `${root}${cloud}/`)).values()]
  return new Map(keys.map((key) => [regionOf(key), dayOf(key)]))
}

/**
 * Keeps a list and the one before, which a reader may have listed; older ones are removed. An empty list says that the
 * cloud has none. Idempotent by its day.
 */
export async function keep(ctx: Context, place: Place, day: string, prices: readonly ListPrice[]): Promise<void> {
  const { blobs } = ctx.runtime
  const folder = folderOf(place)
  await blobs.put(ctx.orgId, `${folder}${day}.json.gz`, gzipSync(JSON.stringify(prices)), 'application/gzip')
  const held = await blobs.list(ctx.orgId, folder)
  for (const { key } of held.slice(0, -keptLists)) await blobs.remove(ctx.orgId, key)
}

const dayOf = (key: string) => key.slice(key.lastIndexOf('/') + 1).replace('.json.gz', '')
const regionOf = (key: string) => key.split('/').at(-2) ?? ''

/** By folder: keys come in order, and the last one is the newest. */
async function newestKeys({ runtime, orgId }: Context, prefix: string): Promise<Map<string, string>> {
  const found = await runtime.blobs.list(orgId, prefix)
  return new Map(found.map(({ key }) => [key.slice(0, key.lastIndexOf('/') + 1), key]))
}

async function read({ runtime, orgId }: Context, key: string): Promise<ListPrice[]> {
  const text = gunzipSync(await runtime.blobs.get(orgId, key)).toString()
  return JSON.parse(text) as ListPrice[]
}

/** A chunk of its own, because few functions need it. */
async function readBundled(): Promise<ListPrice[]> {
  const { default: file } = await import('./bundled-prices.json', { with: { type: 'json' } })
  return (file.lists as Bundled[]).flatMap(rowsOf)
}

function rowsOf({ prices, cloud, region, part, variant, currency, asOf, term }: Bundled): ListPrice[] {
  const same = { cloud, region, part, currency, asOf, ...(variant !== undefined && { variant }), ...(term && { term }) }
  return prices
    .flatMap((line) => line.split(', '))
    .map((pair) => ({
      ...same,
      sku: pair.slice(0, pair.lastIndexOf(' ')),
      price: pair.slice(pair.lastIndexOf(' ') + 1),
    }))
}

async function converted(ctx: Context, prices: readonly ListPrice[], currency: string): Promise<ListPrice[]> {
  const { lastDay } = await ExchangeRate.held(ctx)
  const factorOf = factors(await ExchangeRate.publications(ctx, { start: lastDay, end: lastDay }, lastDay))
  return prices.flatMap((row) => {
    const factor = factorOf(row.currency, currency, lastDay)
    return factor ? [{ ...row, currency, price: Money.plain(Money.parse(row.price).times(factor)) }] : []
  })
}
