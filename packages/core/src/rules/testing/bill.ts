import * as Money from '../../kernel/money.ts'
import { costOf, type Saving } from '../pricing/money.ts'
import type { Recommendation } from '../compete.ts'
import type { Finding, Rule } from '../rule.ts'

const amount = (text: string | undefined) => (text === undefined ? '?' : Money.parse(text).toFixed(2))

/** Findings of a rule as lines of a bill. */
export function billOf(rule: Rule, findings: readonly { finding: Finding; saving?: Saving }[]): string {
  const head = `${rule.id}: ${rule.finds} (risk ${rule.risk}, effort ${rule.effort})`
  return [head, ...findings.flatMap(({ finding, saving }) => linesOf(finding, saving))].join('\n')
}

function linesOf(finding: Finding, saving: Saving | undefined): string[] {
  const { subject } = finding
  const name = `  ${subject.id.slice(-24).padEnd(24)} ${(subject.type ?? '').padEnd(16)}`
  if (finding.state === 'insufficient_data') return [`${name}   not enough data: ${finding.missing.join('; ')}`]
  const costs = [subject, ...(finding.also ?? [])].map(costOf).filter((cost) => cost !== undefined)
  const { action, from, to } = finding.change
  const evidence = Object.entries(finding.evidence).map(([fact, value]) => `${fact} ${value}`)
  return [
    `${name} ${amount(saving?.amount).padStart(9)} of ${amount(costs.length > 0 ? Money.plain(Money.sum(costs)) : undefined)} USD: ${saving?.basis ?? ''}`,
    `    ${action}: ${from} -> ${to}. ${evidence.join(', ')}. Confidence ${finding.confidence.level}: ${finding.confidence.reason}.`,
  ]
}

/** Recommended purchases as lines of a bill, each with its alternatives. */
export function purchasesBill(recommendations: readonly Recommendation[]): string {
  const total = Money.sum(recommendations.map(({ saving }) => Money.parse(saving.amount ?? '0')))
  const lines = recommendations.flatMap(({ finding, saving, alternatives }) => {
    const { subject, change, evidence, confidence, risk } = finding
    const facts = Object.entries(evidence).map(([fact, value]) => `${fact} ${value}`)
    const others = alternatives.map(
      (other) =>
        `    or ${amount(other.saving.amount).padStart(8)}  ${other.finding.change.action.slice(5)}, ${other.finding.change.to}`,
    )
    return [
      `${subject.name}: ${change.action}, ${change.to}`,
      `       ${amount(saving.amount).padStart(8)}  saved a month: ${saving.basis}`,
      `       ${facts.join(', ')}`,
      `       risk ${risk}; confidence ${confidence.level}: ${confidence.reason}`,
      ...others,
    ]
  })
  return [...lines, `Total  ${amount(Money.plain(total)).padStart(8)}  USD`].join('\n')
}
