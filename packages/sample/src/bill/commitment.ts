import type { PlannedCommitment } from '../company/plan.ts'
import { priceFields, pricesOf, samePrice } from '../company/price.ts'
import type { Fields } from '../values/columns.ts'
import * as Day from '../values/day.ts'
import * as Money from '../values/money.ts'
import { chargeWriter, sameCosts, type Charge, type Span } from './charge.ts'
import type { Period } from './period.ts'

/**
 * The purchases of commitments in a billing period. They are billed; their effective cost is 0, because the covered and
 * the unused rows carry it.
 */
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
  const write = chargeWriter(period.layout, {
    ...period.fields,
    ...commitmentPlace(period, commitment),
    ...commitmentIdentity(period, commitment),
    ...samePrice(Money.format(commitment.unitPrice, Money.priceScale)),
    ChargeCategory: 'Purchase',
    ChargeFrequency: isUpfront ? 'One-Time' : 'Recurring',
    ChargeDescription: `${commitment.name}, ${isUpfront ? 'paid in advance' : 'recurring fee'}`,
    PricingCategory: 'Standard',
    PricingUnit: 'Hours',
    SkuPriceId: `${commitment.sku}.PURCHASE`,
  })
  const commitmentQuantity = commitment.category === 'Spend' ? Money.format(billed, Money.costScale) : `${hours}`
  const span = { start: Day.instant(start), end: Day.instant(end), pricingQuantity: `${hours}`, commitmentQuantity }
  return write(span, { ...sameCosts(billed), effective: 0n, effectivePricing: 0n })
}

/**
 * The unused part of a commitment on one day: billed at 0, with the remaining price of the day as its effective cost.
 */
export function unused(period: Period, commitment: PlannedCommitment, span: Span, rest: bigint): Charge {
  const { resource, category } = commitment
  const isSpend = category === 'Spend'
  const prices = pricesOf(period.plan.account, resource.product, period.index, commitment)
  const used = rest / prices.committed
  const text = isSpend ? Money.format(rest, Money.costScale) : Money.format(used, Money.quantityScale)
  const write = chargeWriter(period.layout, {
    ...period.fields,
    ...commitmentPlace(period, commitment),
    ...commitmentFields(period, commitment, 'Unused'),
    ...(isSpend ? samePrice('1') : priceFields(prices)),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: `${commitment.name}, unused`,
    PricingUnit: isSpend ? period.plan.account.fields.BillingCurrency : resource.product.unit,
    SkuPriceId: `${commitment.sku}.UNUSED`,
  })
  const values = { ...span, pricingQuantity: text, commitmentQuantity: text }
  if (isSpend)
    return write(values, { billed: 0n, effective: rest, contracted: rest, list: rest, effectivePricing: rest })
  return write(values, {
    billed: 0n,
    effective: rest,
    contracted: prices.contracted * used,
    list: prices.list * used,
    effectivePricing: rest,
  })
}

/** The commitment columns of a row that the commitment covers, or that it left unused. */
export function commitmentFields(period: Period, commitment: PlannedCommitment, status: 'Used' | 'Unused'): Fields {
  return { ...commitmentIdentity(period, commitment), CommitmentDiscountStatus: status, PricingCategory: 'Committed' }
}

/** The columns that identify the commitment of a row. */
function commitmentIdentity({ plan }: Period, { id, name, category, type, resource }: PlannedCommitment): Fields {
  return {
    CommitmentDiscountId: id,
    CommitmentDiscountName: name,
    CommitmentDiscountCategory: category,
    CommitmentDiscountType: type,
    CommitmentDiscountUnit: category === 'Spend' ? plan.account.fields.BillingCurrency : resource.product.unit,
  }
}

/** The columns that all rows of the commitment itself share. It is a resource of the account that pays for it. */
function commitmentPlace({ plan }: Period, commitment: PlannedCommitment): Fields {
  const { account } = plan
  const [owner] = account.subAccounts
  const isSpend = commitment.category === 'Spend'
  return {
    ...account.fields,
    ...(owner ? { SubAccountId: owner.id, SubAccountName: owner.name, SubAccountType: account.subAccountType } : {}),
    ServiceName: isSpend ? `${commitment.type}s` : commitment.resource.product.service,
    ServiceCategory: isSpend ? 'Compute' : commitment.resource.product.category,
    ServiceSubcategory: isSpend ? 'Other (Compute)' : commitment.resource.product.subcategory,
    ResourceId: commitment.id,
    ResourceName: commitment.name,
    ResourceType: commitment.type,
    SkuId: commitment.sku,
    SkuMeter: commitment.meter,
  }
}
