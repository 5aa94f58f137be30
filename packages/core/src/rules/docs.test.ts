import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { allRules } from './analyzers.ts'
import type { Rule } from './rule.ts'

/** As docs/recommendations.md lists the rule. */
function rowOf({ id, finds, thresholds, risk, undo }: Rule): string {
  const limits = Object.values(thresholds).map(
    ({ value, unit, source, isOurs }) => `[${textOf(value)} ${unit}](${source})${isOurs ? ' *' : ''}`,
  )
  return `| \`${id}\` | ${finds} | ${limits.join(', ')} | ${risk} | ${undo} |`
}

const textOf = (value: number) => (value >= 1e6 ? `${value / 1e6} M` : String(Math.round(value * 100) / 100))

test('the document lists each rule with its threshold, source, risk and undo', async () => {
  const file = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'recommendations.md')
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  const ids = allRules.map(({ id }) => id)
  const listed = lines.filter((line) => ids.some((id) => line.startsWith(`| \`${id}\``)))
  expect(listed).toEqual(allRules.map(rowOf))
})

test('every threshold names a public document', () => {
  const all = allRules.flatMap(({ thresholds }) => Object.values(thresholds))
  expect(all.filter(({ source }) => !source.startsWith('https://'))).toEqual([])
})
