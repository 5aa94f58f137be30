import {
  anomaliesOf,
  type Cause,
  type DayExcess,
  type Floor,
  perCause,
  type Sensitivity,
  severityOf,
} from '../analytics/detect/index.ts'
import type { ChargedAs, Queries } from '../effects/queries.ts'
import { addDays, type Day, daysIn } from '../kernel/calendar.ts'
import { type Dimensions, type Facts, isSameSeries } from './anomaly.ts'

/** Daily costs from the first charge to the last judged day. */
export interface CostSeries {
  dimensions: Dimensions
  charged: ChargedAs
  currency: string
  start: Day
  values: number[]
  /** Of the total: its providers. */
  providers?: readonly string[]
}

/** The day on which the bills of a billing account begin, or the day after they end. */
export interface Boundary {
  provider: string
  day: Day
  isBeginning: boolean
}

const names = ['provider', 'account', 'service', 'region'] as const
const stepSeconds = 86_400

/** `untilOf` is the last day to judge of a provider. A provider that delivers no more has an earlier one. */
export function seriesOf(
  rows: readonly Queries['costSeries']['row'][],
  tagKeyOf: (row: Queries['costSeries']['row']) => string | undefined,
  untilOf: (provider: string | undefined) => Day,
): CostSeries[] {
  const series = rows.flatMap((row) => {
    const tagKey = tagKeyOf(row)
    const dimensions = Object.fromEntries(names.flatMap((name) => (row[name] === null ? [] : [[name, row[name]]])))
    if (tagKey !== undefined && row.tag !== null) dimensions[`tag:${tagKey}`] = row.tag
    const [days, costs] = [JSON.parse(row.days) as Day[], JSON.parse(row.costs) as number[]]
    const [start, end] = [days[0], untilOf(dimensions['provider'])]
    if (start === undefined || start > end) return []
    const values = Array.from({ length: daysIn({ start, end }) }, () => 0)
    for (const [i, day] of days.entries()) if (day <= end) values[daysIn({ start, end: day }) - 1] = costs[i] ?? 0
    const { charged, currency } = row
    return [{ dimensions, charged, currency, start, values }]
  })
  return [...series, ...totals(series, untilOf(undefined))]
}

