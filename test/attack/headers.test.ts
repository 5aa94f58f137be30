import { createApp } from '@cloudoptima/api'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { expect, test } from 'vitest'
import { bearer, report } from './request.ts'

const { log, runtime } = testContext(memoryRuntime())
const host = {
  runtime,
  log,
  address: () => '192.0.2.1',
  publicUrl: 'https://api.example.com',
  corsOrigins: ['https://app.example.com'],
}
const app = createApp(host)
const origin = { Origin: 'https://app.example.com' }

/** Requests outside the operations: the reference, preflights and unknown paths. */
const cases: [string, RequestInit][] = [
  ['/v1/openapi.json', {}],
  ['/v1/docs', {}],
  ['/v1/docs/errors', {}],
  ['/v1/docs/initializer.js', {}],
  ['/v1/docs/none', {}],
  ['/v1/docs', { method: 'POST' }],
  ['/v1/openapi.json', { method: 'HEAD' }],
  ['/v1/openapi.json', { headers: origin }],
  ['/v1/nothing', {}],
  ['/', {}],
  ['/v1/me', {}],
  ['/v1/me', { headers: bearer('x') }],
  ['/v1/me', { method: 'PATCH' }],
  ['/v1/me', { method: 'OPTIONS' }],
  ['/v1/me', { method: 'OPTIONS', headers: { ...origin, 'Access-Control-Request-Method': 'GET' } }],
  [
    '/v1/me',
    { method: 'OPTIONS', headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' } },
  ],
  ['/v1/me', { headers: { Origin: 'https://evil.example' } }],
  ['/v1/health', { headers: origin }],
]

test.each(cases)('the answer to %s %o has a request id and the security headers', async (path, init) => {
  const response = await app.request(path, init)
  const header = (name: string) => response.headers.get(name)
  expect(header('X-Request-Id')).toMatch(/^req_\w{26}$/)
  expect(header('X-Content-Type-Options')).toBe('nosniff')
  expect(header('X-Frame-Options')).toBe('DENY')
  expect(header('Referrer-Policy')).toBe('no-referrer')
  expect(header('Content-Security-Policy')).toContain("default-src 'none'")
  expect(header('Content-Security-Policy')).not.toMatch(/unsafe|\*/)
  expect(header('Strict-Transport-Security')).toMatch(/max-age=\d{8}/)
  expect(header('Cache-Control')).not.toBe(null)
  expect(header('Access-Control-Allow-Credentials')).toBe(null)
  expect([null, 'https://app.example.com']).toContain(header('Access-Control-Allow-Origin'))
})

test('CORS allows the configured origins only, and none by default', async () => {
  const origins = [
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://APP.example.com',
    '*',
  ]
  for (const one of origins) {
    const response = await app.request('/v1/health', { headers: { Origin: one } })
    expect(response.headers.get('Access-Control-Allow-Origin'), one).toBe(null)
  }
  const { corsOrigins: _, ...plain } = host
  const response = await createApp(plain).request('/v1/health', { headers: origin })
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(null)
  report(`headers: ${cases.length} requests outside the operations, ${origins.length} foreign origins`)
})
