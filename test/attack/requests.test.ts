import { routes } from '@cloudoptima/api'
import { Actor, Identity, Organization } from '@cloudoptima/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appWithLake, checkAnswer } from '../../packages/api/src/fixture.ts'
import { documentOf, type Operation } from '../../packages/api/src/openapi.ts'
import { Problem } from '../../packages/api/src/problem.ts'
import type { Route } from '../../packages/api/src/route.ts'
import { validRequests } from './arbitrary.ts'
import { encoded, malformed, type WireRequest } from './malformed.ts'
import { bearer, report } from './request.ts'

// ATTACK=all sends ten times as many requests. ATTACK_SEED repeats a run.
const requestsPerTest = process.env['ATTACK'] === 'all' ? 1000 : 100
const seed = Number(process.env['ATTACK_SEED'] ?? Date.now() % 1_000_000)
const document = documentOf(routes)
// Both answer after at least 300 ms.
const slow = new Set(['auth.login', 'auth.forgot-password'])

/** Internals that no answer may show: stack traces, paths, queries, names of libraries. */
const internals =
  /[A-Z]\w*Error\b|Exception\b|\bat [\w.<>]+ \(|\.[cm]?[jt]s:\d|node_modules|node:internal|\/(?:home|work|tmp|var|usr)\/|SELECT\b.*\bFROM\b|ECONN|dynamodb|duckdb|is not a function|is not iterable|Cannot read|\[object/i

const securityHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-site',
  'Strict-Transport-Security': 'max-age=63072000; includeSubDomains',
}

type World = Awaited<ReturnType<typeof appWithLake>>

/** Ids of existing items, so that requests find them. */
async function existingIds({ runtime, members, ctx }: World): Promise<string[]> {
  const admin = { ...ctx, orgId: members.orgId, actor: Actor.system('test') }
  const invitation = await Identity.Invitations.create(admin, { email: 'grace@example.com', role: 'viewer' })
  const sessions = await runtime.tables.sessions.all(members.orgId)
  return [...Object.values(members.users).map(({ id }) => id), ...sessions.map(({ id }) => id), invitation.id]
}

/** Prepares the states of an organization and its admin under which each operation is tested. */
const states: ((world: World) => Promise<unknown>)[] = [
  () => Promise.resolve(),
  async ({ runtime, members: { orgId, users } }) =>
    await runtime.tables.users.put(orgId, { ...users.admin, emailVerified: false }),
  async ({ members: { ctx } }) => await Organization.edit(ctx, () => ({ isDemo: true })),
  async ({ members: { ctx } }) => await Organization.edit(ctx, () => ({ requireSecondFactor: true })),
  async ({ members: { ctx } }) =>
    await Organization.edit(ctx, () => ({
      signIn: { issuer: 'https://id.example.com', clientId: 'x', passwords: false },
      tokenIssuer: { issuer: 'https://id.example.com', audience: 'x' },
    })),
  async ({ runtime: { tables }, members: { orgId } }) => {
    for (const { id } of await tables.partitions.all(orgId)) await tables.partitions.remove(orgId, id)
    await tables.heads.remove(orgId, 'head')
  },
  async ({ runtime, members: { orgId, users } }) =>
    await runtime.tables.users.put(orgId, { ...users.admin, role: 'viewer' }),
]

async function tokenOf({ members, ctx }: World): Promise<string> {
  return (
    await Identity.Session.open(
      { ...ctx, orgId: members.orgId, actor: Actor.anonymous() },
      members.users.admin,
      'password',
    )
  ).accessToken
}

/** Sends one request and returns the defect of its answer, if any. */
async function defectOf(world: World, route: Route, wire: WireRequest, address: string): Promise<string | undefined> {
  const { path, method, headers, body } = wire
  const token = route.permission === 'public' ? {} : bearer(await tokenOf(world))
  const init = {
    method,
    headers: { 'X-Test-Address': address, ...token, ...headers },
    ...(body !== undefined && { body }),
  }
  const request = requestFrom(path, init)
  // fetch() refuses some requests itself.
  if (!request) return undefined
  const response = await world.anonymous.request(request)
  const text = await response.text()
  const kind = `${Math.floor(response.status / 100)}xx`
  statusCounts.set(kind, (statusCounts.get(kind) ?? 0) + 1)
  return headerDefect(response) ?? bodyDefect(route, wire, response, text) ?? disclosure(wire, text)
}

function requestFrom(path: string, init: RequestInit): Request | undefined {
  try {
    return new Request(`https://api.example.com${path}`, init)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function headerDefect(response: Response): string | undefined {
  const wrong = Object.entries(securityHeaders).find(([name, value]) => response.headers.get(name) !== value)
  if (wrong) return `the header ${wrong[0]} is ${response.headers.get(wrong[0])}`
  if (!/^[\w.:-]{1,128}$/.test(response.headers.get('X-Request-Id') ?? ''))
    return 'the header X-Request-Id is missing or invalid'
  return response.headers.has('Cache-Control') ? undefined : 'the header Cache-Control is missing'
}

function bodyDefect(
  route: Route,
  { method, isForOperation }: WireRequest,
  response: Response,
  text: string,
): string | undefined {
  const { status } = response
  if (status >= 500) return `the status is ${status}`
  if (method === 'HEAD' || status === 302 || status === 304) return text === '' ? undefined : 'it has a body'
  const type = response.headers.get('Content-Type')
  if (type !== (status < 400 ? 'application/json' : 'application/problem+json')) return `the Content-Type is ${type}`
  try {
    const body: unknown = JSON.parse(text)
    if (isForOperation) checkAnswer(route.id, status, body)
    else if (status >= 400) Problem.parse(body)
    return undefined
  } catch (error) {
    return `it violates the contract: ${String(error)}`
  }
}

function disclosure({ path, body }: WireRequest, text: string): string | undefined {
  const [found] = internals.exec(text) ?? []
  const request = `${decoded(path)} ${typeof body === 'string' ? body : ''}`.toLowerCase()
  return found !== undefined && !request.includes(found.toLowerCase()) ? `it discloses internals: ${found}` : undefined
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (error instanceof URIError) return path
    throw error
  }
}

async function attack(
  route: Route,
  wires: WireRequest[],
  prepare: (world: World) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const world = await appWithLake()
  await prepare(world)
  const queue = wires.entries()
  const work = async (): Promise<void> => {
    for (const [n, wire] of queue) {
      const defect = await defectOf(world, route, wire, `192.0.2.${n}`).catch(
        (error: unknown) => `it threw ${String(error)}`,
      )
      const shown = {
        ...wire,
        body: typeof wire.body === 'string' ? wire.body.slice(0, 500) : wire.body,
        path: wire.path.slice(0, 500),
      }
      expect(defect, `${route.id}, ATTACK_SEED=${seed}: ${JSON.stringify(shown)}`).toBeUndefined()
    }
  }
  await Promise.all(Array.from({ length: slow.has(route.id) ? 50 : 4 }, work))
}

const operations = routes.map((route): [string, Route, Operation] => {
  const operation = document.paths[route.path]?.[route.method]
  if (!operation) throw new Error(`${route.id} is not in the document`)
  return [route.id, route, operation]
})
let sent = 0
const statusCounts = new Map<string, number>()

describe.each(operations)('%s', (_, route, operation) => {
  test('answers valid requests as its contract says', async () => {
    const wires = fc
      .sample(validRequests(operation, await existingIds(await appWithLake())), { numRuns: requestsPerTest, seed })
      .map((one) => encoded(route.path, route.method, one))
    const share = Math.ceil(requestsPerTest / states.length)
    for (const [n, state] of states.entries()) await attack(route, wires.slice(n * share, (n + 1) * share), state)
    sent += wires.length
    expect(wires).toHaveLength(requestsPerTest)
  })

  test('answers malformed requests as its contract says', async () => {
    const requests = fc.tuple(
      validRequests(operation, await existingIds(await appWithLake())),
      fc.array(malformed, { minLength: 1, maxLength: 2 }),
    )
    const wires = fc
      .sample(requests, { numRuns: requestsPerTest, seed })
      .map(([one, changes]) => changes.reduce((wire, change) => change(wire), encoded(route.path, route.method, one)))
    await attack(route, wires)
    sent += wires.length
    expect(wires).toHaveLength(requestsPerTest)
  })
})

test('at least 10,000 requests were sent', () => {
  const kinds = [...statusCounts].toSorted().map(([kind, count]) => `${count} x ${kind}`)
  report(
    `generated requests: ${sent} over ${operations.length} operations, valid and malformed, seed ${seed}: ` +
      `${kinds.join(', ')}, none violates the contract`,
  )
  expect(sent).toBeGreaterThanOrEqual(10_000)
})
