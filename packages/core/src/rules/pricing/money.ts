import * as Money from '../../kernel/money.ts'
import { type Copied, copyOf } from './copies.ts'
import { type Paid, type Price, type PriceBook, priceOf } from './prices.ts'
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
  /** Less is saved, but the data does not say how much less. */
  isAtMost?: true
}

/** A finding and its saving. Of a saving that is less than it seems nobody is sure. */
export function priced(finding: Found, book: PriceBook): { finding: Found; saving: Saving } {
  const saving = savingOf(finding, book)
  if (!saving.isAtMost) return { finding, saving }
  const reason = `${finding.confidence.reason}; the saving is at most this`
  return { finding: { ...finding, confidence: { level: 'low', reason } }, saving }
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
  if (saving.kind === 'unknown')
    return { basis: saving.isAtMostCost ? mostOf([subject, ...also], saving.why) : saving.why }
  // A stopped instance may have no charges, but its disks have.
  const cost = saving.kind === 'stops_cost' ? [subject, ...also].map((each) => each.cost).find(Boolean) : subject.cost
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
  const price = { book, currency, replaced: paidFor(affected) }
  if (saving.kind === 'stops_cost') {
    const ends = `ends ${namesOf(affected)}`
    const copied = saving.isCopied ? [subject, ...also].map(copyOf).filter((copy) => copy !== undefined) : []
    const copies = copied.map((copy) => copyCost(copy, subject, price))
    const unknown = copies.find((copy) => typeof copy === 'string')
    if (unknown !== undefined)
      return bounded(free, most, {
        ...common,
        basis: `${ends}; at most, because a copy stays: ${unknown}`,
        isAtMost: true,
      })
    const known = copies.filter((copy) => typeof copy !== 'string')
    const basis = [ends, ...known.map(({ words }) => `a copy stays: at most ${words}`)].join('; ')
    return bounded(free.minus(Money.sum(known.map(({ amount }) => amount))), most, { ...common, basis })
  }
  if (saving.kind === 'share') {
    const share = Money.parse(saving.share.toFixed(6))
    const basis = `${Money.plain(share.times(100).round(1))} % of ${namesOf(affected)}`
    return bounded(free.times(share), most, { ...common, basis })
  }
  const targets = saving.targets.map((target) => newCost(target, subject, cost.parts, price))
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
export function freeOf(parts: readonly PartCost[]): Money.Amount {
  return Money.sum(parts.map(({ cost, covered }) => Money.parse(cost).minus(covered?.cost ?? '0')))
}

/** Beyond commitments; undefined if the list cost of a part is unknown. */
function paidFor(parts: readonly PartCost[]): Paid | undefined {
  const listed = parts.map(({ listCost }) => listCost).filter((cost) => cost !== undefined)
  if (listed.length < parts.length) return undefined
  return { cost: freeOf(parts), listCost: Money.sum(listed.map(Money.parse)) }
}

const isOf = (parts: readonly Part[] | 'all', part: Part) => parts === 'all' || parts.includes(part)

const namesOf = (costs: readonly PartCost[]) =>
  [...new Set(costs.map(({ part }) => part.replaceAll('_', ' ')))].toSorted().join(', ') || 'no billed part'

interface Prices {
  book: PriceBook
  currency: string
  /** What is replaced, or ends. */
  replaced: Paid | undefined
}
type Priced = { amount: Money.Amount; words: string }

/** Of what commitments do not cover; or a sentence about what is missing. */
function newCost(target: Target, subject: Subject, parts: readonly PartCost[], prices: Prices): Priced | string {
  const { part, quantity } = target
  const units = quantity === undefined ? freeQuantity(parts, part) : Money.parse(String(quantity))
  return units ? unitsCost(units, target, subject, prices) : `the bills do not name the quantity of ${wordOf(part)}`
}

function copyCost({ sku, sizeGb }: Copied, subject: Subject, prices: Prices): Priced | string {
  if (sizeGb === undefined) return 'its size is not known'
  return unitsCost(Money.parse(String(sizeGb)), { part: 'backup', sku }, subject, prices)
}

function unitsCost(
  units: Money.Amount,
  { part, sku, variant }: Target,
  { cloud, region }: Subject,
  { book, currency, replaced }: Prices,
): Priced | string {
  const wanted = { cloud, region, part, sku, currency, ...(variant !== undefined && { variant }) }
  const price = priceOf(book, wanted, replaced)
  if (!price) return `no price of ${sku} (${wordOf(part)}) in ${region}`
  return { amount: units.times(price.amount), words: wordsOf(units, sku, price, currency) }
}

const wordOf = (part: Part) => part.replaceAll('_', ' ')

/** In the currency of the first; without costs, the reason only. */
function mostOf(subjects: readonly Subject[], why: string): string {
  const costs = subjects.map(({ cost }) => cost).filter((cost) => cost !== undefined && cost.parts.length > 0)
  const currency = costs[0]?.currency
  const parts = costs.flatMap((cost) => (cost?.currency === currency ? (cost?.parts ?? []) : []))
  if (currency === undefined) return why
  return `at most ${Money.sum(parts.map((part) => Money.parse(part.cost))).toFixed(2)} ${currency}: ${why}`
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
