import { routes } from '@cloudoptima/api'
import { Actor, command, Identity, permissions, type Permission, type Role, roles } from '@cloudoptima/core'
import { testContext, memoryRuntime } from '@cloudoptima/core/testing'
import * as z from 'zod'
import { beforeAll, expect, test } from 'vitest'
import { appWithLake } from '../../packages/api/src/fixture.ts'
import type { Route } from '../../packages/api/src/route.ts'
import { bearer, requestOf, report } from './request.ts'

/**
 * The permissions of each role, copied from the design, to detect a mistake in the product's own table. The CFO, who
 * approves, also reads what is approved and has the stop switch.
 */
const table = `
| permission | viewer | analyst | engineer | devops | cfo | admin |
| read:dashboard, read:costs, read:resources, read:recommendations, read:budgets, read:anomalies | x | x | x | x | x | x |
| read:reports, create:reports, export:data | | x | x | x | x | x |
| write:tags, dismiss:recommendations, write:anomalies | | | x | x | | x |
| read:policies, read:executions, stop:remediation | | | x | x | x | x |
| request:remediation | | | x | x | | x |
| write:policies, execute:policies, read:accounts | | | | x | | x |
| write:budgets, approve:remediation, read:accounts | | | | | x | x |
| write:accounts, read:users, write:users, read:audit, write:settings, write:identity | | | | | | x |`

const [names = [], ...rows] = table
  .trim()
  .split('\n')
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
const holders = new Map<string, Set<string>>()
for (const [cell = '', ...marks] of rows) {
  for (const permission of cell.split(', ')) {
    const earlier = holders.get(permission) ?? new Set()
    holders.set(permission, new Set([...earlier, ...names.slice(1).filter((_, column) => marks[column] === 'x')]))
  }
}

/** Operations without a permission: public, for signed-in users only (`self`), or for any credential (`member`). */
const open: Record<'public' | 'self' | 'member', string[]> = {
  public: [
    'auth.register',
    'auth.login',
    'auth.refresh',
    'auth.verify-email',
    'auth.forgot-password',
    'auth.reset-password',
    'invitations.accept',
    'openid.begin',
    'openid.finish',
    'health.get',
    'keys.list',
  ],
  self: [
    'auth.logout',
    'auth.resend-verification',
    'auth.change-password',
    'me.update',
    'totp.begin',
    'totp.confirm',
    'totp.disable',
    'sessions.list',
    'sessions.end-others',
    'sessions.end',
  ],
  member: ['me.get', 'organization.get'],
}

type World = Awaited<ReturnType<typeof appWithLake>>
let world: World

beforeAll(async () => {
  world = await appWithLake()
})

/** A token of a new session, because the request may end its session. */
async function tokenOf(role: Role): Promise<string> {
  const { members, ctx } = world
  return (
    await Identity.Session.open(
      { ...ctx, orgId: members.orgId, actor: Actor.anonymous() },
      members.users[role],
      'password',
    )
  ).accessToken
}

/** An API key of the admin with these permissions. */
async function keyWith(granted: readonly Permission[]): Promise<string> {
  const { members, ctx } = world
  const admin: Actor.Actor = { kind: 'user', id: members.users.admin.id, permissions: new Set(permissions) }
  return (
    await Identity.ApiKey.create(
      { ...ctx, orgId: members.orgId, actor: admin },
      { name: 'key', permissions: [...granted] },
    )
  ).key
}

interface Answer {
  status: number
  requestId: string
  /** True for a refusal by permission or missing token, and not for another 401 or 403, such as a wrong password. */
  isRefused: boolean
}

async function ask(route: Route, token: string | undefined): Promise<Answer> {
  const { path, init } = requestOf(route, { headers: token === undefined ? {} : bearer(token) })
  const response = await world.anonymous.request(path, init)
  const text = await response.text()
  const isRefused =
    /This requires the permission |An API key cannot do this/.test(text) || text.includes('The access token is missing')
  return { status: response.status, requestId: response.headers.get('X-Request-Id') ?? '', isRefused }
}

async function entryOf({ requestId }: Answer) {
  const entries = await world.runtime.tables.audit.all(world.members.orgId)
  return entries.find((entry) => entry.requestId === requestId && entry.result === 'denied')
}

function isOpenOr(route: Route, isAllowed: boolean): boolean {
  return route.permission === 'public' || route.permission === 'member' || isAllowed
}

async function expectRefused(route: Route, answer: Answer, caller: string): Promise<void> {
  expect([answer.status, answer.isRefused], `${route.id} as ${caller}`).toEqual([403, true])
  const entry = await entryOf(answer)
  expect(entry, `${route.id} as ${caller} in the audit log`).toMatchObject({
    action: route.id,
    detail: `lacks ${route.permission}`,
  })
}

