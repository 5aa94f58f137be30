import { allRules } from './analyzers.ts'
import { compete, type Recommendation } from './compete.ts'
import { judge, type Settings } from './engine.ts'
import { savingOf } from './pricing/money.ts'
import type { PriceBook } from './pricing/prices.ts'
import { type Demand, purchases } from './purchase.ts'
import type { Finding, Unknown } from './rule.ts'
import type { Subject } from './subject.ts'

export interface Advice {
  /** The most important first; the sum of their savings is at most the cost of the subjects. */
  recommendations: Recommendation[]
  /** What no rule could judge. */
  unknown: Unknown[]
}

/** All rules on all subjects of an organization, and purchases for the usage that stays; priced and resolved. */
export function recommend(
  subjects: readonly Subject[],
  settings: Settings,
  book: PriceBook,
  demands: readonly Demand[] = [],
): Advice {
  return resolve(judge(allRules, subjects, settings), book, demands)
}

/** Findings of any analyzers, and purchases for the usage that stays; priced and resolved. */
export function resolve(findings: readonly Finding[], book: PriceBook, demands: readonly Demand[] = []): Advice {
  const priced = (some: readonly Finding[]) =>
    some.flatMap((finding) => (finding.state === 'found' ? [{ finding, saving: savingOf(finding, book) }] : []))
  const options = priced(findings)
  const bought = purchases(demands, compete(options))
  const unknown = [...findings, ...bought].filter((finding) => finding.state === 'insufficient_data')
  return { recommendations: compete([...options, ...priced(bought)]), unknown }
}
