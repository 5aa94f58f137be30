import type { ListPrice, Sku } from '../../kernel/list-price.ts'
import * as Money from '../../kernel/money.ts'
import { familyOf } from '../sizes/instance-types.ts'

export type { ListPrice } from '../../kernel/list-price.ts'

/** What the organization paid for a SKU without commitments, and the same at list prices. */
export interface OwnPrice extends Sku {
  quantity: string
  cost: string
  listCost?: string
}

export interface Price {
  amount: Money.Amount
  /** Where it comes from, in words. */
  basis: string
}

/** What something costs the organization, and at list prices. */
export interface Paid {
  cost: Money.Amount
  listCost: Money.Amount
}

export interface PriceBook {
  own: ReadonlyMap<string, OwnPrice>
  list: ReadonlyMap<string, ListPrice>
  /** Own cost and list cost by region and family, and by family over all regions. */
  paid: ReadonlyMap<string, Paid>
}

const digits = 15

const keyOf = ({ cloud, region, part, sku, variant = '', currency }: Sku) =>
  [cloud, region, part, sku, variant, currency].join('|').toLowerCase()

/** Without a region: of all regions. */
const familyKeyOf = ({ cloud, part, sku, currency }: Sku, region = '') =>
  [cloud, region, part, familyOf(cloud, sku), currency].join('|').toLowerCase()

export function priceBook(own: readonly OwnPrice[], list: readonly ListPrice[]): PriceBook {
  const paid = new Map<string, Paid>()
  for (const row of own) {
    if (row.listCost === undefined) continue
    for (const key of new Set([familyKeyOf(row, row.region), familyKeyOf(row)])) {
      const before = paid.get(key) ?? { cost: Money.zero, listCost: Money.zero }
      paid.set(key, { cost: before.cost.plus(row.cost), listCost: before.listCost.plus(row.listCost) })
    }
  }
  return {
    own: new Map(own.map((row) => [keyOf(row), row])),
    list: new Map(list.filter(({ term }) => !term).map((row) => [keyOf(row), row])),
    paid,
  }
}

/**
 * The organization's own price, else the list price times its own discount: on the family of the SKU in its region, else
 * on the family in all regions, else on the usage that the SKU replaces.
 */
export function priceOf(book: PriceBook, sku: Sku, replaced?: Paid): Price | undefined {
  const own = book.own.get(keyOf(sku))
  if (own && Money.parse(own.quantity).gt(0))
    return { amount: Money.quotient(Money.parse(own.cost), Money.parse(own.quantity), digits), basis: 'own price' }
  const listed = book.list.get(keyOf(sku))
  if (!listed) return undefined
  const list = `list price of ${listed.asOf}`
  const inRegion = book.paid.get(familyKeyOf(sku, sku.region))
  const family = ratioOf(inRegion ?? book.paid.get(familyKeyOf(sku)))
  const ratio = family ?? ratioOf(replaced)
  if (!ratio) return { amount: Money.parse(listed.price), basis: list }
  const percent = Money.plain(ratio.times(100).round(2))
  const where = inRegion ? `in ${sku.region}` : 'in other regions'
  const of = family ? `${familyOf(sku.cloud, sku.sku)} ${where}` : 'this resource'
  return { amount: Money.parse(listed.price).times(ratio), basis: `${percent} % of the ${list}, as paid for ${of}` }
}

/** Undefined if it costs nothing, because that is the price of credits or a free tier, not of further usage. */
const ratioOf = (paid: Paid | undefined) =>
  paid?.listCost.gt(0) && paid.cost.gt(0) ? Money.quotient(paid.cost, paid.listCost, digits) : undefined
