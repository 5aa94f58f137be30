import { routes } from '@cloudoptima/api'
import { Actor, Identity, Organization } from '@cloudoptima/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appWithLake, checkAnswer } from '../../packages/api/src/fixture.ts'
import { documentOf, type Operation } from '../../packages/api/src/openapi.ts'
import { Problem } from '../../packages/api/src/problem.ts'
import type { Route } from '../../packages/api/src/route.ts'
import { asked } from './arbitrary.ts'
import { malformed, type Wire, written } from './malformed.ts'
import { bearer, tell } from './request.ts'

// ATTACK=all tries ten times as many; ATTACK_SEED repeats a run.
const each = process.env['ATTACK'] === 'all' ? 1000 : 100
const seed = Number(process.env['ATTACK_SEED'] ?? Date.now() % 1_000_000)
const document = documentOf(routes)
// Those that answer no sooner than after 300 ms.
const slow = new Set(['auth.login', 'auth.forgot-password'])

/** What never comes out: the words of a crash, a path, a query, a library. */
const inside =
  /[A-Z]\w*Error\b|Exception\b|\bat [\w.<>]+ \(|\.[cm]?[jt]s:\d|node_modules|node:internal|\/(?:home|work|tmp|var|usr)\/|SELECT\b.*\bFROM\b|ECONN|dynamodb|duckdb|is not a function|is not iterable|Cannot read|\[object/i

const always = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-site',
  'Strict-Transport-Security': 'max-age=63072000; includeSubDomains',
}

type World = Awaited<ReturnType<typeof appWithLake>>

/** Ids of everything that the organization has, so that requests meet something. */
async function knownIn({ runtime, members, ctx }: World): Promise<string[]> {
  const admin = { ...ctx, orgId: members.orgId, actor: Actor.system('test') }
  const invitation = await Identity.Invitations.create(admin, { email: 'grace@example.com', role: 'viewer' })
  const sessions = await runtime.tables.sessions.all(members.orgId)
  return [...Object.values(members.users).map(({ id }) => id), ...sessions.map(({ id }) => id), invitation.id]
}

/** States that an organization and its admin can be in: each is asked the same. */
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

/** Sends one request and says what is wrong with its answer. */
async function faultOf(world: World, route: Route, wire: Wire, address: string): Promise<string | undefined> {
  const { path, method, headers, body } = wire
  const token = route.permission === 'public' ? {} : bearer(await tokenOf(world))
  const init = {
    method,
    headers: { 'X-Test-Address': address, ...token, ...headers },
    ...(body !== undefined && { body }),
  }
  const request = requestFrom(path, init)
  // What fetch itself does not let out is never asked.
  if (!request) return undefined
  const response = await world.anonymous.request(request)
  const text = await response.text()
  const kind = `${Math.floor(response.status / 100)}xx`
  answered.set(kind, (answered.get(kind) ?? 0) + 1)
  return headerFault(response) ?? bodyFault(route, wire, response, text) ?? insideFault(wire, text)
}

function requestFrom(path: string, init: RequestInit): Request | undefined {
  try {
    return new Request(`https://api.example.com${path}`, init)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function headerFault(response: Response): string | undefined {
  const wrong = Object.entries(always).find(([name, value]) => response.headers.get(name) !== value)
  if (wrong) return `the header ${wrong[0]} is ${response.headers.get(wrong[0])}`
  if (!/^[\w.:-]{1,128}$/.test(response.headers.get('X-Request-Id') ?? '')) return 'there is no request id'
  return response.headers.has('Cache-Control') ? undefined : 'nothing says whether to keep it'
}

function bodyFault(
  route: Route,
  { method, isForOperation }: Wire,
  response: Response,
  text: string,
): string | undefined {
  const { status } = response
  if (status >= 500) return 'it is a fault of ours'
  if (method === 'HEAD' || status === 302 || status === 304) return text === '' ? undefined : 'there is a body'
  const type = response.headers.get('Content-Type')
  if (type !== (status < 400 ? 'application/json' : 'application/problem+json')) return `its type is ${type}`
  try {
    const body: unknown = JSON.parse(text)
    if (isForOperation) checkAnswer(route.id, status, body)
    else if (status >= 400) Problem.parse(body)
    return undefined
  } catch (error) {
    return `it is not what the contract says: ${String(error)}`
  }
}

function insideFault({ path, body }: Wire, text: string): string | undefined {
  const [found] = inside.exec(text) ?? []
  const said = `${decoded(path)} ${typeof body === 'string' ? body : ''}`.toLowerCase()
  return found !== undefined && !said.includes(found.toLowerCase())
    ? `it shows something of the inside: ${found}`
    : undefined
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
  wires: Wire[],
  prepare: (world: World) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const world = await appWithLake()
  await prepare(world)
  const waiting = wires.entries()
  const work = async (): Promise<void> => {
    for (const [n, wire] of waiting) {
      const fault = await faultOf(world, route, wire, `192.0.2.${n}`).catch(
        (error: unknown) => `it threw ${String(error)}`,
      )
      const shown = {
        ...wire,
        body: typeof wire.body === 'string' ? wire.body.slice(0, 500) : wire.body,
        path: wire.path.slice(0, 500),
      }
      expect(fault, `${route.id}, ATTACK_SEED=${seed}: ${JSON.stringify(shown)}`).toBeUndefined()
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
const answered = new Map<string, number>()

describe.each(operations)('%s', (_, route, operation) => {
  test('answers what the contract allows as the contract says', async () => {
    const wires = fc
      .sample(asked(operation, await knownIn(await appWithLake())), { numRuns: each, seed })
      .map((one) => written(route.path, route.method, one))
    const share = Math.ceil(each / states.length)
    for (const [n, state] of states.entries()) await attack(route, wires.slice(n * share, (n + 1) * share), state)
    sent += wires.length
    expect(wires).toHaveLength(each)
  })

  test('answers what is malformed as the contract says', async () => {
    const twice = fc.tuple(
      asked(operation, await knownIn(await appWithLake())),
      fc.array(malformed, { minLength: 1, maxLength: 2 }),
    )
    const wires = fc
      .sample(twice, { numRuns: each, seed })
      .map(([one, changes]) => changes.reduce((wire, change) => change(wire), written(route.path, route.method, one)))
    await attack(route, wires)
    sent += wires.length
    expect(wires).toHaveLength(each)
  })
})

test('no fewer than 10,000 requests were made', () => {
  const kinds = [...answered].toSorted().map(([kind, count]) => `${count} x ${kind}`)
  tell(
    `generated requests: ${sent} over ${operations.length} operations, valid and malformed, seed ${seed}: ${kinds.join(', ')}, none outside the contract`,
  )
  expect(sent).toBeGreaterThanOrEqual(10_000)
})
