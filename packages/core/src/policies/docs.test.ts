import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fields, operatorsOf } from './fields.ts'

const docs = new URL('../../../../docs/policies.md', import.meta.url)

test('the table of fields in docs/policies.md is that of the product', () => {
  const lines = readFileSync(docs, 'utf8').split('\n')
  const [first, last] = ['| field |', '| `tags.KEY` |'].map((head) => lines.findIndex((line) => line.startsWith(head)))
  const rows = Object.entries(fields).map(
    ([name, { type, is, allowed }]) =>
      `| \`${name}\` | ${is}${allowed && name !== 'kind' ? ` One of ${allowed.join(', ')}.` : ''} | ` +
      `${operatorsOf[type].join(' ')} |`,
  )
  expect(lines.slice((first ?? 0) + 2, last)).toEqual(rows)
})
