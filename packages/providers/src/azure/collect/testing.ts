import { createHash } from 'node:crypto'
import type { Call, CloudCredentials, Problem } from '@cloudoptima/core'
import { createClouds } from '../../access.ts'
import { listen, type Loopback, type ReceivedRequest, type Reply } from '../../testing/loopback.ts'

type Json = Record<string, unknown>

export const subscriptionId = '22222222-2222-4222-8222-222222222222'
export const credentials: CloudCredentials & { cloud: 'azure' } = {
  cloud: 'azure',
  tenantId: '11111111-1111-4111-8111-111111111111',
  subscriptionId,
  clientId: '33333333-3333-4333-8333-333333333333',
  clientSecret: 'canary-secret',
}
export const storageId = `/subscriptions/${subscriptionId}/resourceGroups/finops/providers/Microsoft.Storage/storageAccounts/acmecosts`

/** A subscription with its exports, resources and metrics. */
export interface FakeSubscription {
  exports?: unknown[]
  /** By `container/name`. */
  blobs?: Map<string, { bytes: Buffer; modifiedAt: Date }>
  /** Resources by type in lower case. */
  graph?: Record<string, Json[]>
  /** The rows of a query by its type and month, as text of JSON. */
  costs?: Record<string, string[]>
  metrics?: (resourceId: string) => Json[]
  commitments?: Json[]
  pageSize?: number
  override?: ((request: ReceivedRequest) => Reply | undefined) | undefined
}

const etagOf = (bytes: Buffer) => `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`

/** Serves the fake at one URL: sign-in, resource manager, blobs and metrics. */
export async function serve(fake: FakeSubscription): Promise<Loopback> {
  const { pageSize = 1000 } = fake
  return await listen((request) => fake.override?.(request) ?? answer({ ...fake, pageSize }, request))
}

function answer(fake: FakeSubscription & { pageSize: number }, request: ReceivedRequest): Reply {
  const { path } = request
  if (path.startsWith('/blob/')) return blobs(fake, request)
  if (path.startsWith('/metrics/')) return metrics(fake, request)
  if (path.endsWith('/exports')) return { body: { value: fake.exports ?? [] } }
  if (path.endsWith('/query')) return costs(fake, request)
  if (path.endsWith('/Microsoft.ResourceGraph/resources')) return graph(fake, request)
  if (/\/(reservations|savingsPlans)$/.test(path)) return list(fake, request, fake.commitments ?? [])
  const authority = `https://${request.headers.host}/${credentials.tenantId}`
  if (path.endsWith('/openid-configuration')) {
    const endpoint = (name: string) => `${authority}/oauth2/v2.0/${name}`
    return {
      body: {
        issuer: `${authority}/v2.0`,
        token_endpoint: endpoint('token'),
        authorization_endpoint: endpoint('authorize'),
        jwks_uri: endpoint('keys'),
      },
    }
  }
  const scope = new URLSearchParams(request.body).get('scope')?.split(' ')[0] ?? ''
  return { body: { token_type: 'Bearer', expires_in: 3600, access_token: `token of ${new URL(scope).host}` } }
}

/** One page of a list, and the position of the next one. */
function page<T>(all: readonly T[], from: string | null, size: number): { items: T[]; next?: string } {
  const start = Number(from ?? 0)
  const end = start + size
  return { items: all.slice(start, end), ...(end < all.length && { next: String(end) }) }
}

const denied = (status: number, code: string): Reply => ({ status, headers: { 'x-ms-error-code': code }, body: '' })

