import type { Reasons } from './expected.ts'
import type { Failure, Verdict } from './validator.ts'

/** Which export was judged. */
interface Subject {
  sample: string
  provider: string
  billingAccountId: string
  period: string
  rows: number
}

/** What the validator found, weighed. */
export interface Judgement extends Subject {
  passed: number
  /** Broken rules that have a reason outside of our code. */
  allowed: Failure[]
  /** Broken rules that have none. */
  unexpected: Failure[]
}

/** Weighs a verdict with the reasons that are known for its subject. */
export function judged({ passed, failures }: Verdict, subject: Subject, reasons: Reasons): Judgement {
  const isAllowed = ({ rule }: Failure): boolean => Object.hasOwn(reasons, rule)
  return {
    ...subject,
    passed,
    allowed: failures.filter(isAllowed),
    unexpected: failures.filter((failure) => !isAllowed(failure)),
  }
}

/** Reasons that excuse nothing any more, as `sample, provider: rule`. */
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
