import { describe, expect, test } from 'vitest'
import * as Actor from './actor.ts'
import { permissions, permissionsOf, type Permission, type Role, roles } from './permission.ts'

// The table of the design, row by row: x where the role has the permission.
const table: [
  permission: Permission,
  viewer: string,
  analyst: string,
  engineer: string,
  devops: string,
  cfo: string,
  admin: string,
][] = [
  ['read:dashboard', 'x', 'x', 'x', 'x', 'x', 'x'],
  ['read:costs', 'x', 'x', 'x', 'x', 'x', 'x'],
  ['read:resources', 'x', 'x', 'x', 'x', 'x', 'x'],
  ['read:recommendations', 'x', 'x', 'x', 'x', 'x', 'x'],
  ['read:budgets', 'x', 'x', 'x', 'x', 'x', 'x'],
  ['read:anomalies', 'x', 'x', 'x', 'x', 'x', 'x'],
  ['read:reports', '', 'x', 'x', 'x', 'x', 'x'],
  ['create:reports', '', 'x', 'x', 'x', 'x', 'x'],
  ['export:data', '', 'x', 'x', 'x', 'x', 'x'],
  ['write:tags', '', '', 'x', 'x', '', 'x'],
  ['dismiss:recommendations', '', '', 'x', 'x', '', 'x'],
  ['write:anomalies', '', '', 'x', 'x', '', 'x'],
  ['read:policies', '', '', 'x', 'x', 'x', 'x'],
  ['read:executions', '', '', 'x', 'x', 'x', 'x'],
  ['stop:remediation', '', '', 'x', 'x', 'x', 'x'],
  ['request:remediation', '', '', 'x', 'x', '', 'x'],
  ['write:policies', '', '', '', 'x', '', 'x'],
  ['execute:policies', '', '', '', 'x', '', 'x'],
  ['read:accounts', '', '', '', 'x', 'x', 'x'],
  ['write:budgets', '', '', '', '', 'x', 'x'],
  ['approve:remediation', '', '', '', '', 'x', 'x'],
  ['write:accounts', '', '', '', '', '', 'x'],
  ['read:users', '', '', '', '', '', 'x'],
  ['write:users', '', '', '', '', '', 'x'],
  ['read:audit', '', '', '', '', '', 'x'],
  ['write:settings', '', '', '', '', '', 'x'],
  ['write:identity', '', '', '', '', '', 'x'],
]
const columns: Role[] = ['viewer', 'analyst', 'engineer', 'devops', 'cfo', 'admin']

describe('who may do what', () => {
  test.each(table)('%s is as the design has it', (permission, ...marks) => {
    expect(columns.filter((role) => permissionsOf(role).has(permission))).toEqual(
      columns.filter((_, i) => marks[i] === 'x'),
    )
  })

  test('there is no permission and no role beside the table', () => {
    expect([...permissions].toSorted()).toEqual(table.map(([permission]) => permission).toSorted())
    expect([...roles]).toEqual(columns)
  })

  test('what is in no row is denied to everybody', () => {
    const nowhere = 'write:everything' as Permission
    for (const role of roles) expect(permissionsOf(role).has(nowhere)).toBe(false)
    expect(permissionsOf('owner' as Role).size).toBe(0)
    expect(Actor.may(Actor.system('test'), nowhere)).toBe(false)
  })

  const pairs: [Role, Role][] = [
    ['viewer', 'analyst'],
    ['analyst', 'engineer'],
    ['engineer', 'devops'],
    ['analyst', 'cfo'],
    ['devops', 'admin'],
    ['cfo', 'admin'],
  ]
  test.each(pairs)('%s may nothing that %s may not, and less', (lesser, greater) => {
    expect(permissionsOf(lesser).isSubsetOf(permissionsOf(greater))).toBe(true)
    expect(permissionsOf(lesser).size).toBeLessThan(permissionsOf(greater).size)
  })

  test('cfo and devops each may what the other may not', () => {
    expect(permissionsOf('cfo').isSubsetOf(permissionsOf('devops'))).toBe(false)
    expect(permissionsOf('devops').isSubsetOf(permissionsOf('cfo'))).toBe(false)
  })
})

describe('what an operation asks of its caller', () => {
  const user: Actor.Actor = { kind: 'user', id: 'usr_1', permissions: permissionsOf('viewer'), role: 'viewer' }
  const key: Actor.Actor = { kind: 'key', id: 'key_1', permissions: new Set(['write:budgets']) }
  const actors = { anonymous: Actor.anonymous(), user, key, system: Actor.system('test') }
  const refusedWith = (actor: Actor.Actor, requirement: Parameters<typeof Actor.require>[1]): string => {
    try {
      Actor.require(actor, requirement)
      return 'let in'
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  test.each([
    ['public', 'let in', 'let in', 'let in', 'let in'],
    ['member', 'unauthenticated', 'let in', 'let in', 'let in'],
    ['self', 'unauthenticated', 'let in', 'forbidden', 'forbidden'],
    ['read:costs', 'unauthenticated', 'let in', 'forbidden', 'let in'],
    ['write:budgets', 'unauthenticated', 'forbidden', 'let in', 'let in'],
    ['write:identity', 'unauthenticated', 'forbidden', 'forbidden', 'let in'],
  ] as const)('%s: anonymous %s, user %s, key %s, system %s', (requirement, ...outcomes) => {
    expect(Object.values(actors).map((actor) => refusedWith(actor, requirement))).toEqual(outcomes)
  })

  test('a role alone gives nothing: only the permissions count', () => {
    expect(refusedWith({ ...user, permissions: new Set(), role: 'admin' }, 'read:costs')).toBe('forbidden')
  })
})