/** Of the providers that still deliver. */
function totals(series: readonly CostSeries[], until: Day): CostSeries[] {
  const isWhole = ({ dimensions, start, values }: CostSeries) =>
    Object.keys(dimensions).join('') === 'provider' && addDays(start, values.length - 1) >= until
  const groups = Map.groupBy(series.filter(isWhole), ({ charged, currency }) => `${charged} ${currency}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first || group.length < 2) return []
    const start = group.reduce((day, other) => (other.start < day ? other.start : day), first.start)
    const values = Array.from({ length: daysIn({ start, end: until }) }, () => 0)
    for (const other of group)
      for (const [i, value] of other.values.entries()) {
        const at = daysIn({ start, end: other.start }) - 1 + i
        if (at < values.length) values[at] = (values[at] ?? 0) + value
      }
    const providers = group.flatMap(({ dimensions }) => dimensions['provider'] ?? [])
    return [{ ...first, dimensions: {}, start, values, providers }]
  })
}

interface Settings {
  sensitivity: Sensitivity
  floorOf: (currency: string) => Floor
  boundaries: readonly Boundary[]
}

/** One for each cause, whose last day is `since` or later. */
export function causesOf(series: readonly CostSeries[], since: Day, settings: Settings): Facts[] {
  const { sensitivity, floorOf, boundaries } = settings
  const groups = Map.groupBy(series, ({ charged, currency }) => JSON.stringify([charged, currency]))
  return [...groups.values()].flatMap((group) => {
    const sightings = group.flatMap((each) =>
      anomaliesOf({ ...each, stepSeconds }, { sensitivity, floor: floorOf(each.currency) })
        .map((anomaly) => ({ dimensions: each.dimensions, anomaly, providers: each.providers }))
        .filter(({ dimensions, anomaly }) => !boundaries.some((boundary) => isArtifact(dimensions, anomaly, boundary))),
    )
    const [first] = group
    if (!first) return []
    const causes = perCause(sightings).filter(({ anomaly }) => anomaly.last >= since)
    return causes.flatMap((cause) => {
      const facts = factsOf(cause, heldSeries(group, { ...first, dimensions: cause.dimensions }) ?? first)
      return cause.leftOut.length === 0 ? [facts] : restOf(facts, cause, group, floorOf(first.currency))
    })
  })
}

/** Bills that begin or end are no change of costs. */
function isArtifact(dimensions: Dimensions, { first, last, impact }: Cause['anomaly'], boundary: Boundary): boolean {
  const isOfIt = (dimensions['provider'] ?? boundary.provider) === boundary.provider
  // An account that a bill names first has a series that begins with it.
  const isAffected = isOfIt && !(boundary.isBeginning && 'account' in dimensions)
  return isAffected && impact > 0 === boundary.isBeginning && first <= boundary.day && boundary.day <= last
}

/** An item of a table holds 400 KB. */
const mostSeen = 20

const rounded = (value: number) => Number(value.toFixed(4))

function factsOf({ dimensions, anomaly, alsoSeen }: Cause, { charged, currency, start, providers }: CostSeries): Facts {
  const { actual, detected, ...rest } = anomaly
  return {
    ...rest,
    dimensions,
    charged,
    currency,
    ...(providers && { providers }),
    alarmOn: detected,
    knownSince: start,
    seriesCost: rounded(actual),
    expected: rounded(anomaly.expected),
    lower: rounded(anomaly.lower),
    upper: rounded(anomaly.upper),
    impact: rounded(anomaly.impact),
    deviationPercent: anomaly.deviationPercent === null ? null : rounded(anomaly.deviationPercent),
    surprise: rounded(anomaly.surprise),
    excess: anomaly.excess.map(({ day, amount, cost }) => ({ day, amount: rounded(amount), cost: rounded(cost) })),
    alsoSeen: alsoSeen
      .toSorted((a, b) => Math.abs(b.anomaly.impact) - Math.abs(a.anomaly.impact))
      .slice(0, mostSeen)
      .map((seen) => ({ dimensions: seen.dimensions, impact: rounded(seen.anomaly.impact) })),
  }
}

/** The facts of other days or amounts of the same series. The range is that of independent errors. */
export function rebuilt(facts: Facts, excess: readonly DayExcess[], floor: Floor): Facts {
  const [first, last] = [excess[0]?.day ?? facts.first, excess.at(-1)?.day ?? facts.last]
  const impact = excess.reduce((sum, { amount }) => sum + amount, 0)
  const cost = excess.reduce((sum, day) => sum + day.cost, 0)
  const expected = cost - impact
  const range = (facts.upper - facts.expected) * Math.sqrt(excess.length / facts.excess.length)
  return {
    ...facts,
    first,
    last,
    alarmOn: facts.alarmOn < first || facts.alarmOn > last ? first : facts.alarmOn,
    isOpen: facts.isOpen && last === facts.last,
    seriesCost: rounded(cost),
    expected: rounded(expected),
    lower: rounded(expected - range),
    upper: rounded(expected + range),
    impact: rounded(impact),
    deviationPercent: percentOf(impact, expected),
    severity: severityOf(Math.abs(impact), facts.surprise, floor),
    excess: excess.map(({ day, amount, cost }) => ({ day, amount: rounded(amount), cost: rounded(cost) })),
  }
}

const percentOf = (impact: number, expected: number) =>
  expected === 0 ? null : rounded((100 * impact) / Math.abs(expected))

/** What is beside the series that are left out; none if that is below a floor. */
function restOf(facts: Facts, { leftOut, rest }: Cause, series: readonly CostSeries[], floor: Floor): Facts[] {
  const others = leftOut.flatMap((dimensions) => heldSeries(series, { ...facts, dimensions }) ?? [])
  const days = facts.excess.map(({ day, cost }) => {
    const theirs = others.reduce((sum, other) => sum + costBetween(other, { first: day, last: day }), 0)
    return { day, amount: rest.get(day) ?? 0, cost: cost - theirs }
  })
  const isOwn = ({ amount }: DayExcess) => amount * facts.impact > 0
  const own = rebuilt({ ...facts, leftOut }, days.slice(days.findIndex(isOwn), days.findLastIndex(isOwn) + 1), floor)
  const { impact, deviationPercent } = own
  const isLarge = deviationPercent === null || Math.abs(deviationPercent) >= floor.percent
  return impact * facts.impact > 0 && Math.abs(impact) >= floor.amount && isLarge ? [own] : []
}

/** Undefined if no such series is held any more. */
export function heldSeries(
  series: readonly CostSeries[],
  { dimensions, charged, currency }: Pick<Facts, 'dimensions' | 'charged' | 'currency'>,
): CostSeries | undefined {
  return series.find(
    (each) => each.charged === charged && each.currency === currency && isSameSeries(each.dimensions, dimensions),
  )
}

/** Of the days of an anomaly, without the series that it leaves out; undefined if one of them is not held. */
export function heldCost(series: readonly CostSeries[], facts: Facts): number | undefined {
  const own = heldSeries(series, facts)
  const others = (facts.leftOut ?? []).map((dimensions) => heldSeries(series, { ...facts, dimensions }))
  if (!own || others.includes(undefined)) return undefined
  const theirs = others.reduce((sum, other) => sum + (other ? costBetween(other, facts) : 0), 0)
  return rounded(costBetween(own, facts) - theirs)
}

/** Of the days of a span. */
function costBetween({ start, values }: CostSeries, { first, last }: Pick<Facts, 'first' | 'last'>): number {
  const from = Math.max(0, daysIn({ start, end: first }) - 1)
  const to = Math.max(0, daysIn({ start, end: last }))
  return rounded(values.slice(from, to).reduce((sum, value) => sum + value, 0))
}
