import * as z from 'zod'
import {
  Actor,
  type Context,
  Identity,
  Organization,
  type Queries,
  type Role,
  roles,
  type Snapshot,
} from '@cloudoptima/core'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { expect } from 'vitest'
import { createApp } from './app.ts'
import { documentOf, type Operation } from './openapi.ts'
import { routes } from './routes.ts'
import { isRecord } from './wire.ts'

const partition = 'AWS/1234567890123/2024-09'

const snapshot: Snapshot.Info = {
  id: partition,
  partition,
  provider: 'AWS',
  billingAccountId: '1234567890123',
  period: '2024-09',
  snapshotId: 'imp_1',
  raw: 'imp_1',
  version: 1,
  lakeVersion: 1,
  at: '2024-10-05T00:00:00.000Z',
  digest: 'd',
  formats: ['focus-1.0'],
  siblings: 1,
  rows: 2,
  days: { first: '2024-09-01', last: '2024-09-30' },
  totals: [{ currency: 'USD', billed: '3', effective: '2.5', list: null, contracted: null }],
  control: [{ currency: 'USD', total: '3', rows: 2, metric: 'billed' }],
  kind: 'bill',
  files: { costs: ['costs'], cost_rollup: ['rollup'] },
}

const held: { [Name in keyof Queries]: Queries[Name]['row'][] } = {
  costByDay: [],
  costByGroup: [],
  chargesByDay: [],
  costSeries: [],
  costShares: [],
  costOverview: [
    { part: 'day', key: '2024-09-29', currency: 'USD', cost: '2.25' },
    { part: 'day', key: '2024-09-30', currency: 'USD', cost: '0.25' },
    { part: 'day', key: '2024-09-30', currency: 'EUR', cost: '1' },
    { part: 'dimension', key: 'EC2', currency: 'USD', cost: '2.25' },
    { part: 'dimension', key: null, currency: 'USD', cost: '0.25' },
    { part: 'dimension', key: null, currency: 'EUR', cost: '1' },
  ],
  costByService: [{ provider: 'AWS', service: 'EC2', currency: 'USD', current: '2.5', previous: '0' }],
  topResources: [{ provider: 'AWS', service: 'EC2', resourceId: 'i-1', currency: 'USD', cost: '2.5' }],
  costChanges: [
    {
      currency: 'USD',
      provider: 'AWS',
      account: '1234567890123',
      service: 'EC2',
      resource: 'i-1',
      kind: 'usage',
      leaf: '1',
      before: '2',
      after: '2.5',
      quantityBefore: '4',
      quantityAfter: '6',
      ratedBefore: '0',
      ratedAfter: '0',
      pricedBefore: '0',
      pricedAfter: '0',
    },
  ],
  costRestatements: [
    {
      pair: 0,
      currency: 'USD',
      service: 'EC2',
      day: '2024-09-30',
      cause: 'lateUsage',
      rowsBefore: 0,
      rowsAfter: 1,
      before: '0',
      after: '0.5',
    },
  ],
  excludedCosts: [],
  dailyTotals: [],
  measurable: [],
  resources: [],
  resourceChanges: [],
  resourceCount: [{ count: 0 }],
  snapshotCounts: [],
  utilization: [],
  utilizationLevels: [],
  resourceCosts: [],
  tagCoverage: [],
  resourceCharges: [],
  commitmentCosts: [],
  committedUse: [],
  onDemandUsage: [],
  reconciliation: [
    {
      provider: 'AWS',
      billingAccountId: '1234567890123',
      currency: 'USD',
      kind: 'commitment_used',
      rows: 2,
      billed: '3',
      effective: '2.5',
      list: null,
      contracted: null,
    },
  ],
}

/** An organization with one user, and that user's access token, for each role. */
export interface Members {
  orgId: string
  ctx: Context
  users: Record<Role, Identity.User.Info>
  tokens: Record<Role, string>
}

/**
 * The app over a small lake in memory, with an organization of one user for each role. `app` sends the admin's token,
 * `anonymous` none. `counts` counts the queries to the lake, `lines` are the log.
 */
