import type { Cloud } from '../kernel/cloud.ts'
import * as Money from '../kernel/money.ts'
import type { Term } from '../kernel/list-price.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import { compete, type Option, type Recommendation } from './compete.ts'
import { type Cover, coverAll, coverOne, type Member, perHour, unitsAbove, unitsOf, unit } from './cover.ts'
import { amountOf, freeOf, type Saving } from './pricing/money.ts'
import type { Evidence, Finding, Found, Level } from './rule.ts'
import { coveredFamily } from './sizes/instance-types.ts'
import { type Subject, textOf } from './subject.ts'

/** Usage at one on-demand price, which commitments could cover. */
export interface Demand {
  /** `m5 in eu-central-1`. */
  usage: string
  cloud: Cloud
  /** The payer. */
  accountId: string
  /** Where the usage is; what else is recommended for it lowers the demand. */
  accounts: readonly string[]
  kinds: readonly ResourceKind[]
  region: string
  /** As `coveredFamily` tells it of a type. */
  family: string
  /** The engine of a database; `windows`, or undefined, of an instance of AWS. */
  variant?: string
  currency: string
  /** `values` are of all hours, or of all days, of 90 days; unknown ones are left out. */
  grain: 'hour' | 'day'
  values: readonly string[]
  /** Those for this usage alone compete for it. A plan `compute` covers the usage of all demands of a payer. */
  offers: readonly Offer[]
}

export interface Offer extends Term {
  /** `reserved instances of m5`. */
  product: string
  /** The price of the commitment for usage that costs 1 to the organization on demand, as an exact decimal. */
  ratio: string
}

const windowDays = 90
const month = 30
const hoursOfDay = 24
const daysOfYear = 365
const digits = 15
const shownUsages = 3
const upfrontShares: Record<Offer['payment'], string> = { no_upfront: '0', partial_upfront: '0.5', all_upfront: '1' }
const judged = {
  rule: 'commitment-purchase',
  finds: 'Steady usage at on-demand prices, which a commitment would cover',
  analyzer: 'commitments',
} as const
const undo = 'None: a commitment runs until its end.'

/** A finding and, of one that is found, what it commits of which demand. */
interface Purchase {
  finding: Finding
  demand: Demand
  bought?: { offer: Offer; covered: Money.Amount }
}

/**
 * Purchases that never count a usage twice, in the order in which clouds apply commitments: first those for one usage, the
 * best for each, with the plan `compute` as an alternative; then one such plan for what they leave of all usage of a payer.
 * `wanted` is called once with each finding; it prices those that the organization wants to hear of.
 */
export function purchases(
  demands: readonly Demand[],
  others: readonly Recommendation[],
  wanted: (findings: readonly Finding[]) => Option[],
): Option[] {
  const own = demands.flatMap((demand) => ownPurchases(demand, others))
  const purchaseOf = new Map(own.map((purchase) => [purchase.finding, purchase]))
  const options = wanted(own.map(({ finding }) => finding))
  const committed = new Map<Demand, Money.Amount>()
  for (const { finding } of compete(options)) {
    const { demand, bought } = purchaseOf.get(finding) ?? {}
    // Where the plan for all usage is the best, it is bought for all such usage together.
    if (demand && bought && bought.offer.plan !== 'compute') committed.set(demand, bought.covered)
  }
  const kept = options.filter(({ finding }) => {
    const purchase = purchaseOf.get(finding)
    return purchase !== undefined && committed.has(purchase.demand)
  })
  const pools = Map.groupBy(
    demands.filter(({ offers }) => offers.some(isForAll)),
    poolKey,
  )
  return [...kept, ...wanted([...pools.values()].flatMap((pool) => pooled(pool, committed, others)))]
}

const isForAll = ({ plan }: Offer) => plan === 'compute'
const poolKey = ({ cloud, accountId, currency }: Demand) => [cloud, accountId, currency].join('|')
const timesOfDay = ({ grain }: Demand) => (grain === 'hour' ? hoursOfDay : 1)

