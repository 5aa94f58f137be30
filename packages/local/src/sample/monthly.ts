import { charger, evenCosts, type Charge, type Costs } from './charge.ts'
import type { Fields } from './columns.ts'
import * as Day from './day.ts'
import { fieldsOf, subAccountFields, type Line } from './line.ts'
import type { MonthlyCharge, SubAccount } from './model.ts'
import * as Money from './money.ts'
import { mix } from './random.ts'
import type { Period } from './period.ts'
import type { PlannedCommitment } from './plan.ts'
import { priceFields, pricesOf } from './price.ts'
import { quantity } from './quantity.ts'
import { commitmentIdentity, commitmentPlace, evenPrice, usageCosts } from './usage.ts'

/** What is paid for commitments in a billing period. It is billed, and costs nothing by itself: use, or its lack, does. */
export function* purchasesOf(period: Period): Generator<Charge> {
  for (const commitment of period.plan.commitments) {
    const { payment, count, from } = commitment
    if (payment === 'monthly') {
      yield purchase(
        period,
        commitment,
        period.month.start,
        period.month.end,
        (period.month.end - period.month.start) * 24 * count,
      )
    } else if (payment === 'daily') {
      for (let day = period.month.start; day < period.end; day++)
        yield purchase(period, commitment, day, day + 1, 24 * count)
    } else if (from >= period.month.start && from < period.end) {
      yield purchase(period, commitment, from, from + 365, 365 * 24 * count)
    }
  }
}

function purchase(period: Period, commitment: PlannedCommitment, start: Day.Day, end: Day.Day, hours: number): Charge {
  const isUpfront = typeof commitment.payment === 'object'
  const billed = commitment.unitPrice * BigInt(hours) * 10n ** BigInt(Money.quantityScale)
  const write = charger(period.layout, {
    ...period.fields,
    ...commitmentPlace(period, commitment),
    ...commitmentIdentity(period, commitment),
    ...evenPrice(Money.format(commitment.unitPrice, Money.priceScale)),
    ChargeCategory: 'Purchase',
    ChargeFrequency: isUpfront ? 'One-Time' : 'Recurring',
    ChargeDescription: `${commitment.name}, ${isUpfront ? 'paid in advance' : 'recurring fee'}`,
    PricingCategory: 'Standard',
    PricingUnit: 'Hours',
    SkuPriceId: `${commitment.sku}.PURCHASE`,
  })
  const commitmentQuantity = commitment.category === 'Spend' ? Money.format(billed, Money.costScale) : `${hours}`
  const moment = { start: Day.instant(start), end: Day.instant(end), pricingQuantity: `${hours}`, commitmentQuantity }
  return write(moment, { ...evenCosts(billed), effective: 0n, effectivePricing: 0n })
}

/** What the invoice adds once a month. `billed` is what the month's other charges come to, by sub account. */
export function* additionsOf(period: Period, billed: ReadonlyMap<string, bigint>): Generator<Charge> {
  const { account } = period.plan
  const [owner] = account.subAccounts
  const total = [...billed.values()].reduce((sum, amount) => sum + amount, 0n)
  for (const item of account.monthly) {
    const [first, last] = item.months ?? [0, Infinity]
    if (period.index < first || period.index > last || !owner) continue
    if (item.kind !== 'tax')
      yield addition(period, item, owner, item.fixed ? Money.parse(item.fixed, Money.costScale) : shareOf(total, item))
    else
      for (const subAccount of account.subAccounts)
        yield addition(period, item, subAccount, shareOf(billed.get(subAccount.id) ?? 0n, item))
  }
}

/** Percents of an amount, in cents. */
function shareOf(amount: bigint, { percentHundredths = 0 }: MonthlyCharge): bigint {
  return Money.toCents(Money.divide(amount * BigInt(percentHundredths), 10_000n))
}

const categories = { tax: 'Tax', credit: 'Credit', support: 'Usage', rounding: 'Adjustment' } as const

function addition(period: Period, item: MonthlyCharge, subAccount: SubAccount, amount: bigint): Charge {
  const { account } = period.plan
  const isPriced = item.kind === 'support'
  const price = Money.format(amount, Money.costScale)
  const priced = {
    ...evenPrice(price),
    PricingCategory: 'Standard',
    PricingUnit: 'Months',
    ConsumedUnit: 'Months',
    SkuId: item.sku,
    SkuMeter: 'Support',
    SkuPriceId: `${item.sku}.MONTH`,
  }
  const write = charger(period.layout, {
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
  const moment = {
    start: Day.instant(period.month.start),
    end: Day.instant(period.end),
    ...(isPriced ? { pricingQuantity: '1', consumedQuantity: '1' } : {}),
  }
  return write(moment, inPricingCurrency(period, amount))
}

function definedOnly(fields: Record<string, string | undefined>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Invoice amounts arise in the billing currency; in the pricing currency they are rounded to twelve decimals. */
function inPricingCurrency({ plan: { account }, index }: Period, amount: bigint): Costs {
  if (account.fields.PricingCurrency === account.fields.BillingCurrency) return evenCosts(amount)
  const micro = 1_000_000n
  return evenCosts(amount, Money.divide(amount * 10_000n, Money.parse(account.rate(index), 4) * micro) * micro)
}

/** Use of the month before that is paid back now: a later billing period and invoice, the old days, the old prices. */
export function* refundsOf(period: Period): Generator<Charge> {
  const { plan, month, index } = period
  const before = Day.month(month.start, -1)
  if (index === 0) return
  const disturbed = new Set(plan.incidents.map(({ line }) => line))
  const lines = plan.lines.filter(
    (line) =>
      !line.product.commitment &&
      line.product.pattern === 'traffic' &&
      line.born <= before.start &&
      line.gone >= before.end &&
      !disturbed.has(line),
  )
  const line = lines[mix(index, lines.length) % Math.max(1, lines.length)]
  if (!line) return
  const first = before.start + 6 + (mix(index, 7) % 12)
  for (let day = first; day < first + 2; day++) yield refund(period, line, day)
}

function refund(period: Period, line: Line, day: Day.Day): Charge {
  const { plan, layout, index } = period
  const prices = pricesOf(plan.account, line.product, index - 1)
  const write = charger(layout, {
    ...fieldsOf(plan.account, line),
    ...period.fields,
    ...priceFields(prices),
    ChargeCategory: 'Usage',
    ChargeClass: 'Correction',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: `Refund after a service interruption: ${line.product.description}`,
    ConsumedUnit: line.product.unit,
    PricingCategory: 'Standard',
    SkuPriceId: `${line.product.sku}.ONDEMAND`,
  })
  const returned = -BigInt(quantity(line, day, plan.window.start))
  const text = Money.format(returned, Money.quantityScale)
  return write(
    { start: Day.instant(day), end: Day.instant(day + 1), pricingQuantity: text, consumedQuantity: text },
    usageCosts(prices, returned),
  )
}
