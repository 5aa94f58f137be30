import { addedBy, disturbedQuantity, type Incident } from '../company/anomaly.ts'
import type { PlannedCommitment } from '../company/plan.ts'
import { priceFields, pricesOf, type Prices } from '../company/price.ts'
import { quantity } from '../company/quantity.ts'
import { lastHourOf, resourceAt, resourceFields, type Resource } from '../company/resource.ts'
import type { Fields } from '../values/columns.ts'
import * as Day from '../values/day.ts'
import * as Money from '../values/money.ts'
import { mix, uniform } from '../values/random.ts'
import { chargeWriter, type Charge, type Costs, type Span } from './charge.ts'
import { commitmentFields, unused } from './commitment.ts'
import type { Period } from './period.ts'

/** A resource in one billing period, ready to write its rows. */
interface Meter {
  resource: Resource
  prices: Prices
  commitment: PlannedCommitment | undefined
  incident: Incident | undefined
  standard: ReturnType<typeof chargeWriter>
  covered: ReturnType<typeof chargeWriter>
  /** The last row's quantity and costs. Many resources use the same quantity every day. */
  last?: { used: bigint; text: string; costs: Costs }
  lastCovered?: { used: bigint; text: string; costs: Costs }
}

/** The unspent part of a day's commitments, by their keys. */
type Remaining = Map<string, bigint>

/**
 * The usage rows of a billing period, one resource after the other, so that only one resource is in memory. Covered
 * usage is billed at 0; its effective cost is the committed price.
 */
export function* usageOf(period: Period): Generator<Charge> {
  const { plan, month, end } = period
  const days = Array.from({ length: end - month.start }, (_, i) => month.start + i)
  const spans = days.map((day): Span => ({ start: Day.instant(day), end: Day.instant(day + 1) }))
  const remaining = days.map(
    (day): Remaining =>
      new Map(plan.commitments.filter(({ from }) => day >= from).map(({ key, perDay }) => [key, perDay])),
  )
  for (const resource of plan.resources) {
    if (resource.firstDay >= end || resource.endDay <= month.start) continue
    let meter = meterOf(period, resource)
    for (
      let i = Math.max(0, resource.firstDay - month.start);
      i < days.length && month.start + i < resource.endDay;
      i++
    ) {
      const now = resourceAt(resource, lastHourOf(month.start + i))
      if (!isAlike(now, meter.resource)) meter = meterOf(period, now)
      if (!plan.isLate?.(resource, month.start + i))
        yield* dayOf(period, meter, month.start + i, spans[i], remaining[i])
    }
  }
  for (const [i, span] of spans.entries()) {
    for (const commitment of plan.commitments) {
      const rest = remaining[i]?.get(commitment.key) ?? 0n
      if (rest > 0n) yield unused(period, commitment, span, rest)
    }
  }
}

const isAlike = (a: Resource, b: Resource) => a.product === b.product && a.isHandedOver === b.isHandedOver

function* dayOf(
  period: Period,
  meter: Meter,
  day: Day.Day,
  span: Span | undefined,
  remaining: Remaining | undefined,
): Generator<Charge> {
  const usual = quantity(meter.resource, day, period.plan.window.start)
  if (usual === 0 || !span || !remaining) return
  const used = meter.incident ? disturbedQuantity(meter.incident, usual, day) : usual
  if (meter.incident) meter.incident.extra += meter.prices.contracted * BigInt(addedBy(meter.incident, usual, used))
  const covered = cover(meter, BigInt(used), remaining)
  if (covered > 0n) yield coveredCharge(meter, covered, span)
  if (BigInt(used) > covered) yield standardCharge(meter, BigInt(used) - covered, span)
  if (!meter.commitment && uniform(mix(meter.resource.key ^ 0x5bd1e995, day)) < 0.0006)
    yield standardCharge(meter, -BigInt(Math.ceil(used / 8)), span)
}

/** The part of the quantity that the rest of the commitment pays for. */
function cover({ commitment, prices }: Meter, wanted: bigint, remaining: Remaining): bigint {
  const rest = commitment && remaining.get(commitment.key)
  if (!commitment || !rest) return 0n
  const affordable = rest / prices.committed
  const covered = affordable < wanted ? affordable : wanted
  remaining.set(commitment.key, rest - covered * prices.committed)
  return covered
}

function standardCharge(meter: Meter, used: bigint, span: Span): Charge {
  if (meter.last?.used !== used)
    meter.last = { used, text: Money.format(used, Money.quantityScale), costs: usageCosts(meter.prices, used) }
  const { text, costs } = meter.last
  return meter.standard({ ...span, pricingQuantity: text, consumedQuantity: text }, costs)
}

/** The costs of usage that is billed at the contracted price. */
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

function coveredCharge(meter: Meter, used: bigint, span: Span): Charge {
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

function meterOf(period: Period, resource: Resource): Meter {
  const { plan, layout, index } = period
  const commitment = plan.commitments.find(({ key }) => key === resource.product.commitment)
  const prices = pricesOf(plan.account, resource.product, index, commitment)
  const standard = chargeWriter(layout, usageFields(period, resource, prices))
  const covered = commitment
    ? chargeWriter(layout, {
        ...usageFields(period, resource, prices),
        ...commitmentFields(period, commitment, 'Used'),
        SkuPriceId: `${resource.product.sku}.COMMITTED`,
      })
    : standard
  return {
    resource,
    prices,
    commitment,
    incident: plan.incidents.find((incident) => incident.resource === resource),
    standard,
    covered,
  }
}

function usageFields(period: Period, resource: Resource, prices: Prices): Fields {
  const { product } = resource
  const isSpot = product.pattern === 'spot'
  return {
    ...resourceFields(period.plan.account, resource),
    ...period.fields,
    ...priceFields(prices),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ConsumedUnit: product.unit,
    PricingCategory: isSpot ? 'Dynamic' : 'Standard',
    SkuPriceId: `${product.sku}.${isSpot ? 'SPOT' : 'ONDEMAND'}`,
  }
}
