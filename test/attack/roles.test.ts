import { routes } from '@cloudoptima/api'
import { Actor, command, Identity, permissions, type Permission, type Role, roles } from '@cloudoptima/core'
import { testContext, memoryRuntime } from '@cloudoptima/core/testing'
import * as z from 'zod'
import { beforeAll, expect, test } from 'vitest'
import { appWithLake } from '../../packages/api/src/fixture.ts'
import type { Route } from '../../packages/api/src/route.ts'
import { bearer, requestOf, tell } from './request.ts'

/** design/api.md, Identity: who holds which permission. Written out again, so that a slip in the code's own table is seen. */
const table = `
| permission | viewer | analyst | engineer | devops | cfo | admin |
| read:dashboard, read:costs, read:resources, read:recommendations, read:budgets, read:anomalies | x | x | x | x | x | x |
| read:reports, create:reports, export:data | | x | x | x | x | x |
| write:tags, dismiss:recommendations, write:anomalies, read:policies, read:executions | | | x | x | | x |
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
    const before = holders.get(permission) ?? new Set()
    holders.set(permission, new Set([...before, ...names.slice(1).filter((_, column) => marks[column] === 'x')]))
  }
}

/** What anybody may ask without signing in; what only a signed-in user may, or any credential, whatever its permissions. All else needs a permission. */
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

/** A session for one request: what it asks may end it. */
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

/** A key of the admin with these permissions. */
async function keyOf(held: readonly Permission[]): Promise<string> {
  const { members, ctx } = world
  const admin: Actor.Actor = { kind: 'user', id: members.users.admin.id, permissions: new Set(permissions) }
  return (
    await Identity.ApiKey.create(
      { ...ctx, orgId: members.orgId, actor: admin },
      { name: 'key', permissions: [...held] },
    )
  ).key
}

interface Answer {
  status: number
  requestId: string
  /** Whether it was refused for the lack of a right, and not for what else 403 and 401 can mean, such as a wrong password. */
  lacks: boolean
}

async function ask(route: Route, token: string | undefined): Promise<Answer> {
  const { path, init } = requestOf(route, { headers: token === undefined ? {} : bearer(token) })
  const response = await world.anonymous.request(path, init)
  const text = await response.text()
  const lacks =
    /This needs the permission |Only a signed-in user can do this/.test(text) ||
    text.includes('The access token is missing')
  return { status: response.status, requestId: response.headers.get('X-Request-Id') ?? '', lacks }
}

async function entryOf({ requestId }: Answer) {
  const entries = await world.runtime.tables.audit.all(world.members.orgId)
  return entries.find((entry) => entry.requestId === requestId && entry.result === 'denied')
}

function maySelfOr(route: Route, isAllowed: boolean): boolean {
  return route.permission === 'public' || route.permission === 'member' || isAllowed
}

async function expectRefused(route: Route, answer: Answer, who: string): Promise<void> {
  expect([answer.status, answer.lacks], `${route.id} as ${who}`).toEqual([403, true])
  const entry = await entryOf(answer)
  expect(entry, `${route.id} as ${who} in the audit log`).toMatchObject({
    action: route.id,
    detail: `lacks ${route.permission}`,
  })
}

function expectLetIn(route: Route, answer: Answer, who: string): void {
  expect(answer.lacks, `${route.id} as ${who}: ${answer.status}`).toBe(false)
}

test('the table of the code is the table of the design', () => {
  expect([...holders.keys()].toSorted()).toEqual([...permissions].toSorted())
  expect(names.slice(1)).toEqual([...roles])
})

test('every operation of every role is let in or refused as the design says, and each refusal is written down', async () => {
  let refused = 0
  for (const route of routes) {
    for (const role of roles) {
      const answer = await ask(route, await tokenOf(role))
      const isAllowed = maySelfOr(
        route,
        route.permission === 'self' || holders.get(route.permission)?.has(role) === true,
      )
      if (isAllowed) expectLetIn(route, answer, role)
      else await expectRefused(route, answer, role)
      if (!isAllowed) refused++
    }
  }
  expect(refused).toBeGreaterThan(routes.length)
  tell(
    `role matrix: ${routes.length} operations x ${roles.length} roles = ${routes.length * roles.length}, ${refused} refused, each in the audit log`,
  )
})

test('nobody gets 401 wherever somebody must sign in', async () => {
  const guarded = routes.filter(({ id }) => !open.public.includes(id))
  for (const route of guarded) expect(await ask(route, undefined), route.id).toMatchObject({ status: 401, lacks: true })
  for (const { id } of guarded)
    expect(world.lines, id).toContainEqual({
      message: 'denied',
      fields: expect.objectContaining({ action: id, code: 'unauthenticated' }),
    })
  tell(`role matrix: ${guarded.length} operations x nobody = ${guarded.length}, all 401`)
})

test('an API key with every permission but the one needed is refused, one with this permission alone is let in', async () => {
  // A key never holds it: where it is needed, no key fits.
  const possible = permissions.filter((permission) => permission !== 'write:identity')
  let tries = 0
  for (const route of routes) {
    const others = await ask(route, await keyOf(possible.filter((permission) => permission !== route.permission)))
    if (maySelfOr(route, false)) expectLetIn(route, others, 'a key')
    else await expectRefused(route, others, 'a key with all else')
    tries++
    const needed = possible.find((permission) => permission === route.permission)
    if (needed === undefined) continue
    expectLetIn(route, await ask(route, await keyOf([needed])), `a key with ${needed}`)
    tries++
  }
  expect(tries).toBeGreaterThan(routes.length)
  tell(`role matrix: ${routes.length} operations x API keys without and with the permission = ${tries}`)
})

test('who lacks the permission learns nothing of how the request is wrong', async () => {
  const guarded = routes.filter(({ permission }) => permission.includes(':') && permission !== 'read:costs')
  for (const { id, method, path, permission } of guarded) {
    const headers = { ...bearer(await tokenOf('viewer')), 'Content-Type': 'application/json' }
    const init = { method: method.toUpperCase(), headers, ...(method !== 'get' && { body: '{"nonsense' }) }
    const response = await world.anonymous.request(`${path.replaceAll(/\{\w+\}/g, 'x')}?nonsense=1`, init)
    expect(await response.json(), id).toMatchObject({ status: 403, detail: expect.stringContaining(permission) })
  }
  tell(`role matrix: ${guarded.length} malformed requests without the permission, all 403`)
})

test('an operation is public, of a member, or of oneself only where this list says so', () => {
  for (const [requirement, expected] of Object.entries(open)) {
    const found = routes.filter(({ permission }) => permission === requirement).map(({ id }) => id)
    expect(found.toSorted(), requirement).toEqual(expected.toSorted())
  }
  const known = new Set<string>([...Object.keys(open), ...permissions])
  expect(routes.filter(({ permission }) => !known.has(permission))).toEqual([])
})

test('an operation without a permission does not compile, and is refused to everybody where it comes about all the same', async () => {
  const read = async () => await Promise.resolve({ secret: true })
  // @ts-expect-error the permission is missing
  const forgotten = command('forgotten.get', z.strictObject({}), read)
  // @ts-expect-error it is no permission of ours
  const unknown = command('unknown.get', z.strictObject({}), 'read:everything', read)
  // @ts-expect-error it may not be left open
  const undecided = command('undecided.get', z.strictObject({}), undefined, read)
  const ctx = testContext(memoryRuntime(), {
    actor: { kind: 'user', id: 'usr_1', role: 'admin', permissions: new Set(permissions) },
  })
  for (const call of [forgotten, unknown, undecided])
    await expect(call(ctx, {})).rejects.toMatchObject({ code: 'forbidden' })
})
