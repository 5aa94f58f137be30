import type { Fields } from '../values/columns.ts'
import * as Money from '../values/money.ts'
import type { Account, Commitment, Product } from './model.ts'

/**
 * Unit prices of a month, scaled by `Money.priceScale`. `...Pricing` is in the pricing currency, the others are in the
 * billing currency.
 */
export interface Prices {
  list: bigint
  contracted: bigint
  committed: bigint
  contractedPricing: bigint
  committedPricing: bigint
  listPricing: bigint
}

/**
 * The prices of a product in a month of the window. They are exact: the invented prices leave room for the decimals of
 * discount and rate.
 */
export function pricesOf(account: Account, product: Product, month: number, commitment?: Commitment): Prices {
  const { PricingCurrency, BillingCurrency } = account.fields
  const rate = Money.parse(account.rate(month), 4)
  const listUsd = Money.parse(product.price, Money.priceScale)
  const contractedUsd = Money.percent(listUsd, 100 - product.discountPercent)
  const committedUsd = Money.percent(listUsd, 100 - (commitment?.discountPercent ?? 0))
  const billing = (usd: bigint) => (usd * rate) / 10_000n
  const pricing = (usd: bigint) => (PricingCurrency === BillingCurrency ? billing(usd) : usd)
  return {
    list: billing(listUsd),
    contracted: billing(contractedUsd),
    committed: billing(committedUsd),
    listPricing: pricing(listUsd),
    contractedPricing: pricing(contractedUsd),
    committedPricing: pricing(committedUsd),
  }
}

/** The unit price columns. */
export function priceFields({ list, contracted, listPricing, contractedPricing }: Prices): Fields {
  return {
    ListUnitPrice: Money.format(list, Money.priceScale),
    ContractedUnitPrice: Money.format(contracted, Money.priceScale),
    PricingCurrencyListUnitPrice: Money.format(listPricing, Money.priceScale),
    PricingCurrencyContractedUnitPrice: Money.format(contractedPricing, Money.priceScale),
  }
}

/** The unit price columns of a price without discount. */
export function samePrice(price: string): Fields {
  return {
    ListUnitPrice: price,
    ContractedUnitPrice: price,
    PricingCurrencyListUnitPrice: price,
    PricingCurrencyContractedUnitPrice: price,
  }
}
