import { createApp, routes } from '@cloudoptima/api'
import { Actor, Identity } from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkAnswer } from '../../packages/api/src/fixture.ts'
import { documentOf } from '../../packages/api/src/openapi.ts'
import { hasBody, type Route, takesKey } from '../../packages/api/src/route.ts'
import { openWorld, type World } from '../world.ts'
import { bearer, requestOf, report } from './request.ts'

type Json = Record<string, unknown>

const document = documentOf(routes)
let world: World
let app: ReturnType<typeof createApp>
let member: { token(): Promise<string> }

beforeAll(async () => {
  const { clouds } = memoryRuntime()
  world = await openWorld({ wrap: (runtime) => ({ ...runtime, clouds }) })
  const { runtime } = world.services
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, fields: unknown) => void failures.push({ message, fields }),
  }
  app = createApp({
    runtime,
    log,
    address: (c) => c.req.header('X-Test-Address'),
    publicUrl: 'https://api.example.com',
  })
  const user = await Identity.foundOrganization(
    world.ctx,
    {
      name: 'x',
      email: 'admin@example.com',
      emailVerified: true,
      passwordHash: await runtime.passwords.hash('correct horse battery staple'),
    },
    { tier: 'enterprise' },
  )
  const anonymous = { ...world.ctx, actor: Actor.anonymous() }
  member = { token: async () => (await Identity.Session.open(anonymous, user, 'password')).accessToken }
})
afterAll(async () => await world.end())

/** Answers with status 5xx. */
const broken: string[] = []
const failures: { message: string; fields: unknown }[] = []

/** A character of three bytes, and one of a single byte, of which more fit into a body. */
const units = ['\uffee', 'x']

/** The largest value that a schema allows, with texts of one repeated character. */
function largest(schema: Json, name: string, unit: string): unknown {
  const [first] = (schema['anyOf'] ?? schema['oneOf'] ?? []) as Json[]
  if (first) return largest(first, name, unit)
  if (Array.isArray(schema['enum'])) return (schema['enum'] as unknown[]).at(-1)
  switch (schema['type']) {
    case 'string':
      return longest(schema, name, unit)
    case 'array':
      return repeated(largest(schema['items'] as Json, name, unit), Number(schema['maxItems'] ?? 1000))
    case 'object':
      if (!schema['properties'])
        return { [keyOf(schema, unit)]: largest(schema['additionalProperties'] as Json, name, unit) }
      return Object.fromEntries(
        Object.entries(schema['properties'] as Record<string, Json>).map(([field, inner]) => [
          field,
          largest(inner, field, unit),
        ]),
      )
    case 'integer':
      return schema['maximum'] ?? schema['minimum'] ?? 0
    default:
      // `true` for a setting such as require_second_factor would lock the caller out.
      return false
  }
}

/** The longest key of a record. */
function keyOf({ propertyNames = { type: 'string', maxLength: 100 } }: Json, unit: string): string {
  return String(largest(propertyNames as Json, 'key', unit))
}

/** As many items as allowed, within the body limit of 1 MB. */
function repeated(item: unknown, maxItems: number): unknown[] {
  const fitting = Math.floor(900_000 / Buffer.byteLength(JSON.stringify(item)))
  return Array.from({ length: Math.max(1, Math.min(maxItems, fitting)) }, () => item)
}

function longest({ pattern, maxLength, format }: Json, name: string, unit: string): string {
  const length = Number(maxLength ?? 200_000)
  if (name === 'email') return `${'x'.repeat(60)}@${'y'.repeat(60)}.example`
  if (name === 'time_zone') return 'America/Argentina/ComodRivadavia'
  if (format === 'uri') return `https://example.com/${'x'.repeat(length - 20)}`
  if (typeof pattern !== 'string') return unit.repeat(length)
  const regex = new RegExp(pattern)
  const candidates = [
    'USD',
    `arn:aws:iam::123456789012:role/${'x'.repeat(512)}`,
    'x'.repeat(30),
    'a'.repeat(64),
    'A'.repeat(40_000),
    `${'x'.repeat(9_000)}.com`,
    `${'x'.repeat(200)}.com`,
  ]
  return candidates.find((candidate) => regex.test(candidate)) ?? '6b1f7c1e-8d2a-4f0b-9c3d-2e4a5b6c7d8e'
}

/** The largest requests of an operation: with all fields at their maximum, and with each field alone at its maximum. */
function requestsOf(route: Route, unit: string): Json[] {
  const operation = document.paths[route.path]?.[route.method]
  const inPlace = (operation?.parameters ?? [])
    .filter((parameter) => parameter.in !== 'header')
    .map(({ name, schema }): [string, Json] => [name, schema])
  const body = operation?.requestBody?.content['application/json']?.schema['properties'] as
    | Record<string, Json>
    | undefined
  const fields = [...inPlace, ...Object.entries(body ?? {})]
    .filter(([name]) => name !== 'filter')
    .map(([name, schema]) => [name, largest(schema, name, unit)] as const)
  return [Object.fromEntries(fields), ...fields.map(([name, value]) => ({ [name]: value }))]
}

async function statusOf(route: Route, input: Json, headers: Record<string, string>, address: string): Promise<number> {
  const token = route.permission === 'public' ? {} : bearer(await member.token())
  const { path, init } = requestOf(route, { input, headers: { ...headers, ...token, 'X-Test-Address': address } })
  const response = await app.request(path, init)
  const text = await response.text()
  const description =
    `${route.id} ${path.slice(0, 100)} ${JSON.stringify(input).slice(0, 200)}: ` +
    JSON.stringify(failures.at(-1), (_, value: unknown) => (value instanceof Error ? value.message : value))
  if (response.status >= 500) broken.push(`${response.status} ${description} ${text}`)
  else if (text) checkAnswer(route.id, response.status, JSON.parse(text))
  return response.status
}

test('every value that the contract allows can be stored', async () => {
  let count = 0
  const slow = new Set(['auth.login', 'auth.forgot-password'])
  for (const route of routes.filter(({ id }) => !slow.has(id))) {
    for (const [n, input] of units.flatMap((unit) => requestsOf(route, unit)).entries()) {
      await statusOf(route, input, {}, `192.0.2.${count++ % 200}`)
      if (takesKey(route))
        await statusOf(
          route,
          input,
          { 'Idempotency-Key': `${route.id}-${n}-`.padEnd(255, 'k') },
          `192.0.2.${count++ % 200}`,
        )
    }
  }
  expect(broken).toEqual([])
  report(`limits: ${count} requests of maximum size over the embedded services, none answered 5xx`)
})

test('an unknown field of almost a megabyte is never answered 5xx, with and without an Idempotency-Key', async () => {
  const large = { nonsense: 'x'.repeat(900_000) }
  const withBody = routes.filter((route) => hasBody(route))
  for (const route of withBody) {
    const keyed = takesKey(route) ? { 'Idempotency-Key': `large-${route.id}` } : {}
    const status = await statusOf(route, large, keyed, '192.0.2.250')
    expect(status < 300 || status === 422 || status === 409 || status === 404, `${route.id} ${status}`).toBe(true)
  }
  expect(broken).toEqual([])
  report(`limits: ${withBody.length} bodies of a megabyte`)
})
