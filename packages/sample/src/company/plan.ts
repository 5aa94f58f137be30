import type * as Day from '../values/day.ts'
import * as Money from '../values/money.ts'
import { incidentsOf, type Incident } from './anomaly.ts'
import type { Account, Commitment } from './model.ts'
import { pricesOf } from './price.ts'
import { meanQuantity, quantity } from './quantity.ts'
import { resourcesOf, type Resource, type Window } from './resource.ts'

/** A commitment and its size. */
export interface PlannedCommitment extends Commitment {
  /** The resource whose product gives service and prices. */
  resource: Resource
  /** Price of one hour: of one instance, or of the whole plan. */
  unitPrice: bigint
  /** Number of instances; 1 for a plan. */
  count: number
  /** Value of one day in the billing currency, scaled by `Money.costScale`. */
  perDay: bigint
  /** The first day with covered usage. */
  from: Day.Day
}

/** The parts of an account that stay the same in all months. */
export interface Plan {
  account: Account
  window: Window
  resources: readonly Resource[]
  commitments: readonly PlannedCommitment[]
  incidents: readonly Incident[]
  /** Whether the usage of a day has not come yet. */
  isLate?: (resource: Resource, day: Day.Day) => boolean
}

/** Plans the accounts so that their bills together have about `rows` rows. */
export function plansOf(accounts: readonly Account[], window: Window, seed: number, rows: number): Plan[] {
  return accounts.map((account) => {
    const days = window.end - window.start
    const target = rows * account.share - days * account.commitments.length * 2
    const weights = account.products.reduce((sum, { weight }) => sum + weight, 0)
    let scale = target / days / weights
    for (let round = 0; round < 3; round++)
      scale *= target / Math.max(1, rowsOf(resourcesOf(account, window, seed, scale), window))
    const resources = resourcesOf(account, window, seed, scale)
    return {
      account,
      window,
      resources,
      commitments: commitmentsOf(account, resources, window),
      incidents: incidentsOf(account, resources, window),
    }
  })
}

function rowsOf(resources: readonly Resource[], window: Window): number {
  let rows = 0
  for (const resource of resources) {
    if (resource.product.pattern !== 'office') rows += resource.endDay - resource.firstDay
    else
      for (let day = resource.firstDay; day < resource.endDay; day++)
        rows += quantity(resource, day, window.start) > 0 ? 1 : 0
  }
  return rows
}

function commitmentsOf(account: Account, resources: readonly Resource[], window: Window): PlannedCommitment[] {
  return account.commitments.flatMap((commitment) => {
    const eligible = resources.filter(
      ({ product, firstDay }) =>
        product.commitment === commitment.key && product.pattern !== 'office' && firstDay === window.start,
    )
    const [resource] = eligible
    if (!resource) return []
    const from =
      typeof commitment.payment === 'object' ? purchaseDay(window, commitment.payment.upfrontInMonth) : window.start
    const { unitPrice, count } = sizeOf(account, commitment, eligible)
    return [
      {
        ...commitment,
        resource,
        unitPrice,
        count,
        perDay: unitPrice * BigInt(count * 24) * 10n ** BigInt(Money.quantityScale),
        from,
      },
    ]
  })
}

/** A reservation is a number of instances. A plan is a spend per hour, rounded to a tenth of a cent. */
function sizeOf(
  account: Account,
  commitment: Commitment,
  eligible: readonly Resource[],
): { unitPrice: bigint; count: number } {
  const [first] = eligible
  if (first && commitment.category === 'Usage') {
    return {
      unitPrice: pricesOf(account, first.product, 0, commitment).committed,
      count: Math.max(1, Math.round(eligible.length * commitment.coverageRatio)),
    }
  }
  const aDay = eligible.reduce(
    (sum, resource) =>
      sum + pricesOf(account, resource.product, 0, commitment).committed * BigInt(meanQuantity(resource)),
    0n,
  )
  const anHour = (aDay * BigInt(Math.round(commitment.coverageRatio * 100))) / 2400n
  const tenthOfCent = 10n ** BigInt(Money.priceScale - 3)
  return { unitPrice: Money.divide(anHour, tenthOfCent * 10n ** BigInt(Money.quantityScale)) * tenthOfCent, count: 1 }
}

/** The fifth day of the window's month of that number. The first day of the window, when the window is shorter. */
function purchaseDay(window: Window, month: number): Day.Day {
  const day = window.start + month * 31 + 4
  return day < window.end ? day : window.start
}
