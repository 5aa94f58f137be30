import { allRules } from './analyzers.ts'
import { compete, type Option, type Recommendation } from './compete.ts'
import { judge, type Settings } from './engine.ts'
import { savingOf } from './money.ts'
import type { PriceBook } from './prices.ts'
import type { Finding, Found, Unknown } from './rule.ts'
import type { Subject } from './subject.ts'

export interface Advice {
  /** The most important first; the sum of their savings is at most the cost of the subjects. */
  recommendations: Recommendation[]
  /** What no rule could judge. */
  unknown: Unknown[]
}

/** All rules on all subjects of an organization, priced and resolved. */
export function recommend(subjects: readonly Subject[], settings: Settings, book: PriceBook): Advice {
  return resolve(judge(allRules, subjects, settings), book)
}

/** Findings of any analyzers, priced and resolved. */
export function resolve(findings: readonly Finding[], book: PriceBook): Advice {
  const found = findings.filter((finding): finding is Found => finding.state === 'found')
  const unknown = findings.filter((finding): finding is Unknown => finding.state === 'insufficient_data')
  const options = found.map((finding): Option => ({ finding, saving: savingOf(finding, book) }))
  return { recommendations: compete(options), unknown }
}
