import { disturbed, type Incident } from './anomaly.ts'
import { charger, type Charge, type Costs, type Moment } from './charge.ts'
import type { Fields } from './columns.ts'
import * as Day from './day.ts'
import { fieldsOf, type Line } from './line.ts'
import * as Money from './money.ts'
import { mix, uniform } from './random.ts'
import type { Period } from './period.ts'
import type { PlannedCommitment } from './plan.ts'
import { priceFields, pricesOf, type Prices } from './price.ts'
import { quantity } from './quantity.ts'

/** A resource in one billing period, ready to write its rows. */
interface Meter {
  line: Line
  prices: Prices
  commitment: PlannedCommitment | undefined
  incident: Incident | undefined
  standard: ReturnType<typeof charger>
  covered: ReturnType<typeof charger>
  /** Around-the-clock resources use the same every day: what it came to last is kept. */
  last?: { used: bigint; text: string; costs: Costs }
  lastCovered?: { used: bigint; text: string; costs: Costs }
}

/** What is left of a day's commitments, by their keys. */
type Left = Map<string, bigint>

/**
 * The rows of use of a billing period, resource by resource, so that no more than one of them is in memory. What a commitment covers is billed at 0
 * and costs its committed price.
 */
export function* usageOf(period: Period): Generator<Charge> {
  const { plan, month, end } = period
  const days = Array.from({ length: end - month.start }, (_, i) => month.start + i)
  const spans = days.map((day): Moment => ({ start: Day.instant(day), end: Day.instant(day + 1) }))
  const left = days.map(
    (day): Left => new Map(plan.commitments.filter(({ from }) => day >= from).map(({ key, perDay }) => [key, perDay])),
  )
  for (const line of plan.lines) {
    if (line.born >= end || line.gone <= month.start) continue
    const meter = meterOf(period, line)
    for (let i = Math.max(0, line.born - month.start); i < days.length && month.start + i < line.gone; i++) {
      yield* dayOf(period, meter, month.start + i, spans[i], left[i])
    }
  }
  for (const [i, span] of spans.entries()) {
    for (const commitment of plan.commitments) {
      const rest = left[i]?.get(commitment.key) ?? 0n
      if (rest > 0n) yield unused(period, commitment, span, rest)
    }
  }
}

function* dayOf(
  period: Period,
  meter: Meter,
  day: Day.Day,
  span: Moment | undefined,
  left: Left | undefined,
): Generator<Charge> {
  const usual = quantity(meter.line, day, period.plan.window.start)
  if (usual === 0 || !span || !left) return
  const used = meter.incident ? disturbed(meter.incident, usual, day) : usual
  if (meter.incident) meter.incident.extra += meter.prices.contracted * BigInt(used - usual)
  const covered = cover(meter, BigInt(used), left)
  if (covered > 0n) yield coveredCharge(meter, covered, span)
  if (BigInt(used) > covered) yield standardCharge(meter, BigInt(used) - covered, span)
  if (!meter.commitment && uniform(mix(meter.line.key ^ 0x5bd1e995, day)) < 0.0006)
    yield standardCharge(meter, -BigInt(Math.ceil(used / 8)), span)
}

/** How much of the quantity what is left of the commitment pays for. */
function cover({ commitment, prices }: Meter, wanted: bigint, left: Left): bigint {
  const rest = commitment && left.get(commitment.key)
  if (!commitment || !rest) return 0n
  const affordable = rest / prices.committed
  const covered = affordable < wanted ? affordable : wanted
  left.set(commitment.key, rest - covered * prices.committed)
  return covered
}

function standardCharge(meter: Meter, used: bigint, span: Moment): Charge {
  if (meter.last?.used !== used)
    meter.last = { used, text: Money.format(used, Money.quantityScale), costs: usageCosts(meter.prices, used) }
  const { text, costs } = meter.last
  return meter.standard({ ...span, pricingQuantity: text, consumedQuantity: text }, costs)
}

/** What use costs that is billed at the contracted price. */
export function usageCosts(prices: Prices, used: bigint): Costs {
  const contracted = prices.contracted * used
  return {
    billed: contracted,
    effective: contracted,
    contracted,
    list: prices.list * used,
    effectivePricing: prices.contractedPricing * used,
  }
}

function coveredCharge(meter: Meter, used: bigint, span: Moment): Charge {
  if (meter.lastCovered?.used !== used)
    meter.lastCovered = { used, text: Money.format(used, Money.quantityScale), costs: coveredCosts(meter.prices, used) }
  const { text, costs } = meter.lastCovered
  const commitmentQuantity =
    meter.commitment?.category === 'Spend' ? Money.format(costs.effective, Money.costScale) : text
  return meter.covered({ ...span, pricingQuantity: text, consumedQuantity: text, commitmentQuantity }, costs)
}

