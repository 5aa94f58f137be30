import type { Fields } from './columns.ts'
import type { Account, Commitment, Product } from './model.ts'
import * as Money from './money.ts'

/** What one unit costs in a month, scaled; `...Pricing` in the pricing currency, the others in the billing currency. */
export interface Prices {
  list: bigint
  contracted: bigint
  committed: bigint
  contractedPricing: bigint
  committedPricing: bigint
  listPricing: bigint
}

/** The prices of a product in a month of the window. Exact: an invented price has few enough decimals for discount and rate. */
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
