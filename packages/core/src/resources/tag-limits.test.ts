import { expect, test } from 'vitest'
import { complaintOf, isOwnOf, spelledIn } from './tag-limits.ts'
import { planOf } from './tag-plan.ts'

const long = (length: number) => 'k'.repeat(length)

test.each([
  ['aws', { [long(128)]: 'v', Team: 'Blue team + 1', 'a:b/c=d@e': '' }],
  ['azure', { [long(512)]: 'v', 'Kosten (EUR)': 'a<b>%' }],
  ['gcp', { [long(63)]: 'v', team_1: 'blue-1', état: '' }],
] as const)('%s allows %j', (cloud, tags) => {
  expect(complaintOf(cloud, 'instance', tags)).toBeUndefined()
})

test.each([
  ['aws', { [long(129)]: 'v' }, 'allows keys of 128 characters'],
  ['aws', { a: long(257) }, 'allows values of 256 characters'],
  ['aws', { 'aws:team': 'v' }, 'reserves keys'],
  ['aws', { 'AWS:team': 'v' }, 'reserves keys'],
  ['aws', { 'a;b': 'v' }, 'does not allow the key'],
  ['azure', { [long(513)]: 'v' }, 'allows keys of 512 characters'],
  ['azure', { 'a/b': 'v' }, 'does not allow the key'],
  ['azure', { 'Microsoft.x': 'v' }, 'reserves keys'],
  ['azure', { Team: 'v', team: 'w' }, 'ignores the case of keys'],
  ['gcp', { Team: 'v' }, 'does not allow the key'],
  ['gcp', { '1team': 'v' }, 'does not allow the key'],
  ['gcp', { team: 'Blue' }, 'does not allow this value'],
  ['gcp', { [long(64)]: 'v' }, 'allows keys of 63 characters'],
] as const)('%s refuses %j before the call', (cloud, tags, message) => {
  expect(complaintOf(cloud, 'instance', tags)).toContain(message)
})

test('the keys of an Azure storage account are shorter', () => {
  expect(complaintOf('azure', 'bucket', { [long(129)]: 'v' })).toContain('128')
})

test('only Azure ignores case, and only AWS has tags of its own, which do not count', () => {
  const current = { Team: 'blue' }
  expect(['aws', 'azure', 'gcp'].map((cloud) => spelledIn(cloud as 'aws', current, 'team'))).toEqual([
    undefined,
    'Team',
    undefined,
  ])
  expect(['aws', 'azure'].map((cloud) => isOwnOf(cloud as 'aws', 'aws:stack'))).toEqual([true, false])
  const full = Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`k${n}`, 'v']))
  const asked = { kind: 'instance', tags: { more: 'v' }, overwrite: false } as const
  const held = { ...full, 'aws:stack': 'a', 'aws:group': 'b' }
  expect(planOf({ ...asked, cloud: 'aws', current: held }).refusal).toBeUndefined()
  expect(planOf({ ...asked, cloud: 'azure', current: held }).refusal).toContain('52 tags')
})
