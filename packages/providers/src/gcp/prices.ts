import { Fault, type ListPrice, Money, Rules } from '@cloudoptima/core'
import * as z from 'zod'

/** Compute Engine in the catalog. */
export const computeService = '6F81-5844-456A'

const Rates = z.array(
  z.object({
    unitPrice: z.object({
      currencyCode: z.string(),
      units: z
        .string()
        .regex(/^-?\d+$/)
        .optional(),
      nanos: z.int().optional(),
    }),
  }),
)
const Sku = z.object({
  description: z.string(),
  category: z.object({ usageType: z.string() }),
  serviceRegions: z.array(z.string()),
  pricingInfo: z.array(z.object({ pricingExpression: z.object({ usageUnit: z.string(), tieredRates: Rates }) })),
})
export type CatalogSku = z.infer<typeof Sku>

const Page = z.object({ skus: z.array(Sku).default([]) })

/** Of a page of https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list */
export function skusOf(page: unknown): CatalogSku[] {
  const parsed = Page.safeParse(page)
  if (parsed.success) return parsed.data.skus
  throw new Fault('unavailable', 'The price list of Google Cloud cannot be read: its format is unknown.')
}

/** Series by the beginning of their description. */
const series: Partial<Record<string, string>> = {
  'N1 Predefined Instance': 'n1',
  'N2 Instance': 'n2',
  'N2D AMD Instance': 'n2d',
  'E2 Instance': 'e2',
  'Compute optimized': 'c2',
  'C2D AMD Instance': 'c2d',
  'C3 Instance': 'c3',
  'N4 Instance': 'n4',
  'T2D AMD Instance': 't2d',
}

/** Disks by the beginning of their description, as Compute Engine names their types. */
const disks: Partial<Record<string, string>> = {
  Storage: 'pd-standard',
  Balanced: 'pd-balanced',
  'SSD backed': 'pd-ssd',
}

const terms: Partial<Record<string, 1 | 3>> = { Commit1Yr: 1, Commit3Yr: 3 }
const usageTypes = new Set(['OnDemand', ...Object.keys(terms)])

/** Of a commitment to an amount of money: `Commitment - dollar based v1: GCE for 3 years`. */
const flexible = /^Commitment - dollar based v1: GCE for ([13]) years?$/

/** Whether a SKU is for use on demand, or committed, in one of the regions. */
export const isListed = ({ category, serviceRegions, description }: CatalogSku, regions: readonly string[]): boolean =>
  flexible.test(description) ||
  (usageTypes.has(category.usageType) && serviceRegions.some((region) => regions.includes(region)))

/** The prices of a region's disks, snapshots and machine types. A type costs its cores and its memory. */
export function pricesOf(skus: readonly CatalogSku[], place: { region: string; asOf: string }): ListPrice[] {
  const { region, asOf } = place
  const cores = new Map<string, Rate>()
  const memory = new Map<string, Rate>()
  const prices: ListPrice[] = []
  const own = skus.filter((each) => isListed(each, [region]))
  for (const sku of own.filter(({ category }) => category.usageType === 'OnDemand')) {
    const rate = rateOf(sku)
    const [, name = '', resource] = /^(.+) (Core|Ram) running in /.exec(sku.description) ?? []
    const [, kind = ''] = /^(.+) PD Capacity(?: in .+)?$/.exec(sku.description) ?? []
    const [snapshot] = /^Storage PD Snapshot(?= in )/.exec(sku.description) ?? []
    const [machine, disk] = [series[name], disks[kind]]
    if (!rate) continue
    if (machine !== undefined && resource === 'Core' && rate.unit === 'h') cores.set(machine, rate)
    if (machine !== undefined && resource === 'Ram' && rate.unit === 'GiBy.h') memory.set(machine, rate)
    if (rate.unit !== 'GiBy.mo') continue
    const { currency, amount } = rate
    const price = { cloud: 'gcp', region, currency, price: Money.plain(amount), asOf } as const
    if (disk !== undefined) prices.push({ ...price, part: 'storage', sku: disk })
    if (snapshot !== undefined) prices.push({ ...price, part: 'backup', sku: snapshot })
  }
  for (const { name, vcpus, memoryGb } of Rules.typesOf('gcp')) {
    const machine = name.slice(0, name.indexOf('-'))
    const [core, gib] = [cores.get(machine), memory.get(machine)]
    if (core?.currency !== gib?.currency || !core || !gib) continue
    // Floats hold the GiB of each vCPU only nearly.
    const amount = core.amount.times(vcpus).plus(gib.amount.times(memoryGb.toFixed(2)))
    const { currency } = core
    prices.push({ cloud: 'gcp', region, part: 'compute', sku: name, currency, price: Money.plain(amount), asOf })
  }
  return [...prices, ...committed(own, place), ...flexiblePrices(own, prices)]
}