function expectAllowed(route: Route, answer: Answer, caller: string): void {
  expect(answer.isRefused, `${route.id} as ${caller}: ${answer.status}`).toBe(false)
}

test("the code's permissions and roles are those of the design", () => {
  expect([...holders.keys()].toSorted()).toEqual([...permissions].toSorted())
  expect(names.slice(1)).toEqual([...roles])
})

test('each role is allowed exactly the operations of the design, and each refusal is audited', async () => {
  let refused = 0
  for (const route of routes) {
    for (const role of roles) {
      const answer = await ask(route, await tokenOf(role))
      const isAllowed = isOpenOr(
        route,
        route.permission === 'self' || holders.get(route.permission)?.has(role) === true,
      )
      if (isAllowed) expectAllowed(route, answer, role)
      else await expectRefused(route, answer, role)
      if (!isAllowed) refused++
    }
  }
  expect(refused).toBeGreaterThan(routes.length)
  report(
    `role matrix: ${routes.length} operations x ${roles.length} roles = ${routes.length * roles.length}, ` +
      `${refused} refused, each with an audit entry`,
  )
})

test('a request without a token gets 401 from every protected operation', async () => {
  const guarded = routes.filter(({ id }) => !open.public.includes(id))
  for (const route of guarded)
    expect(await ask(route, undefined), route.id).toMatchObject({ status: 401, isRefused: true })
  for (const { id } of guarded)
    expect(world.lines, id).toContainEqual({
      message: 'denied',
      fields: expect.objectContaining({ action: id, code: 'unauthenticated' }),
    })
  report(`role matrix: ${guarded.length} operations without a token, all 401`)
})

test('an API key is allowed with the required permission alone, and refused with all other permissions', async () => {
  // An API key cannot have write:identity.
  const possible = permissions.filter((permission) => permission !== 'write:identity')
  let tries = 0
  for (const route of routes) {
    const others = await ask(route, await keyWith(possible.filter((permission) => permission !== route.permission)))
    if (isOpenOr(route, false)) expectAllowed(route, others, 'a key')
    else await expectRefused(route, others, 'a key with all other permissions')
    tries++
    const required = possible.find((permission) => permission === route.permission)
    if (required === undefined) continue
    expectAllowed(route, await ask(route, await keyWith([required])), `a key with ${required}`)
    tries++
  }
  expect(tries).toBeGreaterThan(routes.length)
  report(`role matrix: ${routes.length} operations x API keys without and with the permission = ${tries}`)
})

test('a malformed request without the permission gets 403, and no details of its mistakes', async () => {
  const guarded = routes.filter(
    ({ permission }) =>
      permission.includes(':') &&
      !['read:costs', 'read:resources', 'read:anomalies', 'read:recommendations'].includes(permission),
  )
  for (const { id, method, path, permission } of guarded) {
    const headers = { ...bearer(await tokenOf('viewer')), 'Content-Type': 'application/json' }
    const init = { method: method.toUpperCase(), headers, ...(method !== 'get' && { body: '{"nonsense' }) }
    const response = await world.anonymous.request(`${path.replaceAll(/\{\w+\}/g, 'x')}?nonsense=1`, init)
    expect(await response.json(), id).toMatchObject({ status: 403, detail: expect.stringContaining(permission) })
  }
  report(`role matrix: ${guarded.length} malformed requests without the permission, all 403`)
})

test('only the listed operations are public, self or member', () => {
  for (const [requirement, expected] of Object.entries(open)) {
    const found = routes.filter(({ permission }) => permission === requirement).map(({ id }) => id)
    expect(found.toSorted(), requirement).toEqual(expected.toSorted())
  }
  const known = new Set<string>([...Object.keys(open), ...permissions])
  expect(routes.filter(({ permission }) => !known.has(permission))).toEqual([])
})

test('an operation without a valid permission does not compile, and is refused at run time', async () => {
  const read = async () => await Promise.resolve({ secret: true })
  // @ts-expect-error the permission is missing
  const forgotten = command('forgotten.get', z.strictObject({}), read)
  // @ts-expect-error the permission is unknown
  const unknown = command('unknown.get', z.strictObject({}), 'read:everything', read)
  // @ts-expect-error the permission is undefined
  const undecided = command('undecided.get', z.strictObject({}), undefined, read)
  const ctx = testContext(memoryRuntime(), {
    actor: { kind: 'user', id: 'usr_1', role: 'admin', permissions: new Set(permissions) },
  })
  for (const call of [forgotten, unknown, undecided])
    await expect(call(ctx, {})).rejects.toMatchObject({ code: 'forbidden' })
})
