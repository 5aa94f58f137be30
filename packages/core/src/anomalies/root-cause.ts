import * as Detect from '../analytics/detect/index.ts'
import type { Context } from '../effects/context.ts'
import type { Filter, Queries } from '../effects/queries.ts'
import { addDays, dayOf, daysIn } from '../kernel/calendar.ts'
import { isOfCloud, isSameAccount } from '../kernel/cloud.ts'
import * as Money from '../kernel/money.ts'
import type { ResourceChange } from '../kernel/resource.ts'
import type { View } from '../lake/snapshot.ts'
import { filesFor } from '../costs/scope.ts'
import { changesOf } from '../resources/resource-view.ts'
import type { Dimensions, Facts, RootCause, Share } from './anomaly.ts'

/** Four weeks before the anomaly: what the parts of the cost were before it. */
const daysBefore = 28
const mostEvents = 10
const mostChanges = 1_000
const mostNamed = 3
const decimals = 10

/** The charges and the changes of resources behind an anomaly. */
export async function rootCauseOf(
  ctx: Context,
  view: View,
  facts: Facts,
  tagKeys: readonly string[],
): Promise<RootCause> {
  const { first, last, charged, currency } = facts
  const before = addDays(first, -daysBefore)
  const shares = await ctx.runtime.lake.query('costShares', filesFor(ctx.orgId, view, { start: before, end: last }), {
    start: first,
    end: last,
    before,
    charged,
    currency,
    filters: filtersOf(facts.dimensions, facts.providers),
    leftOut: (facts.leftOut ?? []).map((dimensions) => filtersOf(dimensions)),
    tagKeys,
    most: Detect.mostParts,
  })
  const named = shares.flatMap(({ dimension, value }) =>
    dimension === 'resource' && value !== null ? [endingOf(value)] : [],
  )
  const times = { start: addDays(first, -3), end: addDays(last, 2), limit: mostChanges }
  const changes = await changesOf(ctx, { ...times, named }, (account) => isOfSeries(facts, account))
  const question = questionOf(facts, shares, changes)
  const { sentence, affectedResources, events, ...found } = Detect.explain(question)
  return {
    sentence: `${charged === 'unused' ? 'Unused commitments: ' : ''}${sentence}${leftOutText(facts)}`,
    actual: Money.plain(question.actual),
    shares: found.shares.map(plainShare),
    affectedResources,
    events: events.slice(0, mostEvents),
  }
}

function filtersOf(dimensions: Dimensions, providers?: readonly string[]): Filter[] {
  const named = Object.entries(dimensions).map(([name, value]): Filter => {
    const tagKey = name.startsWith('tag:') ? name.slice('tag:'.length) : undefined
    return tagKey === undefined
      ? { dimension: name as 'provider' | 'account' | 'service' | 'region', values: [value] }
      : { dimension: 'tag', tagKey, values: [value] }
  })
  return providers ? [{ dimension: 'provider', values: [...providers] }, ...named] : named
}

/** ` The figures leave out account 1, service EC2.` */
function leftOutText({ leftOut = [] }: Facts): string {
  const named = leftOut.map(({ provider = '', ...part }) => {
    const words = Object.entries(part).map(([name, value]) => `${name.replace(/^tag:/, 'tag ')} ${value}`)
    return words.join(', ') || provider
  })
  if (named.length === 0) return ''
  const shown = named.length > mostNamed ? [...named.slice(0, mostNamed), 'others'] : named
  return ` The figures leave out ${shown.join('; ')}.`
}

/**
 * What was expected of a part is its cost before in as many days, and a share of what the model expects of the whole beside
 * that, by the absolute cost before. Without negative costs that is the cost before in proportion to the whole.
 */
