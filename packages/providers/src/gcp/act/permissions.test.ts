import { readFileSync } from 'node:fs'
import { type ActionName, Actions } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { gcpActions } from './actions.ts'
import { type ActApi, gcpActionCalls, gcpActPermissions } from './permissions.ts'

const permissionsOf = (calls: readonly ActApi[]) => [...new Set(calls.flatMap((call) => gcpActPermissions[call]))]

test('the page about deployment has the permissions of each action, and no others', () => {
  const page = readFileSync(new URL('../../../../../docs/deployment.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('\n#### Permissions of Google Cloud for actions\n')
  const rows = section
    .split(/\n#+ /)[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
  const expected = Object.entries(gcpActionCalls).map(
    ([name, calls]) =>
      `| \`${name}\` | ${permissionsOf(calls)
        .map((each) => `\`${each}\``)
        .join(' ')} |`,
  )
  expect(rows).toEqual(expected)
})

test('each call belongs to an action', () => {
  expect(new Set(Object.values(gcpActionCalls).flat())).toEqual(new Set(Object.keys(gcpActPermissions)))
})

test('what the table of actions names for Google Cloud is there, and nothing else', () => {
  const names = (Object.keys(Actions.actions) as ActionName[]).filter((name) =>
    Actions.actions[name].clouds.includes('gcp'),
  )
  expect(Object.keys(gcpActions({})).toSorted()).toEqual(names.toSorted())
  expect([...Object.keys(gcpActionCalls), 'set-tags'].toSorted()).toEqual(names.toSorted())
})
