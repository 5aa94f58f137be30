import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { routes } from './app.ts'
import { appWithLake, checkAnswer } from './fixture.ts'

const json = { 'Content-Type': 'application/json' }
const announce = (body: unknown, headers: Record<string, string> = json): RequestInit => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

describe('GET /v1/costs/overview', () => {
  test('answers as the specification has it', async () => {
    const { app } = await appWithLake()
    const response = await app.request('/v1/costs/overview?start_date=2024-09-29&end_date=2024-09-30&granularity=daily&group_by=service&cloud_provider=aws')
    const body: unknown = await response.json()
    expect(response.status).toBe(200)
    checkAnswer('costs.overview', 200, body)
    expect(body).toMatchObject({
      total_cost: 2.5,
      currency: 'USD',
      period_comparison: { previous_period: 0, change_percent: null },
      breakdown: [
        { dimension: 'EC2', cost: 2.25, percentage: 90 },
        { dimension: '(none)', cost: 0.25, percentage: 10 },
      ],
      time_series: [
        { date: '2024-09-29', cost: 2.25 },
        { date: '2024-09-30', cost: 0.25 },
      ],
      meta: {
        currency: 'USD',
        metric: 'effective',
        basis: 'charge',
        lake_version: 1,
        complete_until: '2024-09-30',
        missing: [{ kind: 'exchange_rate', currency: 'EUR', amount: '1' }],
      },
    })
  })

  test.each([
    ['start_date=2024-09-02&end_date=2024-09-01', 'end_date'],
    ['start_date=yesterday', 'start_date'],
    ['granularity=hourly', 'granularity'],
    ['granularity=daily&granularity=weekly', 'granularity'],
    ['group_by=tag', 'tag_key'],
    ['group_by=colour', 'group_by'],
    ['limit=many', 'limit'],
    ['limit=0', 'limit'],
    ['as_of=2024', 'as_of'],
    ['granularty=daily', 'granularty'],
    ['filters=x', 'filters'],
    ['filter[colour]=red', 'filters.0.dimension'],
    ['filter[tag]=x', 'filters.0.tag_key'],
    ['start_date=2010-01-01&end_date=2024-01-01', 'start_date'],
  ])('refuses ?%s with 422 and names %s', async (query, path) => {
    const { app } = await appWithLake()
    const response = await app.request(`/v1/costs/overview?${query}`)
    const body = await problemOf(response, 422, 'invalid')
    expect(body.errors).toEqual([{ path, message: expect.any(String) }])
    checkAnswer('costs.overview', 422, body)
  })

  test('an empty parameter is no parameter, as forms send them', async () => {
    const { app } = await appWithLake()
    expect((await app.request('/v1/costs/overview?start_date=&granularity=&limit=')).status).toBe(200)
  })
})