export async function appWithLake() {
  const counts = { queries: 0 }
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = []
  const write = (message: string, fields?: Record<string, unknown>) => void lines.push({ message, fields })
  const log = { info: write, warn: write, error: write }
  const runtime = memoryRuntime(() => ({
    query: async (name) => {
      counts.queries++
      return held[name]
    },
  }))
  await runtime.tables.partitions.put('org_test', snapshot)
  await runtime.tables.heads.put('org_test', { id: 'head', version: 1, at: snapshot.at, moves: [], excluded: [] })
  const now = () => new Date(clock.now)
  const clock = { now: Date.parse('2026-11-23T08:00:00Z') }
  const ctx = testContext(runtime, { log, now })
  const members = await organization(ctx, 'org_test')
  // Tests set their own address, because all requests of one address share a rate limit.
  const anonymous = createApp({
    runtime,
    log,
    now,
    publicUrl: 'https://api.example.com',
    address: (c) => c.req.header('X-Test-Address') ?? '192.0.2.1',
  })
  const as = (token: string) => ({
    request: async (path: string, init: RequestInit = {}): Promise<Response> =>
      await anonymous.request(path, {
        ...init,
        headers: { Authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) },
      }),
  })
  return { app: as(members.tokens.admin), as, anonymous, ctx, runtime, counts, lines, members, clock }
}

/** Creates an organization of the tier `enterprise` with one user for each role. */
export async function organization(base: Context, orgId: string): Promise<Members> {
  const ctx: Context = { ...base, orgId, actor: Actor.system('test') }
  await ctx.tables.organizations.put(orgId, Organization.founded(orgId, orgId, '', ctx.now(), { tier: 'enterprise' }))
  const passwordHash = await ctx.runtime.passwords.hash('correct horse battery staple')
  const made = await Promise.all(
    roles.map(async (role) => {
      const user = Identity.User.created(ctx, {
        id: ctx.newId('usr'),
        email: `${role}@${orgId.replaceAll('_', '-')}.example`,
        role,
        emailVerified: true,
      })
      await Identity.addUser(ctx, user, passwordHash)
      await Identity.Members.addToAdmins(ctx, user)
      const { accessToken } = await Identity.Session.open({ ...ctx, orgId, actor: Actor.anonymous() }, user, 'password')
      return [role, { user, accessToken }] as const
    }),
  )
  const pick = <Value>(value: (one: (typeof made)[number][1]) => Value) =>
    Object.fromEntries(made.map(([role, one]) => [role, value(one)])) as Record<Role, Value>
  await Organization.edit(ctx, ({ adminIds }) => ({ adminIds: adminIds.filter((id) => id !== '') }))
  return { orgId, ctx, users: pick(({ user }) => user), tokens: pick(({ accessToken }) => accessToken) }
}

const document = documentOf(routes)
const answers = new Map(routes.map(({ id, method, path }) => [id, document.paths[path]?.[method]] as const))

/** Status, example and schema name of an operation's successful answer. */
export function goodAnswer({ responses }: Operation): { status: string; schema: string; example: unknown } {
  const [status, response] = Object.entries(responses).find(([status]) => /^2|^302$/.test(status)) ?? []
  const content = isRecord(response?.['content']) ? response['content']['application/json'] : undefined
  const schema = isRecord(content) && isRecord(content['schema']) ? content['schema']['$ref'] : undefined
  return {
    status: status ?? '',
    schema: typeof schema === 'string' ? (schema.split('/').at(-1) ?? '') : '',
    example: isRecord(content) ? content['example'] : undefined,
  }
}

const schemas = new Map<string, z.ZodType>()

/** A schema of the document, cached because some tests check thousands of answers. */
function schemaOf(name: string): z.ZodType {
  const made = schemas.get(name) ?? z.fromJSONSchema(document.components.schemas[name] ?? false)
  schemas.set(name, made)
  return made
}

/** Throws if the body does not match the published schema of the operation's answer of this status. */
export function checkAnswer(id: string, status: number, body: unknown): void {
  const operation = answers.get(id)
  if (!operation) throw new Error(`The document has no operation ${id}`)
  const good = goodAnswer(operation)
  if (!(String(status) in operation.responses)) throw new Error(`The contract of ${id} does not list status ${status}`)
  schemaOf(String(status) === good.status ? good.schema : 'Problem').parse(body)
}

export const jsonType = { 'Content-Type': 'application/json' }
/** A POST request with a JSON body; a string is sent unchanged. */
export const posted = (body: unknown, headers: Record<string, string> = jsonType): RequestInit => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

interface Body {
  type: string
  title: string
  status: number
  detail: string
  code: string
  requestId: string
  errors?: { path: string; message: string }[]
}

/** Asserts the fields that every problem has, and returns the body. */
export async function problemOf(response: Response, status: number, code: string): Promise<Body> {
  const body = (await response.json()) as Body
  expect([response.status, response.headers.get('Content-Type')]).toEqual([status, 'application/problem+json'])
  expect(body).toMatchObject({
    type: `/v1/docs/errors#${code}`,
    status,
    code,
    title: expect.any(String),
    detail: expect.any(String),
  })
  expect(body.requestId).toBe(response.headers.get('X-Request-Id'))
  return body
}