/** The offers on one usage; none if only the plan for all usage is offered. */
function ownPurchases(demand: Demand, others: readonly Recommendation[]): Purchase[] {
  const { usage, region, values, offers, grain } = demand
  if (offers.every(isForAll)) return []
  const cost = Money.sum(values.slice(-month * timesOfDay(demand)).map(Money.parse))
  const subject = subjectOf(demand, { usage, name: usage, region, cost })
  const missing = missingOf(demand)
  if (missing) return [{ demand, finding: { ...judged, subject, state: 'insufficient_data', missing: [missing] } }]
  const least = values.map(Money.parse).reduce((lowest, value) => (value.lt(lowest) ? value : lowest))
  const floor = least.times(month * timesOfDay(demand))
  return offers.flatMap((offer): Purchase[] => {
    const ratio = Money.parse(offer.ratio)
    const saved = takenOf([demand], others, isForAll(offer))
    const found = ratio.gt(0) && ratio.lt(1) && coverOne(ratio, floor, saved, offer.plan !== undefined)
    if (!found) return []
    return [
      { demand, bought: { offer, covered: found.covered }, finding: offered(offer, subject, { ...found, grain }) },
    ]
  })
}

/** The plan for all usage of a payer, for what other purchases leave. */
function pooled(
  pool: readonly Demand[],
  committed: ReadonlyMap<Demand, Money.Amount>,
  others: readonly Recommendation[],
): Finding[] {
  const [first] = pool
  if (!first) return []
  const name = pooledNames[first.cloud]
  const grain = pool.some((demand) => demand.grain === 'day') ? 'day' : 'hour'
  const missing = pool.map(missingOf).find((text) => text !== undefined)
  const times = month * (grain === 'hour' ? hoursOfDay : 1)
  const rest = pool.map((demand) => {
    const taken = unitsAbove((committed.get(demand) ?? Money.zero).div(times))
    return { demand, usage: missing === undefined ? usageOf(demand, grain).map((used) => used - taken) : [] }
  })
  const costs = rest.map(({ demand, usage }) => ({
    usage: demand.usage,
    cost: unit.times(String(usage.slice(-times).reduce((total, used) => total + used, 0n))),
  }))
  const cost = Money.sum(costs.map((each) => each.cost))
  const subject = subjectOf(first, { usage: 'compute', name, region: 'global', cost })
  if (missing !== undefined) return [{ ...judged, subject, state: 'insufficient_data', missing: [missing] }]
  const saved = takenOf(pool, others, true)
  const terms = Map.groupBy(
    pool.flatMap(({ offers }) => offers.filter(isForAll)),
    ({ years, payment }) => `${years} ${payment}`,
  )
  return [...terms].toSorted(byName).flatMap(([term, [offer]]): Finding[] => {
    const members = rest.flatMap(({ demand, usage }): Member[] => {
      const own = demand.offers.find((each) => isForAll(each) && `${each.years} ${each.payment}` === term)
      const ratio = own && Money.parse(own.ratio)
      return ratio?.gt(0) && ratio.lt(1) ? [{ ratio, usage }] : []
    })
    const found = offer && coverAll(members, saved, times)
    return found ? [offered(offer, subject, { ...found, grain }, { covers: largestOf(costs) })] : []
  })
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1)

/** What the plan covers, in words. */
const pooledNames: Record<Cloud, string> = {
  aws: 'EC2, Fargate and Lambda',
  azure: 'virtual machines',
  gcp: 'Compute Engine',
}

/** Names of the usages that cost the most. */
function largestOf(costs: readonly { usage: string; cost: Money.Amount }[]): string {
  const sorted = costs.toSorted((a, b) => b.cost.cmp(a.cost) || (a.usage < b.usage ? -1 : 1))
  const names = sorted.slice(0, shownUsages).map(({ usage }) => usage)
  return [...names, ...(sorted.length > names.length ? [`${sorted.length - names.length} more`] : [])].join(', ')
}

function missingOf(demand: Demand): string | undefined {
  const expected = windowDays * timesOfDay(demand)
  const { values, grain } = demand
  return values.length < expected ? `on-demand costs: ${values.length} of ${expected} ${grain}s are known` : undefined
}

/** The cost of each time, in units. */
function usageOf({ values, ...demand }: Demand, grain: Demand['grain']): bigint[] {
  const amounts = values.map(unitsOf)
  if (grain === demand.grain) return amounts
  return Array.from({ length: amounts.length / hoursOfDay }, (_, day) =>
    amounts.slice(day * hoursOfDay, (day + 1) * hoursOfDay).reduce((total, used) => total + used, 0n),
  )
}

/** The usage as a subject: its cost is that of the last 30 days. */
function subjectOf(
  { cloud, accountId, currency }: Demand,
  { usage, name, region, cost }: { usage: string; name: string; region: string; cost: Money.Amount },
): Subject {
  const parts = [{ part: 'compute', cost: Money.plain(cost) }] as const
  return {
    cloud,
    accountId,
    id: `usage:${usage}`,
    name,
    kind: 'commitment',
    status: 'proposed',
    region,
    cost: { currency, parts },
    configuration: {},
  }
}

