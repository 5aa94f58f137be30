import type { Floor } from '../analytics/detect/index.ts'
import { type Closed, closedOf, type Facts, type Info, isSameSeries, isWithin } from './anomaly.ts'
import { rebuilt } from './sightings.ts'

/** What an analysis changes. Rows that are in no list stay. */
export interface Plan {
  found: Facts[]
  changed: { row: Info; facts: Facts }[]
  withdrawn: Withdrawal[]
}

export interface Withdrawal {
  row: Info
  reason: string
  /** The judgement was, and the costs are the same. */
  isMistaken?: true
}

/** What the lake has of the series and the days of a row. `gone`: it has nothing of the series. */
export type Held = { cost: number; start: string } | 'gone' | 'unknown'

/** A row with a smaller part of its excess left, or that is a smaller part of a finding, is another anomaly. */
const sameRatio = 0.5

/**
 * Holds the causes of an analysis against the rows of earlier ones, one to one: first those of the same series, then
 * those of a part or a whole of it. What a cause has more than a user closed is a cause of its own. A row without a cause
 * is withdrawn only if the costs changed: the judgement alone may not take back an alert.
 */
export function planOf(
  rows: readonly Info[],
  causes: readonly Facts[],
  { heldOf, floorOf }: { heldOf: (row: Info) => Held; floorOf: (currency: string) => Floor },
): Plan {
  const plan: Plan = { found: [], changed: [], withdrawn: [] }
  const left = new Set(
    rows.toSorted((a, b) => Number(isClosed(b)) - Number(isClosed(a)) || (a.detectedAt < b.detectedAt ? -1 : 1)),
  )
  const open = new Set(causes)
  const hasMoved = (row: Info, facts: Facts) => isSameFamily(row, facts) && !isCorrected(row, heldOf(row))
  for (const isSame of [isSameSpan, hasMoved])
    for (const facts of open) {
      const row = [...left].find((each) => isSame(each, facts))
      if (!row) continue
      left.delete(row)
      open.delete(facts)
      const grown = isClosed(row) ? grownOf(facts, row.closedFor ?? closedOf(row), floorOf(facts.currency)) : undefined
      if (grown) open.add(grown)
      const own = grown ? without(facts, grown, floorOf(facts.currency)) : facts
      if (own && (row.status === 'withdrawn' || !isSameFinding(row, own))) plan.changed.push({ row, facts: own })
    }
  plan.found.push(...open)
  for (const row of left) {
    if (row.status !== 'active') continue
    const held = heldOf(row)
    const whole = isCorrected(row, held) ? undefined : causes.find((facts) => isPartOf(row, facts))
    const withdrawal = whole
      ? {
          reason: `It is a part of the unexpected cost from ${whole.first} to ${whole.last}.`,
          isMistaken: true as const,
        }
      : withdrawalOf(row, held)
    if (withdrawal) plan.withdrawn.push({ row, ...withdrawal })
  }
  return plan
}

/** By a user, and not by a mark. */
function isClosed({ status, closedFor, expectedBy }: Info): boolean {
  return closedFor !== undefined || ((status === 'resolved' || status === 'ignored') && expectedBy === undefined)
}

/**
 * The days after the last closed one, from the first that exceeds the largest excess of a closed day; undefined unless
 * that more reaches both floors, in percent of what was expected and closed.
 */
function grownOf(facts: Facts, { last, dailyExcess }: Closed, floor: Floor): Facts | undefined {
  const moreOf = (amount: number) => Math.max(0, (amount - dailyExcess) * Math.sign(facts.impact))
  const larger = facts.excess.filter(({ day, amount }) => day > last && moreOf(amount) > 0)
  const [first] = larger
  if (!first) return undefined
  const more = larger.reduce((sum, { amount }) => sum + moreOf(amount), 0)
  const known = Math.abs(larger.reduce((sum, { amount, cost }) => sum + cost - amount + dailyExcess, 0))
  if (more < floor.amount || 100 * more < floor.percent * known) return undefined
  return rebuilt(
    facts,
    facts.excess.filter(({ day }) => day >= first.day),
    floor,
  )
}

/** The days before another part of it. */
function without(facts: Facts, { first }: Facts, floor: Floor): Facts | undefined {
  const days = facts.excess.filter(({ day }) => day < first)
  return days.length > 0 ? rebuilt(facts, days, floor) : undefined
}

/** Of the same charges, in the same direction, on a common day. */
function meets(row: Info, facts: Facts): boolean {
  if (row.charged !== facts.charged || row.currency !== facts.currency || row.impact * facts.impact <= 0) return false
  return row.first <= facts.last && facts.first <= row.last
}

/** One leaves the costs of the other out. */
function areApart(row: Info, facts: Facts): boolean {
  const leavesOut = (one: Facts, other: Facts) => one.leftOut?.some((part) => isWithin(other.dimensions, part)) === true
  return leavesOut(row, facts) || leavesOut(facts, row)
}

/** Two anomalies of one series never share a day. */
function isSameSpan(row: Info, facts: Facts): boolean {
  return meets(row, facts) && isSameSeries(row.dimensions, facts.dimensions)
}

function isPartOf(row: Info, facts: Facts): boolean {
  return meets(row, facts) && !areApart(row, facts) && isWithin(row.dimensions, facts.dimensions)
}

/** Nothing is left of a withdrawn row that another series could continue. */
function isSameFamily(row: Info, facts: Facts): boolean {
  if (row.status === 'withdrawn' || !meets(row, facts) || areApart(row, facts)) return false
  // A series across it with the same excess.
  if (facts.alsoSeen.some((seen) => isSameSeries(seen.dimensions, row.dimensions))) return true
  if (isWithin(facts.dimensions, row.dimensions)) return true
  const common = facts.excess.reduce(
    (sum, { day, amount }) => sum + (row.first <= day && day <= row.last ? amount : 0),
    0,
  )
  return isWithin(row.dimensions, facts.dimensions) && row.impact / common >= sameRatio
}

function isCorrected({ impact, seriesCost }: Info, held: Held): boolean {
  if (held === 'unknown' || held === 'gone') return held === 'gone'
  return (impact + held.cost - seriesCost) / impact < sameRatio
}

/** Statistics alone may move with each day. */
function isSameFinding(row: Info, facts: Facts): boolean {
  const isEqual = (a: number, b: number) => Math.abs(a - b) <= 0.01 * Math.abs(facts.impact)
  return (
    isSameSeries(row.dimensions, facts.dimensions) &&
    row.first === facts.first &&
    row.last === facts.last &&
    row.isOpen === facts.isOpen &&
    row.severity === facts.severity &&
    isEqual(row.seriesCost, facts.seriesCost) &&
    isEqual(row.impact, facts.impact)
  )
}

function withdrawalOf(
  { seriesCost, impact, currency, knownSince }: Info,
  held: Held,
): Omit<Withdrawal, 'row'> | undefined {
  if (held === 'unknown') return undefined
  if (held === 'gone') return { reason: 'The costs of this series are not in the lake any more.' }
  if (Math.abs(held.cost - seriesCost) > 0.01 * Math.abs(impact))
    return {
      reason: `The provider corrected these costs from ${seriesCost} to ${held.cost} ${currency}. They are no longer unusual.`,
    }
  return held.start < knownSince
    ? { reason: `With the bills from ${held.start} on, which came later, these costs are usual.`, isMistaken: true }
    : undefined
}
