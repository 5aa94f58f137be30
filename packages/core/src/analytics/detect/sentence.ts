import type { Day } from '../../kernel/calendar.ts'
import * as Money from '../../kernel/money.ts'
import { type Dimension, type InventoryEvent, mostParts, type Question, type RootCause, type Share } from './facts.ts'

type Facts = Omit<RootCause, 'sentence'>

/** A value with this share of the excess is the place of it. */
const leadPercent = 70

/** More says only that almost nothing was expected. */
const mostPercent = 10_000

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 })
/** Three digits at least, so that a small usage does not become 0. */
const usageNumber = new Intl.NumberFormat('en-US', {
  maximumFractionDigits: 2,
  maximumSignificantDigits: 3,
  roundingPriority: 'morePrecision',
})
const months = 'January February March April May June July August September October November December'.split(' ')

/** `AmazonEC2 in account 12 (eu-west-1) cost 90 USD (+45 %) more than expected on 3 October 2026, because ...` */
export function sentenceOf(question: Question, facts: Facts): string {
  const { excess } = facts
  const amount = `${number.format(Money.toNumber(excess.abs()))} ${question.currency}`
  const difference = `${amount}${percentText(question, excess)} ${excess.lt(0) ? 'less' : 'more'} than expected`
  const reasons = [usageOf(facts), resourcesOf(facts), eventOf(facts)].filter((reason) => reason !== '')
  const reason = reasons.length ? `: ${reasons.join('; ')}` : ''
  return `${placeOf(facts)} cost ${difference} ${spanOf(question.first, question.last)}${reason}.`
}

function leading({ shares }: Facts, dimension: Dimension): Share | undefined {
  const share = shares.find((share) => share.dimension === dimension)
  return share && share.value !== null && share.percent >= leadPercent ? share : undefined
}

function percentText({ expected }: Question, excess: Money.Amount): string {
  if (expected.eq(0)) return ''
  const percent = Math.round(Money.percentOf(excess, expected.abs()))
  if (Math.abs(percent) >= mostPercent) return ''
  return ` (${percent > 0 ? '+' : ''}${number.format(percent)} %)`
}

function placeOf(facts: Facts): string {
  const [service, account, region] = (['service', 'account', 'region'] as const).map(
    (dimension) => leading(facts, dimension)?.value,
  )
  const tags = new Set(facts.shares.flatMap(({ dimension }) => (dimension.startsWith('tag:') ? [dimension] : [])))
  const tag = [...tags].map((dimension) => leading(facts, dimension)?.value).find((value) => value !== undefined)
  const subject = service ?? sharedBy(facts, 'service') ?? 'All services'
  const place = `${account ? ` in account ${account}` : ''}${region ? ` (${region})` : ''}`
  return `${subject}${place}${tag ? ` with the tag ${tag}` : ''}`
}

/** The two largest services, if they explain the excess together. */
function sharedBy({ shares }: Facts, dimension: Dimension): string | undefined {
  const [first, second] = shares.filter((share) => share.dimension === dimension && share.value !== null)
  if (!first || !second || second.percent <= 0 || first.percent + second.percent < leadPercent) return undefined
  return `${first.value} (${Math.round(first.percent)} % of it) and ${second.value} (${Math.round(second.percent)} %)`
}

const effectOf = (facts: Facts): Share | undefined =>
  (['usageType', 'resource', 'service'] as const)
    .map((dimension) => leading(facts, dimension))
    .find((share) => share?.effect)

const isQuantity = ({ quantity, price }: NonNullable<Share['effect']>): boolean =>
  price.abs().lte(quantity.abs().div(10))

function usageOf(facts: Facts): string {
  const share = effectOf(facts)
  if (!share?.effect) {
    const usageType = leading(facts, 'usageType')?.value
    return usageType ? `mostly ${usageType}` : ''
  }
  const { quantity, price, usage } = share.effect
  const [before, after] = [usage.expected, usage.actual].map((amount) => usageNumber.format(Money.toNumber(amount)))
  const name = share.dimension === 'usageType' ? `${share.value} ` : ''
  if (share.change === 'new') return `${name}is new, with ${after} ${usage.unit}`
  const verb = usage.actual.lt(usage.expected) ? 'fell' : 'grew'
  const used = `usage ${name ? `of ${name}` : ''}${verb} from ${before} to ${after} ${usage.unit}`
  if (isQuantity(share.effect)) return `${used} at the same price`
  // A new resource at another price moves the mean, although no price changed.
  if (leading(facts, 'resource')?.change === 'new') return ''
  const direction = price.lt(0) ? 'lower' : 'higher'
  return quantity.abs().lte(price.abs().div(10))
    ? `the price ${name ? `of ${name}` : ''}is ${direction}, at the same usage`
    : `${used} at a ${direction} price`
}

function resourcesOf(facts: Facts): string {
  const first = facts.shares.find(({ dimension, percent }) => dimension === 'resource' && percent > 0)
  if (!first || first.value === null) return ''
  const percent = Math.round(first.percent)
  if (percent >= leadPercent) return `${percent} % of it is ${first.change === 'new' ? 'the new ' : ''}${first.value}`
  const count = facts.affectedResources.length
  const named = facts.shares.filter(({ dimension, value }) => dimension === 'resource' && value !== null)
  const atLeast = named.length < mostParts ? '' : 'at least '
  return count > 1 ? `it is spread over ${atLeast}${count} resources, the largest is ${first.value}` : ''
}

const verbs: Record<InventoryEvent['kind'], string> = {
  started: 'was started',
  stopped: 'was stopped',
  resized: 'was resized',
  retagged: 'got other tags',
  'commitment-expired': 'expired',
}

function eventOf(facts: Facts): string {
  const event = facts.events.find((each) => isReason(each, facts))
  if (!event) return ''
  const subject = event.kind === 'commitment-expired' ? `the commitment ${event.resource}` : event.resource
  return `${subject} ${verbs[event.kind]}${event.detail ? ` (${event.detail})` : ''} on ${dayText(event.day, false)}`
}

/** Of a resource that moved with the excess, in the same direction; a commitment that ends changes the price. */
function isReason({ kind, resource }: InventoryEvent, facts: Facts): boolean {
  const isMore = facts.excess.gt(0)
  if (kind === 'commitment-expired') {
    const effect = effectOf(facts)?.effect
    return isMore && !(effect && isQuantity(effect))
  }
  return facts.affectedResources.includes(resource) && kind !== (isMore ? 'stopped' : 'started')
}

function spanOf(first: Day, last: Day): string {
  if (first === last) return `on ${dayText(first)}`
  const isSameMonth = first.slice(0, 7) === last.slice(0, 7)
  const from = isSameMonth ? String(Number(first.slice(8))) : dayText(first, first.slice(0, 4) !== last.slice(0, 4))
  return `from ${from} to ${dayText(last)}`
}

function dayText(day: Day, hasYear = true): string {
  return `${Number(day.slice(8))} ${months[Number(day.slice(5, 7)) - 1]}${hasYear ? ` ${day.slice(0, 4)}` : ''}`
}
