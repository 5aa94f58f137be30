import type { MonthlyCharge, SubAccount } from '../company/model.ts'
import { priceFields, pricesOf, samePrice } from '../company/price.ts'
import { quantity } from '../company/quantity.ts'
import { lastHourOf, resourceAt, resourceFields, subAccountFields, type Resource } from '../company/resource.ts'
import type { Fields } from '../values/columns.ts'
import * as Day from '../values/day.ts'
import * as Money from '../values/money.ts'
import { mix } from '../values/random.ts'
import { chargeWriter, sameCosts, type Charge, type Costs } from './charge.ts'
import type { Period } from './period.ts'
import { usageCosts } from './usage.ts'

/** The invoice items of a month. `billed` is the sum of the month's other charges, by sub account. */
export function* invoiceItemsOf(period: Period, billed: ReadonlyMap<string, bigint>): Generator<Charge> {
  const { account } = period.plan
  const [owner] = account.subAccounts
  const total = [...billed.values()].reduce((sum, amount) => sum + amount, 0n)
  for (const item of account.monthly) {
    const [first, last] = item.months ?? [0, Infinity]
    if (period.index < first || period.index > last || !owner) continue
    if (item.kind !== 'tax')
      yield invoiceItem(
        period,
        item,
        owner,
        item.fixed ? Money.parse(item.fixed, Money.costScale) : shareOf(total, item),
      )
    else
      for (const subAccount of account.subAccounts)
        yield invoiceItem(period, item, subAccount, shareOf(billed.get(subAccount.id) ?? 0n, item))
  }
}

/** A percentage of an amount, rounded to cents. */
function shareOf(amount: bigint, { percentHundredths = 0 }: MonthlyCharge): bigint {
  return Money.toCents(Money.divide(amount * BigInt(percentHundredths), 10_000n))
}

const categories = { tax: 'Tax', credit: 'Credit', support: 'Usage', rounding: 'Adjustment' } as const

function invoiceItem(period: Period, item: MonthlyCharge, subAccount: SubAccount, amount: bigint): Charge {
  const { account } = period.plan
  const isPriced = item.kind === 'support'
  const price = Money.format(amount, Money.costScale)
  const priced = {
    ...samePrice(price),
    PricingCategory: 'Standard',
    PricingUnit: 'Months',
    ConsumedUnit: 'Months',
    SkuId: item.sku,
    SkuMeter: 'Support',
    SkuPriceId: `${item.sku}.MONTH`,
  }
  const write = chargeWriter(period.layout, {
    ...account.fields,
    ...period.fields,
    ...subAccountFields(account, subAccount),
    ...(isPriced ? definedOnly(priced) : {}),
    ChargeCategory: categories[item.kind],
    ChargeFrequency: item.kind === 'credit' ? 'One-Time' : 'Recurring',
    ChargeDescription: item.description,
    ServiceName: item.service,
    ServiceCategory: item.category,
    ServiceSubcategory: item.subcategory,
  })
  const span = {
    start: Day.instant(period.month.start),
    end: Day.instant(period.end),
    ...(isPriced ? { pricingQuantity: '1', consumedQuantity: '1' } : {}),
  }
  return write(span, inPricingCurrency(period, amount))
}

function definedOnly(fields: Record<string, string | undefined>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/**
 * Invoice items are priced in the billing currency. The amount in the pricing currency is rounded to twelve decimals.
 */
function inPricingCurrency({ plan: { account }, index }: Period, amount: bigint): Costs {
  if (account.fields.PricingCurrency === account.fields.BillingCurrency) return sameCosts(amount)
  const micro = 1_000_000n
  return sameCosts(amount, Money.divide(amount * 10_000n, Money.parse(account.rate(index), 4) * micro) * micro)
}

/**
 * Refunds of the previous month's usage: this billing period and invoice, the days and prices of the previous month.
 */
export function* refundsOf(period: Period): Generator<Charge> {
  const { plan, month, index } = period
  const before = Day.month(month.start, -1)
  if (index === 0) return
  const affected = new Set(plan.incidents.map(({ resource }) => resource))
  const resources = plan.resources.filter(
    (resource) =>
      !resource.product.commitment &&
      resource.product.pattern === 'traffic' &&
      resource.firstDay <= before.start &&
      resource.endDay >= before.end &&
      !affected.has(resource),
  )
  const resource = resources[mix(index, resources.length) % Math.max(1, resources.length)]
  if (!resource) return
  const first = before.start + 6 + (mix(index, 7) % 12)
  for (let day = first; day < first + 2; day++) yield refund(period, resource, day)
}

function refund(period: Period, resource: Resource, day: Day.Day): Charge {
  const { plan, layout, index } = period
  const prices = pricesOf(plan.account, resource.product, index - 1)
  const write = chargeWriter(layout, {
    ...resourceFields(plan.account, resourceAt(resource, lastHourOf(day))),
    ...period.fields,
    ...priceFields(prices),
    ChargeCategory: 'Usage',
    ChargeClass: 'Correction',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: `Refund after a service interruption: ${resource.product.description}`,
    ConsumedUnit: resource.product.unit,
    PricingCategory: 'Standard',
    SkuPriceId: `${resource.product.sku}.ONDEMAND`,
  })
  const returned = -BigInt(quantity(resource, day, plan.window.start))
  const text = Money.format(returned, Money.quantityScale)
  return write(
    { start: Day.instant(day), end: Day.instant(day + 1), pricingQuantity: text, consumedQuantity: text },
    usageCosts(prices, returned),
  )
}
