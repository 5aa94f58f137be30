import { allRules } from './analyzers.ts'
import { compete, type Option, type Recommendation } from './compete.ts'
import { judge, type Settings } from './engine.ts'
import { sparing } from './exclusions.ts'
import { priced } from './pricing/money.ts'
import type { PriceBook } from './pricing/prices.ts'
import type { RateOf } from './priority.ts'
import { type Demand, purchases } from './purchase.ts'
import type { Finding, Unknown } from './rule.ts'
import { keyOf, type Subject } from './subject.ts'

export interface Advice {
  /** The most important first; the sum of their savings is at most the cost of the subjects. */
  recommendations: Recommendation[]
  /** Found, but not wanted: they count for nothing. */
  dismissed: Option[]
  /** What no rule could judge. */
  unknown: Unknown[]
}

export interface Given {
  book: PriceBook
  demands?: readonly Demand[]
  /** Whether the organization does not want to hear of it. */
  isDismissed?: (finding: Finding) => boolean
  /** Default: all is in one currency. */
  rateOf?: RateOf
}

/** All rules on all subjects of an organization, and purchases for the usage that stays; priced and resolved. */
export function recommend(subjects: readonly Subject[], settings: Settings, given: Given): Advice {
  return resolve(judge(allRules, subjects, settings), given)
}

/** Findings of any analyzers, and purchases for the usage that stays; priced and resolved. */
export function resolve(
  findings: readonly Finding[],
  { book, demands = [], isDismissed = () => false, rateOf }: Given,
): Advice {
  const dismissed: Option[] = []
  const unknown: Unknown[] = []
  const spared = new Set(findings.filter((finding) => endsAll(finding) && isDismissed(finding)).map(keyOfSubject))
  const wanted = (some: readonly Finding[]) =>
    some.flatMap((finding): Option[] => {
      const isUnwanted = isDismissed(finding)
      if (finding.state === 'insufficient_data') {
        if (!isUnwanted) unknown.push(finding)
        return []
      }
      const found = sparing(finding, (subject) => spared.has(keyOfSubject({ subject })))
      if (!found) return []
      const option = priced(found, book)
      if (isUnwanted) dismissed.push(option)
      return isUnwanted ? [] : [option]
    })
  const options = wanted(findings)
  const bought = purchases(demands, compete(options, rateOf), wanted)
  return { recommendations: compete([...options, ...bought], rateOf), dismissed, unknown }
}

/** Whoever does not want a resource deleted does not want it deleted with another either. */
const endsAll = (finding: Finding) =>
  finding.state === 'found' && finding.saving.kind === 'stops_cost' && finding.saving.parts === 'all'

const keyOfSubject = ({ subject }: Pick<Finding, 'subject'>) => `${subject.cloud} ${keyOf(subject, subject.id)}`
