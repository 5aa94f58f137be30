import { addDays } from '../kernel/calendar.ts'
import { type Facts, type Info, isSameSeries } from './anomaly.ts'
import { costBetween, type CostSeries } from './sightings.ts'

/** What an analysis changes. Rows that are in no list stay. */
export interface Plan {
  found: Facts[]
  changed: { row: Info; facts: Facts }[]
  /** `isMistaken`: the judgement was, and the costs are the same. */
  withdrawn: { row: Info; reason: string; isMistaken?: true }[]
}

/** A row that is this far from a finding may be the same anomaly. */
const mergeDays = 3

/**
 * Holds the causes of an analysis against the rows of earlier ones. A row without a cause is withdrawn only if the costs
 * changed: the judgement alone may not take back an alert. `heldOf` answers undefined for costs that are gone.
 */
export function planOf(
  rows: readonly Info[],
  causes: readonly Facts[],
  heldOf: (row: Info) => CostSeries | undefined,
): Plan {
  const plan: Plan = { found: [], changed: [], withdrawn: [] }
  const left = new Set(rows)
  const byFit = (facts: Facts) => (a: Info, b: Info) =>
    Number(isSameSeries(b.dimensions, facts.dimensions)) - Number(isSameSeries(a.dimensions, facts.dimensions)) ||
    (a.detectedAt < b.detectedAt ? -1 : 1)
  for (const facts of causes) {
    const [row, ...others] = [...left].filter((each) => isSameAnomaly(each, facts)).toSorted(byFit(facts))
    if (!row) {
      plan.found.push(facts)
      continue
    }
    left.delete(row)
    if (row.status === 'withdrawn' || !isSameFinding(row, facts)) plan.changed.push({ row, facts })
    for (const other of others) {
      left.delete(other)
      plan.withdrawn.push({ row: other, reason: `It is a part of the anomaly ${row.id}.`, isMistaken: true })
    }
  }
  for (const row of left) {
    const withdrawal = withdrawalOf(row, heldOf(row))
    if (withdrawal) plan.withdrawn.push({ row, ...withdrawal })
  }
  return { ...plan, withdrawn: plan.withdrawn.filter(({ row }) => row.status === 'active') }
}

function isSameAnomaly(row: Info, facts: Facts): boolean {
  if (row.charged !== facts.charged || row.currency !== facts.currency || row.impact * facts.impact <= 0) return false
  if (row.first > addDays(facts.last, mergeDays) || facts.first > addDays(row.last, mergeDays)) return false
  const seen = [row, ...row.alsoSeen]
  return [facts, ...facts.alsoSeen].some((one) => seen.some((other) => isSameSeries(one.dimensions, other.dimensions)))
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
    isEqual(row.modeled, facts.modeled) &&
    isEqual(row.impact, facts.impact)
  )
}

function withdrawalOf(row: Info, held: CostSeries | undefined): Omit<Plan['withdrawn'][number], 'row'> | undefined {
  if (!held) return { reason: 'The costs of this series are not in the lake any more.' }
  const { modeled, impact, currency, knownSince } = row
  const now = costBetween(held, row)
  if (Math.abs(now - modeled) > 0.01 * Math.abs(impact))
    return { reason: `The costs of these days were corrected from ${modeled} to ${now} ${currency}, as expected.` }
  return held.start < knownSince
    ? {
        reason: `With the bills from ${held.start} on, which came since, the costs were to be expected.`,
        isMistaken: true,
      }
    : undefined
}
