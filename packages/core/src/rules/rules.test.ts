import { join } from 'node:path'
import { expect, test } from 'vitest'
import { allRules } from './analyzers.ts'
import { judge } from './engine.ts'
import { priced } from './pricing/money.ts'
import { analyzerNames } from './rule.ts'
import type { Subject } from './subject.ts'
import { billOf } from './testing/bill.ts'
import { fixtures } from './testing/fixtures.ts'
import { book } from './testing/prices.ts'
import { now, requiredTags } from './testing/subjects.ts'

const ids = (subjects: readonly Subject[]) => subjects.map(({ id }) => id).toSorted()

test('every rule has a fixture that it finds and one that it leaves alone', () => {
  expect(fixtures.map(({ rule }) => rule).toSorted()).toEqual(allRules.map(({ id }) => id).toSorted())
  expect(fixtures.filter(({ finds, leaves }) => finds.length === 0 || leaves.length === 0)).toEqual([])
})

test.each(allRules.map((rule) => ({ rule, id: rule.id })))('$id', ({ rule, id }) => {
  for (const { finds, leaves, lacks, beside = [] } of fixtures.filter((each) => each.rule === id)) {
    const found = judge([rule], [...finds, ...leaves, ...lacks, ...beside], { now, requiredTags })
    const inState = (state: string) => found.filter((each) => each.state === state).map(({ subject }) => subject)
    expect(ids(inState('found'))).toEqual(ids(finds))
    expect(ids(inState('insufficient_data'))).toEqual(ids(lacks))
  }
})

test.each(analyzerNames)('the bill of %s', async (analyzer) => {
  const rules = allRules.filter((rule) => rule.analyzer === analyzer)
  const bills = rules.map((rule) => {
    const subjects = fixtures
      .filter((fixture) => fixture.rule === rule.id)
      .flatMap(({ finds, leaves, lacks, beside = [] }) => [...finds, ...leaves, ...lacks, ...beside])
    const findings = judge([rule], subjects, { now, requiredTags })
    return billOf(
      rule,
      findings.map((finding) => (finding.state === 'found' ? priced(finding, book) : { finding })),
    )
  })
  const file = join(import.meta.dirname, 'testing', 'golden', `${analyzer}.txt`)
  await expect(`${bills.join('\n\n')}\n`).toMatchFileSnapshot(file)
})
