import * as Money from '../kernel/money.ts'
import {
  costOf,
  type Finding,
  type Found,
  keyOf,
  type Option,
  priorityOf,
  type RateOf,
  type Recommendation,
  type relationsOf,
  type Saving,
  type Subject,
  type Unknown,
} from '../rules/index.ts'
import { type Affected, categoryOf, type Facts, stoppedStatuses } from './recommendation.ts'

/** Of the resources that end with another, and of those that name it. */
const mostNamed = 50

/** In the place of the rules. */
export const unknownRule = 'not-enough-data'

type Relations = ReturnType<typeof relationsOf>

/** How the table keeps an option; alternatives only if it is the chosen one. */
export function factsOf(option: Option | Recommendation, relations: Relations, rateOf?: RateOf): Facts {
  const { finding, saving } = option
  const { evidence, change, confidence, risk, effort, restartNeeded, rollbackPossible, undo, subject } = finding
  const alternatives = 'alternatives' in option ? option.alternatives : []
  return {
    ...commonOf(finding),
    missing: [],
    found: {
      evidence,
      change,
      effect: effectOf(finding),
      saving: amountsOf(saving),
      confidence,
      risk,
      effort,
      restartNeeded,
      rollbackPossible,
      undo,
      priority: Money.plain(priorityOf(finding, saving, rateOf)),
      alternatives: alternatives.map((other) => ({
        rule: other.finding.rule,
        finds: other.finding.finds,
        change: other.finding.change,
        saving: amountsOf(other.saving),
        confidence: other.finding.confidence,
        risk: other.finding.risk,
      })),
      dependents: dependentsOf(subject, relations),
    },
  }
}

/** Of all rules that could not judge one resource. */
export function factsOfUnknown(findings: readonly [Unknown, ...Unknown[]]): Facts {
  const missing = [...new Set(findings.flatMap((finding) => finding.missing))]
  return { ...commonOf(findings[0]), rule: unknownRule, finds: 'Not enough data to judge it', missing }
}

function commonOf(finding: Finding): Omit<Facts, 'missing'> {
  const { rule, finds, analyzer, subject } = finding
  const also = finding.state === 'found' ? (finding.also ?? []) : []
  return {
    rule,
    finds,
    analyzer,
    category: categoryOf(analyzer, subject.kind),
    cloud: subject.cloud,
    accountId: subject.accountId,
    region: subject.region,
    resources: [subject, ...also].slice(0, mostNamed).map(affectedOf),
  }
}

function affectedOf(subject: Subject): Affected {
  const { id, aliases, name, kind, type, status } = subject
  const cost = costOf(subject)
  return {
    id,
    kind,
    status,
    ...(aliases && { aliases }),
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    ...(cost && subject.cost && { cost: Money.plain(cost), currency: subject.cost.currency }),
  }
}

/** Where a change ends the resource itself. */
const endings = new Set(['deleted', 'ended', 'image', 'released'])

function effectOf({ saving, change, subject }: Found): NonNullable<Facts['found']>['effect'] {
  if (subject.kind === 'commitment') return 'none'
  const isStopped = stoppedStatuses.has(change.to) && !stoppedStatuses.has(subject.status)
  const isPart = saving.kind === 'stops_cost' && saving.parts !== 'all'
  if (isStopped || (endings.has(change.to) && !isPart)) return 'ends'
  return saving.kind === 'none' || saving.kind === 'unknown' ? 'none' : 'changes'
}

function amountsOf({ amount, isAtMost, currency, basis, committed }: Saving) {
  return {
    basis,
    ...(amount !== undefined && { amount }),
    ...(isAtMost && { isAtMost }),
    ...(currency !== undefined && { currency }),
    ...(committed !== undefined && { committed }),
  }
}

function dependentsOf(subject: Subject, { users }: Relations): Pick<Affected, 'id' | 'name' | 'kind'>[] {
  const names = [subject.id, ...(subject.aliases ?? [])]
  const found = new Set(names.flatMap((id) => users.get(keyOf(subject, id)) ?? []))
  return [...found]
    .filter((user) => user !== subject)
    .slice(0, mostNamed)
    .map(({ id, name, kind }) => ({ id, kind, ...(name !== undefined && { name }) }))
}
