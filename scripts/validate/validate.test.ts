import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expected, validatorDefects } from './expected.ts'
import { judged, stale } from './judge.ts'
import { verdictOf } from './validator.ts'

const report = `
=== Validation Results ===
Total: 578 | Pass: 365 | Fail: 3 | Skipped: 210
✅ ListCost-C-001-M: PASS  (violations=0, 1.0ms)

--- Failures ---
- ListCost-C-004-M: violations=2; ListCost MUST NOT be NULL. [Upstream dependency failed: ListCost-C-003-M]
  MustSatisfy: ListCost MUST NOT be null.
- InvoiceId-C-003-C: violations=1; InvoiceId-C-003-C: OR failed - failed child rules: [InvoiceId-C-004-C]
  MustSatisfy: InvoiceId nullability is defined as follows:
- ListCost-C-000-M: violations=1; ListCost-C-000-M: AND failed - failed child rules: [ListCost-C-004-M]
  MustSatisfy: The ListCost column adheres to the following requirements:
`
const subject = { sample: 'sample', provider: 'AWS', billingAccountId: '1', period: '2026-01', rows: 2 }
const listCost = { 'ListCost-C-004-M': 'unknown at the source' }

describe('the report of the validator', () => {
  it('yields the failed rules, without the rules that only combine them', () => {
    expect(verdictOf(report)).toEqual({
      passed: 365,
      skipped: 210,
      failures: [
        { rule: 'ListCost-C-004-M', violations: 2, requirement: 'ListCost MUST NOT be null.' },
        { rule: 'InvoiceId-C-003-C', violations: 1, requirement: 'InvoiceId nullability is defined as follows:' },
      ],
    })
  })

  it.each([
    [
      'one failure has another format',
      report.replace('- ListCost-C-004-M: violations', '* ListCost-C-004-M: violations'),
    ],
    ['rules are missing', report.replace('Total: 578', 'Total: 12')],
    ['it is missing', 'Traceback (most recent call last):'],
  ])('is refused if %s', (_, text) => {
    expect(() => verdictOf(text)).toThrow("validator's report")
  })
})

describe('a failed rule', () => {
  it('is unexpected unless the list has a reason', () => {
    const { allowed, unexpected } = judged(verdictOf(report), subject, listCost)
    expect([allowed.map(({ rule }) => rule), unexpected.map(({ rule }) => rule)]).toEqual([
      ['ListCost-C-004-M'],
      ['InvoiceId-C-003-C'],
    ])
  })

  it('is reported as stale on the list once it passes', () => {
    const judgement = judged(verdictOf(report), subject, listCost)
    const list = { sample: { AWS: listCost, Oracle: listCost } }
    expect(stale([judgement], list, { 'SkuId-C-000-M': 'wrong', 'ListCost-C-004-M': 'wrong' })).toEqual([
      'SkuId-C-000-M',
      'sample, Oracle: ListCost-C-004-M',
    ])
  })

  it('is listed in docs/focus.md', () => {
    const docs = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'focus.md'), 'utf8')
    const listed = [validatorDefects, ...Object.values(expected).flatMap(Object.values)].flatMap((reasons) =>
      Object.keys(reasons),
    )
    const written = [...docs.matchAll(/`([A-Z]\w+-[CD]-\d{3}-[MCO])`/g)].map(([, rule = '']) => rule)
    expect(new Set(written)).toEqual(new Set(listed))
  })
})
