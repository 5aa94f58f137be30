import type { Cloud } from '../kernel/cloud.ts'
import * as Money from '../kernel/money.ts'
import type { Term } from '../kernel/list-price.ts'
import type { ResourceKind } from '../kernel/resource.ts'
import type { Recommendation } from './compete.ts'
import { amountOf } from './pricing/money.ts'
import type { Finding, Level } from './rule.ts'
import { coveredFamily } from './sizes/instance-types.ts'
import type { Subject } from './subject.ts'

/** Usage at on-demand prices that one kind of commitment could cover. */
export interface Demand {
  /** Demands for the same usage have the same name, and compete: `compute`, `m5 in eu-central-1`. */
  usage: string
  /** `Compute Savings Plan`. */
  product: string
  cloud: Cloud
  /** The payer. */
  accountId: string
  /** Where the usage is; what else is recommended for it lowers the demand. */
  accounts: readonly string[]
  kinds: readonly ResourceKind[]
  region: string
  /** As `coveredFamily` tells it of a type. */
  family: string
  currency: string
  /** `values` are of all hours, or of all days, of 90 days; unknown ones are left out. */
  grain: 'hour' | 'day'
  values: readonly string[]
  offers: readonly Offer[]
}

export interface Offer extends Term {
  /** The price of the commitment for usage that costs 1 on demand, as an exact decimal. */
  ratio: string
}

const windowDays = 90
const month = 30
const daysOfYear = 365
const digits = 15
const upfrontShares: Record<Offer['payment'], string> = { no_upfront: '0', partial_upfront: '0.5', all_upfront: '1' }
const judged = {
  rule: 'commitment-purchase',
  finds: 'Steady usage at on-demand prices, which a commitment would cover',
  analyzer: 'commitments',
} as const
const undo = 'None: a commitment runs until its end.'

/** One finding for each offer on each demand; those for the same usage compete. */
export function purchases(demands: readonly Demand[], others: readonly Recommendation[]): Finding[] {
  return demands.flatMap((demand) => {
    const { grain, values, offers } = demand
    const perDay = grain === 'hour' ? 24 : 1
    const subject = subjectOf(demand, perDay)
    const expected = windowDays * perDay
    if (values.length < expected) {
      const missing = [`on-demand costs: ${values.length} of ${expected} ${grain}s are known`]
      return [{ ...judged, subject, state: 'insufficient_data' as const, missing }]
    }
    const lowest = values.map(Money.parse).reduce((least, value) => (value.lt(least) ? value : least))
    const floor = lowest.times(perDay * month).minus(savedOf(demand, others))
    return floor.lte(0) ? [] : offers.flatMap((offer) => offered(demand, offer, subject, floor))
  })
}

/** The usage as a subject: its cost is that of the last 30 days. */
function subjectOf({ cloud, accountId, region, currency, usage, values }: Demand, perDay: number): Subject {
  const cost = Money.plain(Money.sum(values.slice(-month * perDay).map(Money.parse)))
  const parts = [{ part: 'compute', cost }] as const
  const id = `usage:${usage}`
  return {
    cloud,
    accountId,
    id,
    name: usage,
    kind: 'commitment',
    status: 'proposed',
    region,
    cost: { currency, parts },
    configuration: {},
  }
}

/** What other recommendations already take from the usage. A resource without a type may be of the family. */
function savedOf(demand: Demand, others: readonly Recommendation[]): Money.Amount {
  const { cloud, accounts, kinds, region, family, currency } = demand
  const own = others.filter(
    ({ finding: { subject }, saving }) =>
      subject.cloud === cloud &&
      accounts.includes(subject.accountId) &&
      kinds.includes(subject.kind) &&
      subject.region === region &&
      (subject.type === undefined || coveredFamily(cloud, subject.type) === family) &&
      saving.currency === currency,
  )
  return Money.sum(own.map(({ saving }) => amountOf(saving)))
}

/** `floor` is the on-demand cost in 30 days that was never less, of what stays. */
function offered({ product, grain, currency }: Demand, offer: Offer, subject: Subject, floor: Money.Amount): Finding[] {
  const { years, payment } = offer
  const ratio = Money.parse(offer.ratio)
  if (ratio.gte(1) || ratio.lte(0)) return []
  const fee = floor.times(ratio)
  const upfront = Money.quotient(
    fee.times(daysOfYear * years).times(upfrontShares[payment]),
    Money.parse(String(month)),
    digits,
  )
  const rounded = (amount: Money.Amount) => Money.plain(amount.round(2))
  const term = `${years} ${years === 1 ? 'year' : 'years'}, ${payment.replaceAll('_', ' ')}`
  const risk: Level = years === 3 ? 'high' : payment === 'no_upfront' ? 'low' : 'medium'
  return [
    {
      ...judged,
      state: 'found',
      subject,
      evidence: {
        floorMonthly: rounded(floor),
        coveragePercent: Money.percentOf(floor, Money.parse(subject.cost?.parts[0]?.cost ?? '0')),
        feeMonthly: rounded(fee),
        upfront: rounded(upfront),
        breakEvenUsePercent: Money.toNumber(ratio.times(100).round(2)),
        breakEvenMonths: Money.toNumber(ratio.times(12 * years).round(1)),
      },
      change: { action: `buy: ${product}`, from: 'on demand', to: term },
      saving: {
        kind: 'computed',
        amount: Money.plain(floor.minus(fee)),
        how: `${rounded(floor)} ${currency} on demand, the least of ${windowDays} days, for ${rounded(fee)}`,
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
    },
  ]
}
