import type { Cloud } from '../../kernel/cloud.ts'
import type { ListPrice } from '../../kernel/list-price.ts'
import * as Money from '../../kernel/money.ts'
import type { Offer } from '../purchase.ts'
import { familyOf } from '../sizes/instance-types.ts'
import { partOf } from './charges.ts'

/** Usage that one commitment covers: `m5`, `db.m5`, a series of Azure or Google Cloud. */
export interface Coverable {
  cloud: Cloud
  region: string
  family: string
  currency: string
}

export const coverableKey = ({ cloud, region, family, currency }: Coverable): string =>
  [cloud, region, family, currency].join('|').toLowerCase()

/** Commitments of Google Cloud cover a series, those of AWS and Azure the sizes of a family. */
const coveredFamily = (cloud: Cloud, sku: string) =>
  cloud === 'gcp' ? sku.slice(0, sku.indexOf('-')) : familyOf(cloud, sku)

const digits = 15

/** The commitments that lists offer, each with its price for usage that costs 1 on demand. */
export function offersOf(list: readonly ListPrice[]): Map<string, Offer[]> {
  const skuOf = ({ cloud, region, part, sku, variant = '', currency }: ListPrice) =>
    [cloud, region, part, sku, variant, currency].join('|').toLowerCase()
  const onDemand = new Map(list.flatMap((row) => (row.term ? [] : [[skuOf(row), row.price] as const])))
  const offers = new Map<string, Map<string, Offer>>()
  for (const row of list) {
    const price = onDemand.get(skuOf(row))
    if (!row.term || price === undefined || Money.parse(price).lte(0)) continue
    const family = coveredFamily(row.cloud, row.sku)
    const key = coverableKey({ ...row, family })
    const ratio = Money.plain(Money.quotient(Money.parse(row.price), Money.parse(price), digits))
    const own = offers.get(key) ?? new Map<string, Offer>()
    // All sizes of a family have the same ratio; the first one counts.
    const name = `${row.term.years} ${row.term.payment}`
    if (!own.has(name)) own.set(name, { ...row.term, ratio })
    offers.set(key, own)
  }
  return new Map([...offers].map(([key, own]) => [key, [...own.values()]]))
}

interface Usage {
  cloud: Cloud
  service: string
  meter: string
}

/** The family of a charge for machines; undefined for other charges. */
export function familyOfUsage({ cloud, service, meter }: Usage): string | undefined {
  switch (cloud) {
    case 'aws': {
      const { part, sku } = partOf({ cloud, service, meter })
      return part === 'compute' && sku !== undefined ? familyOf(cloud, sku) : undefined
    }
    case 'azure':
      // The meter `D4s v5` is of the type Standard_D4s_v5.
      return service === 'Virtual Machines' && /^[A-Z]+\d/.test(meter)
        ? familyOf(cloud, `Standard_${meter.replaceAll(' ', '_')}`)
        : undefined
    case 'gcp':
      return /^(\w+) (?:Predefined |AMD )?Instance (?:Core|Ram)\b/.exec(meter)?.[1]?.toLowerCase()
  }
}
