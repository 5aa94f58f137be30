import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context as Call } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callerReader, isLoopbackOnly, originOf } from './exposure.ts'
import { orgId, tokenOf } from '../organization.ts'
import { type Product, startProduct } from '../product.ts'

function call(remoteAddress: string, forwarded?: string): Call {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return { env: { incoming: { headers, socket: { remoteAddress } } as unknown as IncomingMessage } } as unknown as Call
}

test.each([
  { trustProxy: undefined, from: '127.0.0.1', forwarded: '203.0.113.9', caller: '127.0.0.1' },
  { trustProxy: ['loopback'], from: '127.0.0.1', forwarded: undefined, caller: '127.0.0.1' },
  { trustProxy: ['loopback'], from: '127.0.0.1', forwarded: '203.0.113.9', caller: '203.0.113.9' },
  { trustProxy: ['loopback'], from: '::ffff:127.0.0.1', forwarded: '2001:db8::7', caller: '2001:db8::7' },
  { trustProxy: ['loopback'], from: '127.0.0.1', forwarded: '198.51.100.1, 203.0.113.9', caller: '203.0.113.9' },
  {
    trustProxy: ['loopback', '10.0.0.0/8'],
    from: '127.0.0.1',
    forwarded: '198.51.100.1, 203.0.113.9, 10.1.2.3',
    caller: '203.0.113.9',
  },
  { trustProxy: ['loopback'], from: '203.0.113.9', forwarded: '127.0.0.1', caller: '203.0.113.9' },
  { trustProxy: ['10.0.0.1'], from: '10.0.0.2', forwarded: '203.0.113.9', caller: '10.0.0.2' },
  { trustProxy: ['loopback'], from: '127.0.0.1', forwarded: '203.0.113.9:51234', caller: '203.0.113.9' },
  { trustProxy: ['loopback'], from: '::1', forwarded: '198.51.100.1, [2001:db8::7]:443', caller: '2001:db8::7' },
  {
    trustProxy: ['loopback', '10.0.0.0/8'],
    from: '127.0.0.1',
    forwarded: '203.0.113.9:1, 10.1.2.3:2',
    caller: '203.0.113.9',
  },
  { trustProxy: ['loopback'], from: '127.0.0.1', forwarded: 'unknown', caller: undefined },
  { trustProxy: ['loopback'], from: '127.0.0.1', forwarded: '', caller: '127.0.0.1' },
])(
  'a request from $from that forwards $forwarded, trusting $trustProxy, has the caller $caller',
  ({ trustProxy, from, forwarded, caller }) => {
    expect(callerReader({ trustProxy })(call(from, forwarded))).toBe(caller)
  },
)

test.each(['somewhere', '10.0.0.0/99', ''])('the proxy %j is refused', (proxy) => {
  expect(() => callerReader({ trustProxy: [proxy] })).toThrow(expect.objectContaining({ code: 'invalid' }))
})

test('a public URL must be an origin', () => {
  expect(
    ['https://costs.example.com', 'https://costs.example.com/', 'http://costs.example.com:8080'].map(originOf),
  ).toEqual(['https://costs.example.com', 'https://costs.example.com', 'http://costs.example.com:8080'])
  for (const wrong of [
    'costs.example.com',
    'https://costs.example.com/v1',
    'https://a@costs.example.com',
    'ftp://costs.example.com',
    'https://c.example/?q',
  ])
    expect(() => originOf(wrong)).toThrow(expect.objectContaining({ code: 'invalid' }))
})

test('an API behind a proxy is not limited to this machine', () => {
  expect(
    [
      {},
      { host: '127.0.0.2' },
      { host: 'localhost' },
      { host: '0.0.0.0' },
      { publicUrl: 'https://costs.example.com' },
    ].map(isLoopbackOnly),
  ).toEqual([true, true, true, false, false])
})

describe('behind a TLS proxy', () => {
  let dataDir: string
  let product: Product
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-facing-'))
    product = await startProduct({ dataDir, port: 0, publicUrl: 'https://costs.example.com', trustProxy: ['loopback'] })
  })
  afterAll(async () => {
    await product.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  interface Answer {
    status: number | undefined
    headers: IncomingHttpHeaders
  }

  /** A request that the proxy forwards for a client address. */
  function forwarded(
    path: string,
    address: string | undefined,
    { body, token }: { body?: object; token?: string | undefined } = {},
  ): Promise<Answer> {
    const headers = {
      Host: 'costs.example.com',
      ...(address !== undefined && { 'X-Forwarded-For': address }),
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    }
    return new Promise((resolve, reject) => {
      const asked = request(`${product.api}${path}`, { method: body ? 'POST' : 'GET', headers }, (response) => {
        response.resume()
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers }))
      })
      asked.on('error', reject)
      asked.end(body && JSON.stringify(body))
    })
  }

  test('it answers requests for the name of the proxy, with Strict-Transport-Security', async () => {
    const { status, headers } = await forwarded('/health', '203.0.113.9')
    expect(status).toBe(200)
    expect(headers['strict-transport-security']).toContain('max-age=')
  })

  test('each client of the proxy has its own rate limit and its own address in the audit log', async () => {
    const body = { email: 'nobody@local.example', password: 'not the password' }
    const left = async (address: string) =>
      Number((await forwarded('/auth/login', address, { body })).headers['ratelimit-remaining'])
    const first = await left('203.0.113.9')
    expect([await left('203.0.113.9'), await left('203.0.113.10')]).toEqual([first - 1, first])
    const token = await tokenOf(product.services.runtime, 'admin@local.example')
    expect(
      (await forwarded('/api-keys', '203.0.113.11', { token, body: { name: 'reports', permissions: ['read:costs'] } }))
        .status,
    ).toBeLessThan(300)
    const entries = await product.services.runtime.tables.audit.all(orgId)
    expect(entries.filter(({ ipAddress }) => ipAddress === '203.0.113.11').map(({ action }) => action)).toEqual([
      'api-keys.create',
    ])
  })

  test('links in mails lead to the proxy, and its clients cannot read the mails', async () => {
    await forwarded('/auth/password/forgot', '203.0.113.9', { body: { email: 'admin@local.example' } })
    await expect
      .poll(async () => (await product.services.mails.list())[0]?.text)
      .toContain('https://costs.example.com/v1/')
    const token = await tokenOf(product.services.runtime, 'admin@local.example')
    for (const address of ['203.0.113.9', 'unknown', '127.0.0.1', undefined])
      expect((await forwarded('/_local/outbox', address, { token })).status).toBe(404)
    expect(
      (await fetch(`${product.api}/_local/outbox`, { headers: { Authorization: `Bearer ${token}` } })).status,
    ).toBe(200)
  })
})
