import type { Reasons } from './expected.ts'
import type { Failure, Verdict } from './validator.ts'

/** An export that the validator checked. */
interface Subject {
  sample: string
  provider: string
  billingAccountId: string
  period: string
  rows: number
}

/** A verdict, split into allowed and unexpected failures. */
export interface Judgement extends Subject {
  passed: number
  /** Failures with a known reason outside the product. */
  allowed: Failure[]
  /** Failures without a known reason. */
  unexpected: Failure[]
}

/** Splits a verdict's failures by the known reasons. */
export function judged({ passed, failures }: Verdict, subject: Subject, reasons: Reasons): Judgement {
  const isAllowed = ({ rule }: Failure): boolean => Object.hasOwn(reasons, rule)
  return {
    ...subject,
    passed,
    allowed: failures.filter(isAllowed),
    unexpected: failures.filter((failure) => !isAllowed(failure)),
  }
}

/** Listed reasons whose rule no longer fails, as `sample, provider: rule`. */
export function stale(
  judgements: readonly Judgement[],
  expected: Record<string, Record<string, Reasons>>,
  everywhere: Reasons,
): string[] {
  const key = (sample: string, provider: string, rule: string): string => `${sample}, ${provider}: ${rule}`
  const used = new Set(
    judgements.flatMap(({ sample, provider, allowed }) =>
      allowed.flatMap(({ rule }) => [rule, key(sample, provider, rule)]),
    ),
  )
  const listed = Object.entries(expected).flatMap(([sample, providers]) =>
    Object.entries(providers).flatMap(([provider, reasons]) =>
      Object.keys(reasons).map((rule) => key(sample, provider, rule)),
    ),
  )
  return [...Object.keys(everywhere), ...listed].filter((reason) => !used.has(reason))
}
