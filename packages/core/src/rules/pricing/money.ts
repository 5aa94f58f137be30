import * as Money from '../../kernel/money.ts'
import { type Price, type PriceBook, priceOf } from './prices.ts'
import type { Found, Target } from '../rule.ts'
import type { Part, PartCost, Subject } from '../subject.ts'

/** Of 30 days. */
export interface Saving {
  /** An exact decimal, at least 0; undefined if the data does not say. */
  amount?: string
  currency?: string
  /** How the amount follows, in words. */
  basis: string
  /** What commitments go on costing, which no saving counts. */
  committed?: string
}

/** The amount of {@link Saving}, 0 if unknown. */
export const amountOf = ({ amount = '0' }: Saving): Money.Amount => Money.parse(amount)

/** What all parts of a resource cost in 30 days; undefined if unknown. */
export const costOf = ({ cost }: Subject): Money.Amount | undefined =>
  cost && Money.sum(cost.parts.map((part) => Money.parse(part.cost)))

/** The saving of a finding: never negative, never more than its resources cost beyond their commitments. */
export function savingOf(found: Found, book: PriceBook): Saving {
  const { saving, subject, also = [] } = found
  if (saving.kind === 'none') return { amount: '0', basis: 'changes no cost' }
  if (saving.kind === 'unknown') return { basis: saving.why }
  const { cost } = subject
  if (!cost) return { basis: 'the bills do not name the cost of this resource' }
  const { currency } = cost
  const resources = [subject, ...also].map((each) => each.cost).filter((each) => each?.currency === currency)
  const all = resources.flatMap((each) => each?.parts ?? [])
  const most = freeOf(all)
  if (saving.kind === 'computed') return bounded(Money.parse(saving.amount), most, { currency, basis: saving.how })
  const affected = all.filter(({ part }) => isOf(saving.kind === 'price_of' ? saving.replaces : saving.parts, part))
  const committed = Money.sum(affected.map(({ covered }) => Money.parse(covered?.cost ?? '0')))
  const free = freeOf(affected)
  const common = { currency, ...(committed.gt(0) && { committed: Money.plain(committed) }) }
  if (committed.gt(0) && free.lte(0))
    return { ...common, amount: '0', basis: 'a commitment pays for it: nothing is saved until it is used elsewhere' }
  if (saving.kind === 'stops_cost') return bounded(free, most, { ...common, basis: `ends ${namesOf(affected)}` })
  if (saving.kind === 'share') {
    const share = Money.parse(saving.share.toFixed(6))
    const basis = `${Money.plain(share.times(100).round(1))} % of ${namesOf(affected)}`
    return bounded(free.times(share), most, { ...common, basis })
  }
  const targets = saving.targets.map((target) => newCost(target, subject, cost, book))
  const unknown = targets.find((target) => typeof target === 'string')
  if (unknown !== undefined) return { ...common, basis: unknown }
  const known = targets.filter((target) => typeof target !== 'string')
  const basis = known.map((target) => target.words).join('; ')
  return bounded(free.minus(Money.sum(known.map(({ amount }) => amount))), most, { ...common, basis })
}

function bounded(amount: Money.Amount, most: Money.Amount, more: Omit<Saving, 'amount'>): Saving {
  const capped = amount.gt(most) ? most : amount
  return { amount: Money.plain(capped.lt(0) ? Money.zero : capped), ...more }
}

/** What the parts cost beyond commitments. */
function freeOf(parts: readonly PartCost[]): Money.Amount {
  return Money.sum(parts.map(({ cost, covered }) => Money.parse(cost).minus(covered?.cost ?? '0')))
}

const isOf = (parts: readonly Part[] | 'all', part: Part) => parts === 'all' || parts.includes(part)

const namesOf = (costs: readonly PartCost[]) =>
  [...new Set(costs.map(({ part }) => part.replaceAll('_', ' ')))].toSorted().join(', ') || 'no billed part'

/** Of what commitments do not cover; or a sentence about what is missing. */
function newCost(
  { part, sku, variant, quantity }: Target,
  { cloud, region }: Subject,
  { currency, parts }: NonNullable<Subject['cost']>,
  book: PriceBook,
): { amount: Money.Amount; words: string } | string {
  const units = quantity === undefined ? freeQuantity(parts, part) : Money.parse(String(quantity))
  if (!units) return `the bills do not name the quantity of ${part.replaceAll('_', ' ')}`
  const price = priceOf(book, { cloud, region, part, sku, currency, ...(variant !== undefined && { variant }) })
  if (!price) return `no price of ${sku} (${part.replaceAll('_', ' ')}) in ${region}`
  return { amount: units.times(price.amount), words: wordsOf(units, sku, price, currency) }
}

function freeQuantity(parts: readonly PartCost[], wanted: Part): Money.Amount | undefined {
  const own = parts.filter(({ part }) => part === wanted)
  if (own.length === 0) return undefined
  const quantities = own.map(({ quantity, covered }) =>
    quantity === undefined || (covered && covered.quantity === undefined)
      ? undefined
      : Money.parse(quantity).minus(covered?.quantity ?? '0'),
  )
  const known = quantities.filter((quantity) => quantity !== undefined)
  return known.length === quantities.length ? Money.sum(known) : undefined
}

function wordsOf(units: Money.Amount, sku: string, price: Price, currency: string): string {
  return `${Money.plain(units.round(2))} x ${sku} at ${Money.plain(price.amount.round(6))} ${currency} (${price.basis})`
}
