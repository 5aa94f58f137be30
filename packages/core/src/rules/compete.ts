import * as Money from '../kernel/money.ts'
import type { Saving } from './pricing/money.ts'
import { oneCurrency, priorityOf, type RateOf } from './priority.ts'
import type { Found } from './rule.ts'
import { keyOf } from './subject.ts'

export interface Option {
  finding: Found
  saving: Saving
}

export interface Recommendation extends Option {
  priority: string
  /** Other ways for the same resources: at most one can be followed. */
  alternatives: Option[]
}

interface Ranked extends Option {
  rank: Money.Amount
  keys: string[]
  name: string
}

/**
 * Of options that concern the same resource, the one with the highest priority becomes the recommendation, and the others
 * its alternatives. So each resource's cost is saved once. The most important first.
 */
export function compete(options: readonly Option[], rateOf: RateOf = oneCurrency): Recommendation[] {
  const holders = new Map<string, Recommendation>()
  const found: Recommendation[] = []
  for (const { finding, saving, rank, keys } of rankedOf(options, rateOf)) {
    const holder = keys.map((key) => holders.get(key)).find((held) => held !== undefined)
    if (holder) {
      holder.alternatives.push({ finding, saving })
      continue
    }
    const recommendation = { finding, saving, priority: Money.plain(rank), alternatives: [] }
    for (const key of keys) holders.set(key, recommendation)
    found.push(recommendation)
  }
  return found
}

const rankedOf = (options: readonly Option[], rateOf: RateOf) =>
  options
    .filter(isWorthwhile)
    .map((option) => ranked(option, rateOf))
    .toSorted(byRank)

/** A change that saves nothing is none. That a commitment would go on paying for what is not used is worth knowing. */
function isWorthwhile({ finding, saving }: Option): boolean {
  const isUnused = finding.saving.kind === 'stops_cost' && saving.committed !== undefined
  return finding.saving.kind === 'none' || isUnused || saving.amount !== '0'
}

function ranked({ finding, saving }: Option, rateOf: RateOf): Ranked {
  const { subject, also = [], rule } = finding
  const keys = [subject, ...also].map((each) => keyOf(each, each.id))
  // An order such as a missing tag can be followed beside anything else.
  const own = finding.saving.kind === 'none' ? [`${rule} ${keys[0]}`] : keys
  const name = [keys[0], rule, finding.change.action, finding.change.to].join(' ')
  return { finding, saving, rank: priorityOf(finding, saving, rateOf), keys: own, name }
}

function byRank(a: Ranked, b: Ranked): number {
  return b.rank.cmp(a.rank) || (a.name < b.name ? -1 : 1)
}