describe('answers to questions', () => {
  test.each(['/v1/costs/overview', '/v1/costs/by-service', '/v1/costs/reconciliation'])(
    '%s: the tag of an answer is answered 304 without asking the lake',
    async (path) => {
      const { app, counts, runtime } = await appWithLake()
      const first = await app.request(path)
      const tag = first.headers.get('ETag') ?? ''
      expect(tag).toMatch(/^"[\w-]{32}"$/)
      expect(first.headers.get('Cache-Control')).toBe('private, no-cache')
      const asked = counts.queries
      expect(asked).toBeGreaterThan(0)
      const again = await app.request(path)
      expect(await again.text()).toBe(await first.text())
      for (const held of [tag, `W/${tag}`, `"other", ${tag}`]) {
        const known = await app.request(path, { headers: { 'If-None-Match': held } })
        expect([known.status, known.headers.get('ETag'), await known.text()]).toEqual([304, tag, ''])
      }
      expect(counts.queries).toBe(asked)
      expect((await app.request(path, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200)
      await runtime.tables.heads.put('org_test', { id: 'head', version: 2, at: '2024-10-06T00:00:00.000Z', moves: [] })
      const moved = await app.request(path, { headers: { 'If-None-Match': tag } })
      expect([moved.status, moved.headers.get('ETag') === tag]).toEqual([200, false])
    },
  )

  test('another question has another tag', async () => {
    const { app } = await appWithLake()
    const tags = await Promise.all(
      ['', '?metric=billed', '?group_by=region', '?as_of=2024-10-05T00:00:00Z', '?filter[service]=S3'].map(async (query) =>
        (await app.request(`/v1/costs/overview${query}`)).headers.get('ETag'),
      ),
    )
    expect(new Set(tags).size).toBe(tags.length)
  })

  test('the same question has the same tag, however it is written', async () => {
    const { app } = await appWithLake()
    const written = [
      'metric=billed&filter[service]=a&filter[service]=b&filter[region]=c',
      'filter[region]=c&filter[service]=b&filter[service]=a&filter[service]=b&metric=billed&granularity=daily',
    ]
    const [one, other] = await Promise.all(written.map(async (query) => (await app.request(`/v1/costs/overview?${query}`)).headers.get('ETag')))
    expect(one).toBe(other)
  })

  test('a refused question has no tag', async () => {
    const { app } = await appWithLake()
    expect((await app.request('/v1/costs/overview?start_date=2010-01-01&end_date=2024-01-01')).headers.get('ETag')).toBeNull()
  })
})

test('GET /v1/costs/by-service answers as the specification has it', async () => {
  const { app } = await appWithLake()
  const response = await app.request('/v1/costs/by-service?month=2024-09&top_resources=3')
  const body: unknown = await response.json()
  checkAnswer('costs.by-service', response.status, body)
  expect(body).toMatchObject({
    services: [{ service_name: 'EC2', provider: 'AWS', current_month: 2.5, last_month: 0, trend: null, top_resources: [{ resource_id: 'i-1', cost: 2.5 }] }],
    month: '2024-09',
  })
  await problemOf(await app.request('/v1/costs/by-service?month=2024-13'), 422, 'invalid')
})

test('GET /v1/costs/reconciliation shows both totals and the parts of the difference between metrics', async () => {
  const { app } = await appWithLake()
  const response = await app.request('/v1/costs/reconciliation?period=2024-09')
  const body: unknown = await response.json()
  checkAnswer('costs.reconciliation', response.status, body)
  expect(body).toMatchObject({
    reconciled: true,
    lines: [
      {
        bill_total_exact: '3',
        our_total_exact: '3',
        difference: 0,
        explanations: [{ from: 'billed', to: 'effective', difference_exact: '-0.5', components: { commitment_used: '-0.5' } }],
      },
    ],
  })
  await problemOf(await app.request('/v1/costs/reconciliation?period=2024'), 422, 'invalid')
})

describe('imports', () => {
  const part = 8 * 1024 * 1024

  test('are announced, uploaded part by part, started and looked at', async () => {
    const { app, ctx, runtime } = await appWithLake()
    const created = await app.request('/v1/imports', announce({ files: [{ name: 'a.csv', bytes: part + 1 }] }))
    const body = (await created.json()) as { id: string; uploads: { name: string; part_bytes: number; urls: string[] }[] }
    expect(created.status).toBe(201)
    checkAnswer('imports.create', 201, body)
    expect(body.uploads).toMatchObject([{ name: 'a.csv', part_bytes: part, urls: [expect.any(String), expect.any(String)] }])

    const early = await problemOf(await app.request(`/v1/imports/${body.id}/start`, { method: 'POST' }), 409, 'conflict')
    expect(early.errors).toEqual([1, 2].map((n) => ({ path: 'a.csv', message: `part ${n} of 2 was not uploaded` })))
    checkAnswer('imports.start', 409, early)

    for (const n of ['00000', '00001']) await runtime.blobs.put(ctx.orgId, `raw/${body.id}/0/${n}`, new Uint8Array(1))
    const started = await app.request(`/v1/imports/${body.id}/start`, { method: 'POST' })
    checkAnswer('imports.start', started.status, await started.json())
    expect([started.status, runtime.started]).toMatchObject([202, [{ name: body.id }]])

    const shown = await app.request(`/v1/imports/${body.id}`)
    const delivery: unknown = await shown.json()
    checkAnswer('imports.get', shown.status, delivery)
    expect(delivery).toMatchObject({ id: body.id, files: [{ name: 'a.csv', bytes: part + 1 }] })
    expect(JSON.stringify(delivery)).not.toContain('encoding')
  })

  test('one key is one delivery: a hundred times in a row, fifty at once, and after a day it is free again', async () => {
    const { ctx } = await appWithLake()
    let now = new Date('2026-11-23T08:00:00Z')
    const { app } = await appWithLake({ context: () => ({ ...ctx, now: () => now }) })
    const send = async (files: unknown, key = 'key-1') => app.request('/v1/imports', announce({ files }, { ...json, 'Idempotency-Key': key }))
    const idOf = async (response: Promise<Response>) => ((await (await response).json()) as { id: string }).id
    const one = [{ name: 'a', bytes: 1 }]
    const together = await Promise.all(Array.from({ length: 50 }, () => idOf(send(one))))
    for (let n = 0; n < 100; n++) together.push(await idOf(send(one)))
    expect(new Set(together).size).toBe(1)
    expect(await ctx.runtime.tables.imports.all(ctx.orgId)).toHaveLength(1)

    const other = await problemOf(await send([{ name: 'b', bytes: 1 }]), 422, 'invalid')
    expect(other.errors).toEqual([{ path: 'idempotency_key', message: 'was used for another request' }])
    expect(await idOf(send([{ name: 'b', bytes: 1 }], 'key-2'))).not.toBe(together[0])
    await problemOf(await send(one, 'two words'), 422, 'invalid')
    await problemOf(await app.request('/v1/imports', announce({ files: one, idempotency_key: 'key-1' })), 422, 'invalid')

    now = new Date('2026-11-24T08:00:00Z')
    expect(await idOf(send([{ name: 'b', bytes: 1 }]))).not.toBe(together[0])
  })

  test('are listed newest first, a page at a time', async () => {
    const { app } = await appWithLake()
    for (const name of ['a', 'b', 'c']) await app.request('/v1/imports', announce({ files: [{ name, bytes: 1 }] }))
    const response = await app.request('/v1/imports?page=2&page_size=2')
    const body = (await response.json()) as { imports: unknown[] }
    checkAnswer('imports.list', response.status, body)
    expect(body).toMatchObject({ pagination: { page: 2, page_size: 2, total: 3, total_pages: 2 } })
    expect(body.imports).toHaveLength(1)
    await problemOf(await app.request('/v1/imports?page_size=101'), 422, 'invalid')
    await problemOf(await app.request('/v1/imports?page=0'), 422, 'invalid')
  })

  test("an unknown import and another organisation's import are both not found, in the same words", async () => {
    const { app, ctx, runtime } = await appWithLake()
    const file = { name: 'a', bytes: 1, parts: 1, encoding: 'identity' as const }
    await runtime.tables.imports.put('org_other', { id: 'imp_other', status: 'committed', createdAt: '2024-01-01T00:00:00Z', replace: false, files: [file] })
    expect(await runtime.tables.imports.get(ctx.orgId, 'imp_other')).toBeUndefined()
    for (const path of ['/v1/imports/imp_none', '/v1/imports/imp_other']) {
      const body = await problemOf(await app.request(path), 404, 'not_found')
      expect(body.detail.replace(/imp_\w+/, '')).toBe('There is no import .')
      await problemOf(await app.request(`${path}/start`, { method: 'POST' }), 404, 'not_found')
    }
  })

  test.each<[string, unknown, number, string]>([
    ['no files', { files: [] }, 422, 'invalid'],
    ['a negative size', { files: [{ name: 'a', bytes: -1 }] }, 422, 'invalid'],
    ['a field it does not know', { files: [{ name: 'a', bytes: 1 }], colour: 'red' }, 422, 'invalid'],
    ['a delivery of more parts than one answer can hold', { files: [{ name: 'a', bytes: Number.MAX_SAFE_INTEGER }] }, 422, 'invalid'],
    ['a list instead of an object', [], 422, 'invalid'],
    ['malformed JSON', '{"files":', 400, 'malformed'],
    ['nothing', '', 400, 'malformed'],
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`, 400, 'malformed'],
    ['a million open brackets', '['.repeat(1_000_000), 400, 'malformed'],
    ['more than 1 MB', JSON.stringify({ files: [{ name: 'a'.repeat(1_100_000), bytes: 1 }] }), 413, 'too_large'],
  ])('refuse %s', async (_, body, status, code) => {
    const { app } = await appWithLake()
    const answer = await problemOf(await app.request('/v1/imports', announce(body)), status, code)
    expect(() => checkAnswer('imports.create', status, answer)).not.toThrow()
  })

  test('refuse a body that is streamed beyond 1 MB, that is no JSON by its type, or that is not UTF-8', async () => {
    const { app } = await appWithLake()
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)) })
    await problemOf(await app.request('/v1/imports', { method: 'POST', headers: json, body: endless, duplex: 'half' }), 413, 'too_large')
    await problemOf(await app.request('/v1/imports', announce({ files: [] }, { 'Content-Type': 'text/plain' })), 400, 'malformed')
    const notText = await problemOf(
      await app.request('/v1/imports', { method: 'POST', headers: json, body: new Uint8Array([0x22, 0xff, 0x22]) }),
      400,
      'malformed',
    )
    expect(notText.detail).toBe('The body is not UTF-8.')
  })

  test('brackets inside strings are not depth', async () => {
    const { app } = await appWithLake()
    expect((await app.request('/v1/imports', announce({ files: [{ name: `\\"${'['.repeat(100)}`, bytes: 1 }] }))).status).toBe(201)
  })
})

describe('GET /v1/health', () => {
  test('says the lake version', async () => {
    const { app } = await appWithLake()
    const response = await app.request('/v1/health')
    const body: unknown = await response.json()
    checkAnswer('health.get', response.status, body)
    expect(body).toMatchObject({ status: 'ok', lake_version: 1, checks: [{ name: 'tables' }, { name: 'blobs' }] })
  })

  test('is 503 naming what does not answer, and nothing of why', async () => {
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
  test('unknown routes are 404, wrong methods 405 with what is allowed', async () => {
    const { app } = await appWithLake()
    for (const path of ['/', '/v1', '/v1/costs', '/v1/costs/overview/', '/v2/health', '/v1/costs/%ff'])
      await problemOf(await app.request(path), 404, 'not_found')
    const wrong = await app.request('/v1/costs/overview', { method: 'POST' })
    await problemOf(wrong, 405, 'method_not_allowed')
    expect(wrong.headers.get('Allow')).toBe('GET')
    expect((await app.request('/v1/imports', { method: 'DELETE' })).headers.get('Allow')).toBe('POST, GET')
    expect((await app.request('/v1/costs/overview', { method: 'HEAD' })).status).toBe(200)
  })

  test('an unknown error is logged with the request id and answered blankly', async () => {
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
    expect(lines).toContainEqual({ message: 'request failed', fields: { requestId: 'trace-1', error: secret } })
  })

  test('a context that cannot be made is a fault too, not a hole', async () => {
    const { app } = await appWithLake({
      context: () => {
        throw new Error('no organisation')
      },
    })
    const body = await problemOf(await app.request('/v1/costs/overview'), 500, 'internal')
    expect(body.detail).not.toContain('organisation')
  })

  test('the request id comes back; a bad one is replaced', async () => {
    const { app } = await appWithLake()
    const idOf = async (given: string) => (await app.request('/v1/health', { headers: { 'X-Request-Id': given } })).headers.get('X-Request-Id')
    expect(await idOf('abc-1.2:3')).toBe('abc-1.2:3')
    expect(await idOf('a b<script>')).toMatch(/^req_\w{26}$/)
    expect(await idOf('x'.repeat(129))).toMatch(/^req_\w{26}$/)
  })
})

describe('whatever is asked', () => {
  const parameters = [
    ...new Set(routes.flatMap(({ input }) => Object.keys(input.shape)).map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))),
  ]
  const name = fc.oneof(
    fc.constantFrom(...parameters),
    fc.constantFrom('filter[service]', 'filter[tag:Team]', 'filter[tag:]', 'filter[', 'filter[__proto__]', '__proto__', 'constructor'),
    fc.string(),
  )
  const value = fc.oneof(
    fc.constantFrom(
      'daily',
      'weekly',
      'monthly',
      'tag',
      'account',
      'billed',
      'billing',
      'EUR',
      'gcp',
      '0',
      '-1',
      '1e9',
      '99999999999999999999',
      '2024-09-01',
      '2024-09-30',
      '2024-09',
      '0001-01-01',
      '9999-12-31',
      '2024-10-05T00:00:00Z',
      '+275760-09-13T00:00:00Z',
    ),
    fc.string({ unit: 'binary' }),
  )
  const query = fc
    .array(fc.tuple(name, value), { maxLength: 6 })
    .map((pairs) => pairs.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&'))

  test('reading answers 200, 404 or 422, in the shape of its contract', async () => {
    const { app } = await appWithLake()
    const reading = routes.filter(({ method }) => method === 'get')
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...reading), query, fc.string({ minLength: 1 }), async ({ path, contract }, query, id) => {
        const response = await app.request(`${path.replace('{id}', encodeURIComponent(id.toWellFormed()))}?${query}`)
        expect([200, 404, 422]).toContain(response.status)
        const body: unknown = await response.json()
        checkAnswer(contract.id, response.status, body)
      }),
      { numRuns: 600 },
    )
  })

  test('announcing answers 201, 400 or 422', async () => {
    const { app } = await appWithLake()
    const body = fc.oneof(
      fc.json().map(String),
      fc.string(),
      fc
        .record({ files: fc.array(fc.record({ name: fc.string(), bytes: fc.oneof(fc.integer(), fc.double()) })), replace: fc.anything() })
        .map((given) => JSON.stringify(given)),
    )
    await fc.assert(
      fc.asyncProperty(body, async (body) => {
        const response = await app.request('/v1/imports', announce(body))
        expect([201, 400, 422]).toContain(response.status)
        checkAnswer('imports.create', response.status, await response.json())
      }),
      { numRuns: 300 },
    )
  })
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

async function problemOf(response: Response, status: number, code: string): Promise<Body> {
  const body = (await response.json()) as Body
  expect([response.status, response.headers.get('Content-Type')]).toEqual([status, 'application/problem+json'])
  expect(body).toMatchObject({ type: `/v1/docs#${code}`, status, code, title: expect.any(String), detail: expect.any(String) })
  expect(body.requestId).toBe(response.headers.get('X-Request-Id'))
  return body
}
