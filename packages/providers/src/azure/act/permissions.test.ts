import { readFileSync } from 'node:fs'
import { type ActionName, Actions } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { azureActions } from './actions.ts'
import { azureActionPermissions } from './permissions.ts'

const page = readFileSync(new URL('../../../../../docs/deployment.md', import.meta.url), 'utf8')
const [section = ''] = page.split('\n#### Permissions of Azure for actions\n')[1]?.split(/\n#+ /) ?? []

test('the page about deployment has the permissions of each action, and no others', () => {
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  const expected = Object.entries(azureActionPermissions).map(
    ([name, permissions]) => `| \`${name}\` | ${permissions.map((each) => `\`${each}\``).join(' ')} |`,
  )
  expect(rows).toEqual(expected)
})

test('the custom role of the page allows what the actions need, and no more', () => {
  const { Actions: allowed, ...others } = JSON.parse(/^ {4}\{[^]*?^ {4}\}/m.exec(section)?.[0] ?? '') as {
    Actions: string[]
  }
  expect(allowed).toEqual([...new Set(Object.values(azureActionPermissions).flat())])
  expect(Object.keys(others)).toEqual(['Name', 'Description', 'AssignableScopes'])
})

test('what the table of actions names for Azure is there, and nothing else', () => {
  const names = (Object.keys(Actions.actions) as ActionName[]).filter((name) =>
    Actions.actions[name].clouds.includes('azure'),
  )
  expect(Object.keys(azureActions({})).toSorted()).toEqual(names.toSorted())
  expect(Object.keys(azureActionPermissions).toSorted()).toEqual(names.toSorted())
})
