import { Fault, type ListPrice, Money } from '@cloudoptima/core'
import * as z from 'zod'

/** Exact: the text of each number, not its float. */
const Decimal = z.string().regex(/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/)

const Item = z.object({
  currencyCode: z.string(),
  tierMinimumUnits: Decimal,
  retailPrice: Decimal,
  armRegionName: z.string(),
  armSkuName: z.string().nullish(),
  meterName: z.string(),
  productName: z.string(),
  skuName: z.string(),
  serviceName: z.string(),
  unitOfMeasure: z.string(),
  type: z.string(),
  reservationTerm: z.string().nullish(),
  savingsPlan: z.array(z.object({ retailPrice: Decimal, term: z.string() })).nullish(),
})
type Item = z.infer<typeof Item>

const Page = z.object({ Items: z.array(Item), NextPageLink: z.string().nullish() })

/** The filters of the questions whose answers {@link readPage} understands; `region` is a valid name. */
export const questionsOf = (region: string): readonly string[] =>
  [
    ['Virtual Machines', 'Consumption'],
    ['Virtual Machines', 'Reservation'],
    ['Storage', 'Consumption'],
  ].map(([service, type]) => `serviceName eq '${service}' and armRegionName eq '${region}' and priceType eq '${type}'`)

/** One page of the answer: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices */
export function readPage(text: string, asOf: string): { prices: ListPrice[]; next?: string } {
  const { Items, NextPageLink } = parsed(text)
  return { prices: Items.flatMap((item) => pricesOf(item, asOf)), ...(NextPageLink && { next: NextPageLink }) }
}

function parsed(text: string): z.infer<typeof Page> {
  const exact = (_: string, value: unknown, { source }: { source?: string }): unknown =>
    typeof value === 'number' ? source : value
  const page = Page.safeParse(json(text, exact))
  if (!page.success) throw new Fault('unavailable', 'The price list of Azure cannot be read: its format is unknown.')
  return page.data
}

function json(text: string, exact: (key: string, value: unknown, context: { source?: string }) => unknown): unknown {
  try {
    return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1])
  } catch {
    // The page has no other form, which the caller says.
    return undefined
  }
}

/** Nothing for what no rule asks. */
function pricesOf(item: Item, asOf: string): ListPrice[] {
  const { armRegionName: region, currencyCode: currency, retailPrice, type, tierMinimumUnits } = item
  const amount = Money.parse(retailPrice)
  if (type === 'Reservation') return reservationOf(item, asOf)
  if (type !== 'Consumption' || !Money.parse(tierMinimumUnits).eq(0) || !amount.gt(0)) return []
  const sku = machineOf(item) ?? diskOf(item) ?? operationsOf(item) ?? snapshotOf(item)
  if (!sku) return []
  const price: ListPrice = { cloud: 'azure', region, ...sku, currency, price: Money.plain(amount), asOf }
  return [price, ...planned(item, price)]
}

/** Azure's savings plan for compute, which covers the machine, not Windows. Monthly payments cost the same. */
function planned({ savingsPlan }: Item, price: ListPrice): ListPrice[] {
  if (price.part !== 'compute' || price.variant !== 'Linux') return []
  return (savingsPlan ?? []).flatMap(({ retailPrice, term }): ListPrice[] => {
    const amount = Money.parse(retailPrice)
    const length = years[term]
    if (length === undefined || !amount.gt(0)) return []
    return [{ ...price, price: Money.plain(amount), term: { years: length, payment: 'no_upfront', plan: 'compute' } }]
  })
}

const years: Partial<Record<string, 1 | 3>> = { '1 Year': 1, '3 Years': 3 }
const hoursOfYear = 8760

/** Of the whole term; monthly payments cost the same. It covers the machine, not Windows. */
function reservationOf(item: Item, asOf: string): ListPrice[] {
  const { armRegionName: region, currencyCode: currency, armSkuName: sku, serviceName, reservationTerm } = item
  const term = years[reservationTerm ?? '']
  if (serviceName !== 'Virtual Machines' || !sku || term === undefined) return []
  const price = Money.plain(Money.quotient(Money.parse(item.retailPrice), Money.parse(String(term * hoursOfYear)), 15))
  const place = { cloud: 'azure', region, part: 'compute', sku, variant: 'Linux', currency } as const
  return [{ ...place, price, asOf, term: { years: term, payment: 'no_upfront' } }]
}

type Priced = Pick<ListPrice, 'part' | 'sku' | 'variant'>

function machineOf({ serviceName, unitOfMeasure, skuName, productName, armSkuName }: Item): Priced | undefined {
  if (serviceName !== 'Virtual Machines' || unitOfMeasure !== '1 Hour' || !armSkuName) return undefined
  // Cloud services have the prices of Windows with other products.
  if (/ (?:Spot|Low Priority)$/.test(skuName) || /Cloud ?Services|Dedicated Host/i.test(productName)) return undefined
  return { part: 'compute', sku: armSkuName, variant: /Windows/.test(productName) ? 'Windows' : 'Linux' }
}

/** A whole disk; not the mount of a shared one. */
function diskOf({ productName, meterName, unitOfMeasure }: Item): Priced | undefined {
  const [, sku] = /^([PES]\d+ [LZ]RS) Disk$/.exec(meterName) ?? []
  const isDisk = productName.endsWith(' Managed Disks') && unitOfMeasure === '1/Month'
  return sku !== undefined && isDisk ? { part: 'storage', sku } : undefined
}

/** Of standard SSDs: operations of premium disks cost nothing. */
function operationsOf({ productName, meterName, unitOfMeasure }: Item): Priced | undefined {
  const [, sku] = /^(E\d+ [LZ]RS) Disk Operations$/.exec(meterName) ?? []
  const isOurs = productName === 'Standard SSD Managed Disks' && unitOfMeasure === '10K'
  return sku !== undefined && isOurs ? { part: 'operations', sku } : undefined
}

/** Of standard storage, which the rules ask. */
function snapshotOf({ productName, skuName, unitOfMeasure }: Item): Priced | undefined {
  const isOurs = productName === 'Standard HDD Managed Disks' && skuName === 'Snapshots LRS'
  return isOurs && unitOfMeasure === '1 GB/Month' ? { part: 'backup', sku: skuName } : undefined
}