/** What other recommendations take from the usage. What a resource does not tell may be as the demand says. */
function takenOf(demands: readonly Demand[], others: readonly Recommendation[], isAll: boolean): Money.Amount {
  const own = others.filter(({ finding: { subject, also = [] }, saving }) =>
    [subject, ...also].some((each) =>
      demands.some((demand) => saving.currency === demand.currency && uses(each, demand)),
    ),
  )
  return Money.sum(own.map((other) => takenBy(other, isAll)))
}

/** At least what it saves; all compute of the resource, if none of it may stay in the least hour. */
function takenBy({ finding, saving }: Recommendation, isAll: boolean): Money.Amount {
  const amount = amountOf(saving)
  if (!mayLeave(finding, saving, isAll)) return amount
  const compute = freeOf((finding.subject.cost?.parts ?? []).filter(({ part }) => part === 'compute'))
  return compute.gt(amount) ? compute : amount
}

/** Whether the resource stops at times, goes to another family, or to a size whose price is not known. */
function mayLeave({ saving: basis, subject }: Found, saving: Saving, isAll: boolean): boolean {
  if (basis.kind === 'share') return basis.isOfTime === true
  if (basis.kind !== 'price_of') return false
  const own = familyOf(subject)
  const isMoved = basis.targets.some(
    ({ part, sku }) => part === 'compute' && own !== undefined && coveredFamily(subject.cloud, sku) !== own,
  )
  // A family without a price may not be sold in the region.
  return saving.amount === undefined ? !isMoved : isMoved && !isAll
}

function uses(subject: Subject, { cloud, accounts, kinds, region, family, variant }: Demand): boolean {
  return (
    subject.cloud === cloud &&
    accounts.includes(subject.accountId) &&
    kinds.includes(subject.kind) &&
    subject.region === region &&
    (familyOf(subject) ?? family) === family &&
    (variantOf(subject) ?? variant) === variant
  )
}

/** As a demand names the family of a machine. The type of a service or function names none of its meters. */
function familyOf({ cloud, kind, type }: Subject): string | undefined {
  const isMachine = kind !== 'container_service' && kind !== 'function'
  return isMachine && type !== undefined ? coveredFamily(cloud, type) : undefined
}

/** As a demand names it; undefined if the resource does not tell it, or is an instance without Windows. */
function variantOf(subject: Subject): string | undefined {
  if (subject.kind === 'database') return textOf(subject, 'Engine')
  return textOf(subject, 'PlatformDetails')?.startsWith('Windows') ? 'windows' : undefined
}

function offered(
  { years, payment, plan, product }: Offer,
  subject: Subject,
  { covered, fee, grain }: Cover & Pick<Demand, 'grain'>,
  more: Evidence = {},
): Found {
  const upfront = Money.quotient(
    fee.times(daysOfYear * years).times(upfrontShares[payment]),
    Money.parse(String(month)),
    digits,
  )
  const ratio = Money.quotient(fee, covered, digits)
  const currency = subject.cost?.currency ?? ''
  const rounded = (amount: Money.Amount) => Money.plain(amount.round(2))
  const term = `${years} ${years === 1 ? 'year' : 'years'}, ${payment.replaceAll('_', ' ')}`
  const risk: Level = years === 3 ? 'high' : payment === 'no_upfront' ? 'low' : 'medium'
  return {
    ...judged,
    state: 'found',
    subject,
    evidence: {
      ...(plan && { commitmentPerHour: perHour(fee) }),
      floorMonthly: rounded(covered),
      coveragePercent: Money.percentOf(covered, Money.parse(subject.cost?.parts[0]?.cost ?? '0')),
      feeMonthly: rounded(fee),
      upfront: rounded(upfront),
      breakEvenUsePercent: Money.toNumber(ratio.times(100).round(2)),
      breakEvenMonths: Money.toNumber(ratio.times(12 * years).round(1)),
      ...more,
    },
    change: { action: `buy: ${product}`, from: 'on demand', to: term },
    saving: {
      kind: 'computed',
      amount: Money.plain(covered.minus(fee)),
      how: `${rounded(covered)} ${currency} on demand, the least of ${windowDays} days, for ${rounded(fee)}`,
    },
    confidence:
      grain === 'hour'
        ? { level: 'high', reason: 'no hour of 90 days was below what is bought' }
        : { level: 'medium', reason: 'no day of 90 days was below what is bought; hours may have been' },
    risk,
    effort: 'low',
    restartNeeded: false,
    rollbackPossible: false,
    undo,
  }
}
