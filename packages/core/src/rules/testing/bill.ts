import * as Money from '../../kernel/money.ts'
import { costOf, type Saving } from '../pricing/money.ts'
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