function coveredCosts(prices: Prices, used: bigint): Costs {
  return {
    billed: 0n,
    effective: prices.committed * used,
    contracted: prices.contracted * used,
    list: prices.list * used,
    effectivePricing: prices.committedPricing * used,
  }
}

function meterOf(period: Period, line: Line): Meter {
  const { plan, layout, index } = period
  const commitment = plan.commitments.find(({ key }) => key === line.product.commitment)
  const prices = pricesOf(plan.account, line.product, index, commitment)
  const standard = charger(layout, usageFields(period, line, prices))
  const covered = commitment
    ? charger(layout, {
        ...usageFields(period, line, prices),
        ...commitmentFields(period, commitment, 'Used'),
        SkuPriceId: `${line.product.sku}.COMMITTED`,
      })
    : standard
  return {
    line,
    prices,
    commitment,
    incident: plan.incidents.find((incident) => incident.line === line),
    standard,
    covered,
  }
}

function usageFields(period: Period, line: Line, prices: Prices): Fields {
  const { product } = line
  const isSpot = product.pattern === 'spot'
  return {
    ...fieldsOf(period.plan.account, line),
    ...period.fields,
    ...priceFields(prices),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ConsumedUnit: product.unit,
    PricingCategory: isSpot ? 'Dynamic' : 'Standard',
    SkuPriceId: `${product.sku}.${isSpot ? 'SPOT' : 'ONDEMAND'}`,
  }
}

function commitmentFields(period: Period, commitment: PlannedCommitment, status: 'Used' | 'Unused'): Fields {
  return { ...commitmentIdentity(period, commitment), CommitmentDiscountStatus: status, PricingCategory: 'Committed' }
}

/** The columns that say which commitment a row is about. */
export function commitmentIdentity({ plan }: Period, { id, name, category, type, line }: PlannedCommitment): Fields {
  return {
    CommitmentDiscountId: id,
    CommitmentDiscountName: name,
    CommitmentDiscountCategory: category,
    CommitmentDiscountType: type,
    CommitmentDiscountUnit: category === 'Spend' ? plan.account.fields.BillingCurrency : line.product.unit,
  }
}

/** What nobody used of a day of a commitment: nothing is billed, the rest of the day's price is its cost. */
function unused(period: Period, commitment: PlannedCommitment, span: Moment, rest: bigint): Charge {
  const { line, category } = commitment
  const isSpend = category === 'Spend'
  const prices = pricesOf(period.plan.account, line.product, period.index, commitment)
  const used = rest / prices.committed
  const text = isSpend ? Money.format(rest, Money.costScale) : Money.format(used, Money.quantityScale)
  const write = charger(period.layout, {
    ...period.fields,
    ...commitmentPlace(period, commitment),
    ...commitmentFields(period, commitment, 'Unused'),
    ...(isSpend ? evenPrice('1') : priceFields(prices)),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: `${commitment.name}, unused`,
    PricingUnit: isSpend ? period.plan.account.fields.BillingCurrency : line.product.unit,
    SkuPriceId: `${commitment.sku}.UNUSED`,
  })
  const moment = { ...span, pricingQuantity: text, commitmentQuantity: text }
  if (isSpend)
    return write(moment, { billed: 0n, effective: rest, contracted: rest, list: rest, effectivePricing: rest })
  return write(moment, {
    billed: 0n,
    effective: rest,
    contracted: prices.contracted * used,
    list: prices.list * used,
    effectivePricing: rest,
  })
}

/** A unit price without any discount. */
export function evenPrice(price: string): Fields {
  return {
    ListUnitPrice: price,
    ContractedUnitPrice: price,
    PricingCurrencyListUnitPrice: price,
    PricingCurrencyContractedUnitPrice: price,
  }
}

/** The columns that a commitment's own rows share: it is a resource of the account that pays for it. */
export function commitmentPlace({ plan }: Period, commitment: PlannedCommitment): Fields {
  const { account } = plan
  const [owner] = account.subAccounts
  const isSpend = commitment.category === 'Spend'
  return {
    ...account.fields,
    ...(owner ? { SubAccountId: owner.id, SubAccountName: owner.name, SubAccountType: account.subAccountType } : {}),
    ServiceName: isSpend ? `${commitment.type}s` : commitment.line.product.service,
    ServiceCategory: isSpend ? 'Compute' : commitment.line.product.category,
    ServiceSubcategory: isSpend ? 'Other (Compute)' : commitment.line.product.subcategory,
    ResourceId: commitment.id,
    ResourceName: commitment.name,
    ResourceType: commitment.type,
    SkuId: commitment.sku,
    SkuMeter: commitment.meter,
  }
}