function blobs(
  { blobs = new Map(), pageSize }: FakeSubscription & { pageSize: number },
  request: ReceivedRequest,
): Reply {
  if (request.headers.authorization !== 'Bearer token of storage.azure.com')
    return denied(401, 'InvalidAuthenticationInfo')
  const [, , , container = '', ...rest] = decodeURIComponent(request.path).split('/')
  if (request.query.get('comp') === 'list') {
    const prefix = `${container}/${request.query.get('prefix') ?? ''}`
    const names = [...blobs.keys()].filter((name) => name.startsWith(prefix)).toSorted()
    const { items, next = '' } = page(names, request.query.get('marker'), pageSize)
    const listed = items.map((name) => {
      const { bytes, modifiedAt } = blobs.get(name) ?? { bytes: Buffer.of(), modifiedAt: new Date() }
      const written = name
        .slice(container.length + 1)
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
      return `<Blob><Name>${written}</Name><Properties><Last-Modified>${modifiedAt.toUTCString()}</Last-Modified>
        <Etag>${etagOf(bytes).replaceAll('"', '')}</Etag><Content-Length>${bytes.length}</Content-Length></Properties></Blob>`
    })
    return {
      body: `\uFEFF<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="${container}">
        <Blobs>${listed.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
    }
  }
  const blob = blobs.get([container, ...rest].join('/'))
  if (!blob) return denied(404, 'BlobNotFound')
  const expected = request.headers['if-match']
  if (expected !== undefined && expected !== etagOf(blob.bytes)) return denied(412, 'ConditionNotMet')
  return { body: new Uint8Array(blob.bytes) }
}

function graph({ graph = {}, pageSize }: FakeSubscription & { pageSize: number }, { body }: ReceivedRequest): Reply {
  const { query, options } = JSON.parse(body) as { query: string; options: { $top: number; $skipToken?: string } }
  const type = /type =~ '([^']+)'/.exec(query)?.[1]?.toLowerCase() ?? ''
  const all = graph[type] ?? []
  const { items, next } = page(all, options.$skipToken ?? null, Math.min(options.$top, pageSize))
  const skip = next === undefined ? {} : { $skipToken: next }
  return {
    body: { totalRecords: all.length, count: items.length, data: items, ...skip, resultTruncated: String(!!next) },
  }
}

function list({ pageSize }: { pageSize: number }, { path, query, headers }: ReceivedRequest, all: Json[]): Reply {
  const own = path.endsWith('/reservations') ? 'reservations' : 'savingsPlans'
  const ours = all.filter(({ id }) => String(id).includes(`/${own}/`))
  const { items, next } = page(ours, query.get('$skiptoken'), pageSize)
  const nextLink = next === undefined ? null : `https://${headers.host}${path}?api-version=x&$skiptoken=${next}`
  return { body: { value: items, nextLink } }
}

function costs({ costs = {}, pageSize }: FakeSubscription & { pageSize: number }, request: ReceivedRequest): Reply {
  const { type, timePeriod } = JSON.parse(request.body) as { type: string; timePeriod: { from: string } }
  const { items, next } = page(
    costs[`${type}/${timePeriod.from.slice(0, 7)}`] ?? [],
    request.query.get('$skiptoken'),
    pageSize,
  )
  const columns = ['Cost', 'UsageDate', 'ServiceName', 'ResourceLocation', 'Currency'].map((name) => ({ name }))
  const nextLink = next === undefined ? null : `https://${request.headers.host}${request.path}?$skiptoken=${next}`
  const head = JSON.stringify({ columns, nextLink }).slice(0, -1)
  return { headers: { 'content-type': 'application/json' }, body: `{"properties":${head},"rows":[${items.join()}]}}` }
}

function metrics({ metrics = () => [] }: FakeSubscription, { body, headers, query }: ReceivedRequest): Reply {
  if (headers.authorization !== 'Bearer token of metrics.monitor.azure.com') return { status: 401, body: {} }
  const { resourceids } = JSON.parse(body) as { resourceids: string[] }
  if (resourceids.length > 50) return { status: 400, body: { error: { code: 'BadRequest' } } }
  const asked = query.get('metricnames')?.split(',') ?? []
  const value = (id: string) => metrics(id).filter(({ name }) => asked.includes((name as { value: string }).value))
  return { body: { values: resourceids.map((resourceid) => ({ resourceid, value: value(resourceid) })) } }
}

/** A collection from a fake, with what it reported and which calls it metered. */
export function collection(url: string, now = new Date('2026-11-28T12:00:00Z')) {
  const problems: Problem[] = []
  const taken: Call[] = []
  const abort = new AbortController()
  const endpoints = { authority: url, resourceManager: url, blob: `${url}/blob`, metrics: `${url}/metrics` }
  const access = {
    credentials,
    meter: { take: async (call: Call) => void taken.push(call) },
    report: (problem: Problem) => void problems.push(problem),
    signal: abort.signal,
    now: () => now,
  }
  return { azure: createClouds({ endpoints: { azure: endpoints } }).azure, access, problems, taken, abort }
}
