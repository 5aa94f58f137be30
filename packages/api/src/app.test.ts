import { describe, expect, test } from 'vitest'
import { createApp } from './app.ts'
import { appWithLake, checkAnswer, problemOf } from './fixture.ts'

describe('GET /v1/health', () => {
  test('is public, and reports tables and blobs', async () => {
    const { anonymous } = await appWithLake()
    const response = await anonymous.request('/v1/health')
    const body: unknown = await response.json()
    checkAnswer('health.get', response.status, body)
    expect(body).toMatchObject({ status: 'ok', checks: [{ name: 'tables' }, { name: 'blobs' }] })
  })

  test('reports the queues that the host names, and none that a caller names', async () => {
    const { app, runtime, ctx } = await appWithLake()
    await runtime.queues.send('ml', null)
    expect(await (await app.request('/v1/health')).json()).not.toHaveProperty('queues')
    expect((await app.request('/v1/health?none=1')).status).toBe(422)
    const host = { runtime, log: ctx.log, address: () => undefined, publicUrl: 'http://127.0.0.1:4000' }
    const local = createApp({ ...host, queues: ['ml', 'processing'] })
    const response = await local.request('/v1/health?queues=other')
    const body: unknown = await response.json()
    checkAnswer('health.get', response.status, body)
    const none = { waiting: 0, in_flight: 0, delayed: 0, oldest_seconds: null, dead: 0 }
    expect(body).toMatchObject({
      checks: [{ name: 'tables' }, { name: 'blobs' }, { name: 'queues' }],
      queues: [
        { ...none, queue: 'ml', waiting: 1 },
        { ...none, queue: 'processing' },
      ],
    })
  })

  test('answers 503 with the failed check, without the cause', async () => {
    const { app, runtime } = await appWithLake()
    runtime.blobs.list = async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.7:9000')
    }
    const response = await app.request('/v1/health')
    const body = await problemOf(response, 503, 'unavailable')
    expect(body.errors).toEqual([{ path: 'blobs', message: 'does not answer' }])
    expect(response.headers.get('Retry-After')).toBe('5')
  })
})

describe('every fault is a problem', () => {
  test('an unknown path is 404; a wrong method is 405 with the header Allow', async () => {
    const { app } = await appWithLake()
    for (const path of ['/', '/v1', '/v1/costs', '/v1/costs/overview/', '/v2/health', '/v1/costs/%ff'])
      await problemOf(await app.request(path), 404, 'not_found')
    const wrong = await app.request('/v1/costs/overview', { method: 'POST' })
    await problemOf(wrong, 405, 'method_not_allowed')
    expect(wrong.headers.get('Allow')).toBe('GET')
    expect((await app.request('/v1/imports', { method: 'DELETE' })).headers.get('Allow')).toBe('POST, GET')
    expect((await app.request('/v1/costs/overview', { method: 'HEAD' })).status).toBe(200)
  })

  test('an unknown error is logged with the request id, and the answer hides it', async () => {
    const { app, lines, runtime } = await appWithLake()
    const secret = new Error('SELECT password FROM users at /srv/app/secret.ts')
    runtime.lake.query = async () => {
      throw secret
    }
    const response = await app.request('/v1/costs/overview', { headers: { 'X-Request-Id': 'trace-1' } })
    const text = await response.clone().text()
    const body = await problemOf(response, 500, 'internal')
    expect(body.requestId).toBe('trace-1')
    expect(text).not.toMatch(/password|SELECT|secret/)
    expect(lines).toContainEqual({
      message: 'request failed',
      fields: expect.objectContaining({ requestId: 'trace-1', error: secret }),
    })
  })

  test('an error during authentication is answered 500', async () => {
    const { app, runtime } = await appWithLake()
    runtime.tables.users.get = async () => {
      throw new Error('no organization')
    }
    const body = await problemOf(await app.request('/v1/costs/overview'), 500, 'internal')
    expect(body.detail).not.toContain('organization')
  })

  test('a valid request id is returned; an invalid one is replaced', async () => {
    const { app } = await appWithLake()
    const idOf = async (given: string) =>
      (await app.request('/v1/health', { headers: { 'X-Request-Id': given } })).headers.get('X-Request-Id')
    expect(await idOf('abc-1.2:3')).toBe('abc-1.2:3')
    expect(await idOf('a b<script>')).toMatch(/^req_\w{26}$/)
    expect(await idOf('x'.repeat(129))).toMatch(/^req_\w{26}$/)
  })
})
