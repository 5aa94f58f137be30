import { Hono } from 'hono'
import { beforeAll, describe, expect, test } from 'vitest'
import { createApp } from './app.ts'
import { appWithLake, posted } from './fixture.ts'
import { headerOf, securityHeaders } from './host.ts'

const origin = 'https://app.example.com'
type Made = Awaited<ReturnType<typeof appWithLake>>
let made: Made

/** The app with CORS and one route that the host adds. */
function appAt(publicUrl: string) {
  const { runtime, clock } = made
  const quiet = () => undefined
  const log = { info: quiet, warn: quiet, error: quiet }
  const app = createApp({
    runtime,
    log,
    now: () => new Date(clock.now),
    address: () => '192.0.2.7',
    publicUrl,
    corsOrigins: [origin],
  })
  app.get('/v1/_added', (c) => c.json({}))
  return app
}

beforeAll(async () => {
  made = await appWithLake()
})

type Case = [title: string, status: number, path: string, init?: RequestInit, token?: true]

const preflight = {
  method: 'OPTIONS',
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'authorization',
  },
}
const cases: Case[] = [
  ['an answer', 200, '/v1/health'],
  ['an answer to another origin', 200, '/v1/health', { headers: { Origin: origin } }],
  ['an answer about costs', 200, '/v1/costs/overview', {}, true],
  ['a current answer', 304, '/v1/costs/overview', { headers: { 'If-None-Match': '*' } }, true],
  ['the contract', 200, '/v1/openapi.json'],
  ['a refused body', 400, '/v1/auth/login', posted('{')],
  ['a request without a token', 401, '/v1/costs/overview'],
  ['an unknown path', 404, '/v1/nothing'],
  ['an unknown asset', 404, '/v1/docs/nothing.js'],
  ['the wrong method', 405, '/v1/costs/overview', { method: 'POST' }],
  ['a preflight', 204, '/v1/costs/overview', preflight],
  ['a preflight of an unknown path', 204, '/v1/nothing', preflight],
  ['the page of the reference', 200, '/v1/docs'],
  ['the page of the errors', 200, '/v1/docs/errors'],
  ['a script of the reference', 200, '/v1/docs/initializer.js'],
  ['an image of the reference', 200, '/v1/docs/favicon-32x32.png'],
  ['a route of the host', 200, '/v1/_added'],
]

async function send(publicUrl: string, [, , path, init = {}, token]: Case): Promise<Response> {
  const headers = {
    ...(init.headers as Record<string, string> | undefined),
    ...(token && { Authorization: `Bearer ${made.members.tokens.admin}` }),
  }
  return await appAt(publicUrl).request(path, { ...init, headers })
}

describe('every answer has the security headers', () => {
  test.each(cases)('%s (%i)', async (...row) => {
    const [, status, path] = row
    const { headers, status: found } = await send('https://api.example.com', row)
    expect(found).toBe(status)
    expect(Object.fromEntries(headers)).toMatchObject({
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-site',
      'x-request-id': expect.stringMatching(/^req_/),
    })
    const policy = headers.get('Content-Security-Policy')?.split('; ')
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]),
    )
    const isPage = path.startsWith('/v1/docs') && status === 200
    expect(policy?.includes("script-src 'self'")).toBe(isPage)
    expect(headers.get('Cache-Control')).toBe(
      isPage
        ? 'no-cache'
        : path.startsWith('/v1/costs') && [200, 304].includes(status)
          ? 'private, no-cache'
          : 'no-store',
    )
  })

  test('a redirect to the provider of an organization', async () => {
    const { app, anonymous, runtime } = await appWithLake()
    const flow = {
      url: 'https://idp.example/authorize',
      state: 'state',
      nonce: 'nonce',
      codeVerifier: 'verifier',
      redirectUri: 'https://api.example.com',
    }
    runtime.openId.begin = () => Promise.resolve(flow)
    const signIn = { issuer: 'https://idp.example', client_id: 'client', client_secret: 'canary-secret' }
    expect((await app.request('/v1/organization/sign-in', { ...posted(signIn), method: 'PUT' })).status).toBe(200)
    const response = await anonymous.request('/v1/auth/oidc/org_test')
    expect([response.status, response.headers.get('Location')]).toEqual([302, flow.url])
    for (const [name, value] of Object.entries(securityHeaders({ publicUrl: 'https://api.example.com' })))
      expect([name, response.headers.get(name)]).toEqual([name, value])
  })

  test('an answer over plain HTTP has no Strict-Transport-Security', async () => {
    for (const row of cases)
      expect((await send('http://127.0.0.1:4000', row)).headers.has('Strict-Transport-Security')).toBe(false)
  })
})

test('headers come from node:http where it received the request, and else from the request', async () => {
  const app = new Hono().get('/', (c) => c.text(headerOf(c, 'x-test') ?? 'none'))
  const request = (headers: Record<string, string>) => new Request('http://localhost/', { headers })
  const textOf = async (env: object, headers = {}) => await (await app.fetch(request(headers), env)).text()
  expect(await textOf({ incoming: { headers: { 'x-test': 'node' } } }, { 'X-Test': 'fetch' })).toBe('node')
  expect(await textOf({ incoming: { headers: { 'x-test': ['a', 'b'] } } })).toBe('a, b')
  expect(await textOf({}, { 'X-Test': 'fetch' })).toBe('fetch')
  expect(await textOf({ incoming: { headers: {} } }, { 'X-Test': 'fetch' })).toBe('none')
})
