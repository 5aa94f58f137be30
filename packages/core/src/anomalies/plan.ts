import { addDays } from '../kernel/calendar.ts'
import { type Facts, type Info, isSameSeries } from './anomaly.ts'

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

/** A row that is this far from a finding may be the same anomaly. */
const mergeDays = 3

/**
 * Holds the causes of an analysis against the rows of earlier ones: first those of the same series, then those that
 * another series showed too, one to one. A row without a cause is withdrawn only if the costs changed: the judgement
 * alone may not take back an alert.
 */
export function planOf(rows: readonly Info[], causes: readonly Facts[], heldOf: (row: Info) => Held): Plan {
  const plan: Plan = { found: [], changed: [], withdrawn: [] }
  const left = new Set(rows.toSorted((a, b) => (a.detectedAt < b.detectedAt ? -1 : 1)))
  const open = new Set(causes)
  for (const isSame of [isSameSpan, isSameFamily])
    for (const facts of open) {
      const row = [...left].find((each) => isSame(each, facts))
      if (!row) continue
      left.delete(row)
      open.delete(facts)
      if (row.status === 'withdrawn' || !isSameFinding(row, facts)) plan.changed.push({ row, facts })
    }
  plan.found.push(...open)
  for (const row of left) {
    const whole = row.status === 'active' ? causes.find((facts) => isSameFamily(row, facts)) : undefined
    const withdrawal = whole
      ? {
          reason: `It is a part of the unexpected cost from ${whole.first} to ${whole.last}.`,
          isMistaken: true as const,
        }
      : withdrawalOf(row, heldOf(row))
    if (withdrawal) plan.withdrawn.push({ row, ...withdrawal })
  }
  return { ...plan, withdrawn: plan.withdrawn.filter(({ row }) => row.status === 'active') }
}

function isNear(row: Info, facts: Facts, days: number): boolean {
  if (row.charged !== facts.charged || row.currency !== facts.currency || row.impact * facts.impact <= 0) return false
  return row.first <= addDays(facts.last, days) && facts.first <= addDays(row.last, days)
}

/** Two anomalies of one series never share a day. */
function isSameSpan(row: Info, facts: Facts): boolean {
  return isNear(row, facts, 0) && isSameSeries(row.dimensions, facts.dimensions)
}

function isSameFamily(row: Info, facts: Facts): boolean {
  const seen = [row, ...row.alsoSeen]
  return (
    isNear(row, facts, mergeDays) &&
    [facts, ...facts.alsoSeen].some((one) => seen.some((other) => isSameSeries(one.dimensions, other.dimensions)))
  )
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
