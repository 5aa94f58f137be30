import { expect, test } from 'vitest'
import type { Actor } from '../kernel/actor.ts'
import * as Imports from './imports.ts'
import { refusal } from '../testing/identity.ts'
import { permissionsOf } from '../kernel/permission.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'

const files = [{ name: 'bill.csv', bytes: 1 }]

test('whoever calls, by whatever door, needs the right to deliver bills and to look at deliveries, and is written down', async () => {
  const ctx = testContext(memoryRuntime())
  const { id } = await Imports.create(ctx, { files })
  const as = (actor: Partial<Actor>) => ({
    ...ctx,
    actor: { ...ctx.actor, kind: 'user' as const, id: 'usr_1', ...actor },
  })
  const viewer = as({ permissions: permissionsOf('viewer') })
  const devops = as({ permissions: permissionsOf('devops') })
  const calls = (who: typeof ctx) => [
    Imports.create(who, { files }),
    Imports.start(who, { id }),
    Imports.get(who, { id }),
    Imports.list(who, {}),
  ]
  const codes = async (who: typeof ctx) => (await Promise.all(calls(who).map(refusal))).map((fault) => fault?.code)
  expect(await codes(viewer)).toEqual(['forbidden', 'forbidden', 'forbidden', 'forbidden'])
  expect(await codes(devops)).toEqual(['forbidden', 'forbidden', undefined, undefined])
  expect(await codes(as({ kind: 'anonymous', permissions: new Set() }))).toEqual(
    Array.from({ length: 4 }, () => 'unauthenticated'),
  )
  expect(await codes({ ...ctx, orgId: 'org_other' })).toEqual([undefined, 'not_found', 'not_found', undefined])
  const denied = (await ctx.runtime.tables.audit.all('org_test')).filter(({ result }) => result === 'denied')
  expect(denied.map(({ action }) => action).toSorted()).toEqual(
    ['create', 'start', 'get', 'list', 'create', 'start'].map((verb) => `imports.${verb}`).toSorted(),
  )
})