/** https://cloud.google.com/compute/docs/instances/committed-use-discounts-overview */
const flexibleSeries = ['n1', 'n2', 'n2d', 'e2', 'c2', 'c2d', 'c3', 'n4']
/** The price of a commitment is that of usage which costs a cent on demand. */
const cents = 100

/**
 * Compute flexible commitments, with the price of the smallest machine of each series that they cover. Their price is a share of
 * the price on demand: https://cloud.google.com/billing/docs/how-to/cud-analysis-flexible
 */
function flexiblePrices(skus: readonly CatalogSku[], prices: readonly ListPrice[]): ListPrice[] {
  const shares = skus.flatMap((sku) => {
    const years = flexible.exec(sku.description)?.[1]
    const rate = rateOf(sku)
    return years === undefined || !rate ? [] : [{ years: years === '1' ? (1 as const) : (3 as const), rate }]
  })
  return flexibleSeries.flatMap((series) => {
    const machine = prices.find(({ part, sku }) => part === 'compute' && sku.startsWith(`${series}-`))
    if (!machine) return []
    return shares.flatMap(({ years, rate }): ListPrice[] => {
      const share = rate.amount.times(cents)
      if (share.gte(1) || rate.currency !== machine.currency) return []
      const price = Money.plain(Money.parse(machine.price).times(share))
      return [{ ...machine, price, term: { years, payment: 'no_upfront', plan: 'compute' } }]
    })
  })
}

/** Series by their name in the description of a commitment: `Commitment v1: N2D AMD Cpu in Frankfurt for 1 Year`. */
const committedSeries: Partial<Record<string, string>> = {
  '': 'n1',
  N2: 'n2',
  'N2D AMD': 'n2d',
  E2: 'e2',
  'Compute optimized': 'c2',
  'C2D AMD': 'c2d',
  C3: 'c3',
  N4: 'n4',
  'T2D AMD': 't2d',
}

interface Committed {
  series: string
  years: 1 | 3
  core?: Rate
  gib?: Rate
}

/** The price of the smallest machine of each series with a commitment, which stands for the series. */
function committed(skus: readonly CatalogSku[], { region, asOf }: { region: string; asOf: string }): ListPrice[] {
  const rates = new Map<string, Committed>()
  for (const sku of skus) {
    const years = terms[sku.category.usageType]
    const [, name = '', resource] = /^Commitment v1: (?:(.+) )?(Cpu|Ram) in /.exec(sku.description) ?? []
    const series = committedSeries[name]
    const rate = rateOf(sku)
    if (years === undefined || resource === undefined || series === undefined || !rate) continue
    const key = `${series} ${years}`
    rates.set(key, { series, years, ...rates.get(key), ...(resource === 'Cpu' ? { core: rate } : { gib: rate }) })
  }
  return [...rates.values()].flatMap(({ series, years, core, gib }): ListPrice[] => {
    const type = Rules.typesOf('gcp').find(({ name }) => name.startsWith(`${series}-`))
    if (!core || !gib || !type || core.currency !== gib.currency) return []
    const amount = core.amount.times(type.vcpus).plus(gib.amount.times(type.memoryGb.toFixed(2)))
    const { currency } = core
    const priced = {
      cloud: 'gcp',
      region,
      part: 'compute',
      sku: type.name,
      currency,
      price: Money.plain(amount),
    } as const
    return [{ ...priced, asOf, term: { years, payment: 'no_upfront' } }]
  })
}

interface Rate {
  amount: Money.Amount
  currency: string
  unit: string
}

const nano = Money.parse('1e-9')

/** The first rate that costs something. The last entry of the prices is the newest. */
function rateOf({ pricingInfo }: CatalogSku): Rate | undefined {
  const { usageUnit: unit, tieredRates = [] } = pricingInfo.at(-1)?.pricingExpression ?? {}
  if (unit === undefined) return undefined
  for (const { unitPrice } of tieredRates) {
    const { units = '0', nanos = 0, currencyCode: currency } = unitPrice
    const amount = Money.parse(units).plus(nano.times(nanos))
    if (amount.gt(0)) return { amount, currency, unit }
  }
  return undefined
}
