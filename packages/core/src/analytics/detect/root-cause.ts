import * as Money from '../../kernel/money.ts'
import type { Dimension, InventoryEvent, Part, Question, RootCause, Share } from './facts.ts'
import { sentenceOf } from './sentence.ts'

const decimals = 10

/** The facts behind an excess, and one sentence that is built from them. */
export function explain(question: Question): RootCause {
  const excess = question.actual.minus(question.expected)
  const dimensions = [...new Set(question.parts.map(({ dimension }) => dimension))]
  const shares = dimensions.flatMap((dimension) => sharesOf(dimension, question.parts, excess))
  const resources = shares.filter(
    ({ dimension, value, percent }) => dimension === 'resource' && value !== null && percent > 0,
  )
  const least = (resources[0]?.percent ?? 0) / 100
  const affectedResources = resources.filter(({ percent }) => percent >= least).flatMap(({ value }) => value ?? [])
  const isAffected = ({ resource }: InventoryEvent) => (affectedResources.includes(resource) ? 0 : 1)
  const events = [...question.events].sort(
    (a, b) => isAffected(a) - isAffected(b) || (a.day < b.day ? -1 : a.day > b.day ? 1 : 0),
  )
  const facts = { excess, shares, affectedResources, events }
  return { sentence: sentenceOf(question, facts), ...facts }
}

function sharesOf(dimension: Dimension, parts: readonly Part[], excess: Money.Amount): Share[] {
  const sign = excess.lt(0) ? -1 : 1
  const shares: Share[] = parts
    .filter((part) => part.dimension === dimension)
    .map((part) => shareOf(part, excess))
    .sort((a, b) => sign * Money.descending(a.excess, b.excess))
  const rest = excess.minus(Money.sum(shares.map((share) => share.excess)))
  if (rest.eq(0)) return shares
  return [...shares, { dimension, value: null, excess: rest, percent: Money.percentOf(rest, excess), change: 'same' }]
}

function shareOf(part: Part, whole: Money.Amount): Share {
  const { dimension, value, expected, actual, usage } = part
  const excess = actual.minus(expected)
  const share: Share = { dimension, value, excess, percent: Money.percentOf(excess, whole), change: changeOf(part) }
  // Without usage before, a cost before has no price.
  const isPriced = usage && (expected.eq(0) || !usage.expected.eq(0))
  return isPriced ? { ...share, effect: effectOf(expected, excess, usage) } : share
}

function effectOf(expected: Money.Amount, excess: Money.Amount, usage: NonNullable<Part['usage']>) {
  const more = usage.actual.minus(usage.expected)
  const quantity = usage.expected.eq(0) ? excess : expected.times(more).div(usage.expected).round(decimals)
  return { quantity, price: excess.minus(quantity), usage }
}

function changeOf({ expected, actual }: Part): Share['change'] {
  if (actual.eq(expected)) return 'same'
  if (expected.eq(0)) return 'new'
  if (actual.eq(0)) return 'gone'
  return actual.gt(expected) ? 'grown' : 'shrunk'
}