export function questionOf(
  facts: Facts,
  rows: readonly Queries['costShares']['row'][],
  changes: readonly Queries['resourceChanges']['row'][],
): Detect.Question {
  const { first, last, currency, expected: ofModel } = facts
  const total = rows.find(({ dimension }) => dimension === 'total')
  const actual = Money.parse(total?.cost ?? '0')
  const expected = Money.parse(String(ofModel))
  const previous = Money.parse(total?.previous ?? '0')
  const length = daysIn({ start: first, end: last })
  const more = expected.minus(previous.times(length).div(daysBefore))
  const named = Map.groupBy(rows, ({ dimension }) => dimension)
  const grossOf = (dimension: (typeof rows)[number]['dimension']) => {
    const owned = (named.get(dimension) ?? []).map((row) => Money.parse(row.previous))
    return Money.sum(owned.map((own) => own.abs())).plus(previous.minus(Money.sum(owned)).abs())
  }
  const gross = new Map([...named.keys()].map((dimension) => [dimension, grossOf(dimension)]))
  const parts = rows.flatMap(({ dimension, value, cost, previous: before, used, usedBefore, unit }): Detect.Part[] => {
    if (dimension === 'total' || value === null) return []
    const [own, whole] = [Money.parse(before), gross.get(dimension) ?? Money.zero]
    const scaled = own.times(length).div(daysBefore)
    const added = whole.eq(0) ? Money.zero : own.abs().times(more).div(whole)
    const part = { dimension, value, expected: scaled.plus(added).round(decimals), actual: Money.parse(cost) }
    // At the price of before.
    const factor = own.eq(0) ? Money.zero : part.expected.div(own)
    if (used === null || usedBefore === null || unit === null || factor.lt(0)) return [part]
    const usage = Money.parse(usedBefore).times(factor).round(decimals)
    return [{ ...part, usage: { expected: usage, actual: Money.parse(used), unit } }]
  })
  const resources = parts.flatMap(({ dimension, value }) => (dimension === 'resource' ? [value] : []))
  const events = changes.flatMap((change): Detect.InventoryEvent[] => {
    const kind = eventKinds[change.change]
    const isCommitment = change.kind === 'commitment' && kind === 'stopped'
    const resource = resources.find((name) => isSameResource(name, change.id)) ?? (isCommitment ? change.id : undefined)
    // A resource that the charges do not name may be of another service, region or account.
    if (kind === undefined || resource === undefined || !isOfSeries(facts, change)) return []
    const detail = detailOf(change)
    return [
      {
        day: dayOf(new Date(change.at)),
        kind: isCommitment ? 'commitment-expired' : kind,
        resource,
        ...(detail !== undefined && { detail }),
      },
    ]
  })
  return { first, last, currency, expected, actual, parts, events }
}

const eventKinds: Partial<Record<ResourceChange, Detect.InventoryEvent['kind']>> = {
  started: 'started',
  stopped: 'stopped',
  ended: 'stopped',
  resized: 'resized',
  retagged: 'retagged',
}

function isOfSeries(
  { dimensions: { provider, account } }: Facts,
  of: { provider: string; accountId: string },
): boolean {
  return (
    (provider === undefined || isOfCloud(provider, of.provider)) &&
    (account === undefined || isSameAccount(account, of.accountId))
  )
}

const endingOf = (id: string) => /[^/:]*$/.exec(id.toLowerCase())?.[0] ?? ''

/** Bills name a resource by its id, by an ARN or by a path. */
function isSameResource(billed: string, id: string): boolean {
  const [name, other] = [billed.toLowerCase(), id.toLowerCase()]
  return name === other || ['/', ':'].some((mark) => name.endsWith(mark + other) || other.endsWith(mark + name))
}

/** `m5.large to m5.4xlarge` */
function detailOf({ change, earlier, later }: Queries['resourceChanges']['row']): string | undefined {
  if (change !== 'resized' || earlier === null || later === null) return undefined
  const [was, now] = [earlier, later].map((state) => (JSON.parse(state) as { type?: string | null }).type)
  return was && now && was !== now ? `${was} to ${now}` : undefined
}

function plainShare({ excess, effect, ...share }: Detect.Share): Share {
  const plain = { ...share, excess: Money.plain(excess) }
  if (!effect) return plain
  const [quantity, price, before, after] = [
    effect.quantity,
    effect.price,
    effect.usage.expected,
    effect.usage.actual,
  ].map(Money.plain)
  return {
    ...plain,
    effect: {
      quantity: quantity ?? '0',
      price: price ?? '0',
      before: before ?? '0',
      after: after ?? '0',
      unit: effect.usage.unit,
    },
  }
}
