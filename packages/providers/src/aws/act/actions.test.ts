import { readFileSync } from 'node:fs'
import { type ActionName, Actions } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { actGrants } from '../act-grants.ts'
import { awsActions } from './actions.ts'

test('what the table of actions names for AWS is there, and nothing else', () => {
  const names = Object.keys(Actions.actions) as ActionName[]
  const ofAws = names.filter((name) => Actions.actions[name].clouds.includes('aws'))
  expect(Object.keys(awsActions({})).toSorted()).toEqual(ofAws.toSorted())
})

test('the page about deployment has the permissions of the role, and no others', () => {
  const page = readFileSync(new URL('../../../../../docs/deployment.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('\n#### Permissions of AWS for actions\n')
  const rows = section
    .split(/\n#+ /)[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
  const services = Map.groupBy(
    new Set(actGrants.map(({ permission }) => permission)),
    (name) => name.split(':')[0] ?? '',
  )
  const expected = [...services].map(
    ([service, own]) => `| \`${service}\` | ${own.map((name) => `\`${name.slice(service.length + 1)}\``).join(' ')} |`,
  )
  expect(rows).toEqual(expected)
})
