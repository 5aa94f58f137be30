import { describe, expect, test } from 'vitest'
import { appWithLake, checkAnswer, posted, problemOf } from '../fixture.ts'

describe('GET /v1/costs/overview', () => {
  test('answers in the shape of the specification', async () => {
    const { app } = await appWithLake()
    const response = await app.request(
      '/v1/costs/overview?start_date=2024-09-29&end_date=2024-09-30&granularity=daily&group_by=service&' +
        'cloud_provider=aws',
    )
    const body: unknown = await response.json()
    expect(response.status).toBe(200)
    checkAnswer('costs.overview', 200, body)
    expect(body).toMatchObject({
      total_cost: 2.5,
      currency: 'USD',
      period_comparison: { previous_period: 0, change_percent: 100, previous_is_zero: true },
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
    ['as_of=2026-11-23T08:01:01Z', 'as_of'],
    ['cloud_provider=nonsense', 'cloud_provider'],
    ['granularty=daily', 'granularty'],
    ['filters=x', 'filters'],
    ['filter[colour]=red', 'filter[colour]'],
    ['filter[tag]=x', 'filter[tag]'],
    ['filter[region]=a&filter[tag:Team]=', 'filter[tag:Team]'],
    ['start_date=2010-01-01&end_date=2024-01-01', 'start_date'],
  ])('refuses ?%s with 422 and names %s', async (query, path) => {
    const { app } = await appWithLake()
    const response = await app.request(`/v1/costs/overview?${query}`)
    const body = await problemOf(response, 422, 'invalid')
    expect(body.errors).toEqual([{ path, message: expect.any(String) }])
    expect(body.detail).not.toMatch(/startDate|endDate|groupBy|tagKey|asOf|cloudProvider|filters\.\d/)
    checkAnswer('costs.overview', 422, body)
  })

  test('as_of may be one minute ahead, to tolerate clock skew', async () => {
    const { app } = await appWithLake()
    expect((await app.request('/v1/costs/overview?as_of=2026-11-23T08:01:00Z')).status).toBe(200)
  })

  test('a cloud without bills costs 0; an unknown cloud is refused with the list of known clouds', async () => {
    const { app } = await appWithLake()
    for (const cloud of ['aws', 'azure', 'GCP', 'AWS'])
      expect((await app.request(`/v1/costs/by-service?cloud_provider=${cloud}`)).status).toBe(200)
    for (const cloud of ['Oracle', 'constructor']) {
      const { errors } = await problemOf(
        await app.request(`/v1/costs/by-service?cloud_provider=${cloud}`),
        422,
        'invalid',
      )
      expect(errors).toEqual([{ path: 'cloud_provider', message: expect.stringMatching(/aws.*azure.*gcp/) }])
    }
  })

  test('an empty parameter counts as absent, because HTML forms send empty fields', async () => {
    const { app } = await appWithLake()
    expect((await app.request('/v1/costs/overview?start_date=&granularity=&limit=')).status).toBe(200)
  })
})

describe('cost answers', () => {
  test.each(['/v1/costs/overview', '/v1/costs/by-service', '/v1/costs/changes', '/v1/costs/reconciliation'])(
    '%s answers 304 to the current ETag without a query',
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
      expect((await app.request(path, { headers: { 'If-None-Match': '*' } })).status).toBe(304)
      for (const other of ['"other"', 'W/"other", "*"', tag.replaceAll('"', '')]) {
        expect((await app.request(path, { headers: { 'If-None-Match': other } })).status).toBe(200)
      }
      const head = { id: 'head' as const, version: 2, at: '2024-10-06T00:00:00.000Z', moves: [], excluded: [] }
      await runtime.tables.heads.put('org_test', head)
      const moved = await app.request(path, { headers: { 'If-None-Match': tag } })
      expect([moved.status, moved.headers.get('ETag') === tag]).toEqual([200, false])
    },
  )

  test('different questions have different ETags', async () => {
    const { app } = await appWithLake()
    const tags = await Promise.all(
      ['', '?metric=billed', '?group_by=region', '?as_of=2024-10-05T00:00:00Z', '?filter[service]=S3'].map(
        async (query) => (await app.request(`/v1/costs/overview${query}`)).headers.get('ETag'),
      ),
    )
    expect(new Set(tags).size).toBe(tags.length)
  })

  test('equal questions have the same ETag, whatever the order of their parameters', async () => {
    const { app } = await appWithLake()
    const written = [
      'metric=billed&filter[service]=a&filter[service]=b&filter[region]=c',
      'filter[region]=c&filter[service]=b&filter[service]=a&filter[service]=b&metric=billed&granularity=daily',
    ]
    const [one, other] = await Promise.all(
      written.map(async (query) => (await app.request(`/v1/costs/overview?${query}`)).headers.get('ETag')),
    )
    expect(one).toBe(other)
  })

  test('a refused question has no ETag', async () => {
    const { app } = await appWithLake()
    const question = '/v1/costs/overview?start_date=2010-01-01&end_date=2024-01-01'
    for (const headers of [{}, { 'If-None-Match': '*' }]) {
      const response = await app.request(question, { headers })
      expect([response.status, response.headers.get('ETag')]).toEqual([422, null])
    }
  })

  test('a refused question counts against the limit; over the limit it writes no audit entry', async () => {
    const { app, as, runtime, clock } = await appWithLake()
    const made = await app.request('/v1/api-keys', posted({ name: 'k', permissions: ['export:data'] }))
    const { key } = (await made.json()) as { key: string }
    const left = async (response: Response, status: number): Promise<number> => {
      expect(response.status).toBe(status)
      return Number(response.headers.get('RateLimit-Remaining'))
    }
    const before = await left(made, 201)
    const denied = async () => await as(key).request('/v1/costs/overview')
    expect(await left(await denied(), 403)).toBe(before - 1)
    expect(await left(await app.request('/v1/costs/overview?metric=none'), 422)).toBe(before - 2)
    expect(await left(await app.request('/v1/costs/overview?colour=red'), 422)).toBe(before - 3)
    await runtime.counters.add('org_test', `requests#${clock.now / 3_600_000}`, 100_000, new Date(clock.now))
    const written = async () => (await runtime.tables.audit.all('org_test')).length
    // Uses up the requests that this process has leased.
    while ((await denied()).status === 403);
    const entries = await written()
    expect(await left(await denied(), 429)).toBe(0)
    expect(await left(await app.request('/v1/costs/overview?metric=none'), 429)).toBe(0)
    expect(await written()).toBe(entries)
  })
})

test('GET /v1/costs/by-service answers in the shape of the specification', async () => {
  const { app } = await appWithLake()
  const response = await app.request('/v1/costs/by-service?month=2024-09&top_resources=3')
  const body: unknown = await response.json()
  checkAnswer('costs.by-service', response.status, body)
  expect(body).toMatchObject({
    services: [
      {
        service_name: 'EC2',
        provider: 'AWS',
        current_month: 2.5,
        last_month: 0,
        trend: 100,
        trend_is_from_zero: true,
        top_resources: [{ resource_id: 'i-1', cost: 2.5 }],
      },
    ],
    month: '2024-09',
  })
  await problemOf(await app.request('/v1/costs/by-service?month=2024-13'), 422, 'invalid')
})

test('GET /v1/costs/reconciliation shows both totals and explains the difference between metrics', async () => {
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
        explanations: [
          { from: 'billed', to: 'effective', difference_exact: '-0.5', components: { commitment_used: '-0.5' } },
        ],
      },
    ],
  })
  await problemOf(await app.request('/v1/costs/reconciliation?period=2024'), 422, 'invalid')
})

test('GET /v1/costs/changes answers a tree with the causes of each change', async () => {
  const { app } = await appWithLake()
  const response = await app.request('/v1/costs/changes?from=2024-08&to=2024-09-01..2024-09-30')
  const body: unknown = await response.json()
  checkAnswer('costs.changes', response.status, body)
  const changed = { before: 2, after: 2.5, change_exact: '0.5', causes: { quantity: '1', price: '-0.5', new: '0' } }
  const named = (name: string, children?: object[]) => ({ name, ...changed, ...(children && { children }) })
  expect(body).toMatchObject({
    ...changed,
    from: { start_date: '2024-08-01', end_date: '2024-08-31', days: 31 },
    change_percent: 25,
    providers: [named('AWS', [named('1234567890123', [named('EC2', [named('i-1')])])])],
    meta: { same_length: false, lake_version: 1 },
  })
  for (const wrong of ['2024', '2024-13', '2024-09-30..2024-09-01', '2024-02-30..2024-03-01', '2024-09..2024-10'])
    await problemOf(await app.request(`/v1/costs/changes?from=${wrong}`), 422, 'invalid')
})

test('GET /v1/costs/restatements answers what changed since the first complete version, with an ETag', async () => {
  const { app, runtime, counts } = await appWithLake()
  const [bill] = await runtime.tables.partitions.all('org_test')
  if (!bill) throw new Error('The lake is empty.')
  await runtime.tables.snapshots.put('org_test', { ...bill, id: `${bill.partition}#imp_1` })
  const restated = { snapshotId: 'imp_2', raw: 'imp_2', previous: 'imp_1', version: 2, at: '2024-10-09T00:00:00.000Z' }
  await runtime.tables.partitions.put('org_test', { ...bill, ...restated })
  const response = await app.request('/v1/costs/restatements?period=2024-09&cloud_provider=aws')
  const body: unknown = await response.json()
  checkAnswer('costs.restatements', response.status, body)
  expect(body).toMatchObject({
    bills: [
      {
        first_seen_at: '2024-10-05T00:00:00.000Z',
        from_version: 1,
        to_version: 2,
        change_exact: '0.5',
        causes: { late_usage: '0.5', price: '0' },
        services: [{ name: 'EC2', change: 0.5 }],
        late_usage: [{ date: '2024-09-30', cost: 0.5 }],
        steps: [{ rows_before: 0, rows_after: 1 }],
      },
    ],
    unchanged: 0,
  })
  const asked = counts.queries
  const headers = { 'If-None-Match': response.headers.get('ETag') ?? '' }
  const again = await app.request('/v1/costs/restatements?period=2024-09&cloud_provider=aws', { headers })
  expect([again.status, counts.queries]).toEqual([304, asked])
  await problemOf(await app.request('/v1/costs/restatements?period=2024'), 422, 'invalid')
  await problemOf(await app.request('/v1/costs/restatements?basis=charge'), 422, 'invalid')
})

test('virtual tags of the organization apply to questions by tag, and change their ETag', async () => {
  const { app, runtime } = await appWithLake()
  const asked: unknown[] = []
  const { query } = runtime.lake
  runtime.lake.query = async (name, files, parameters) => {
    asked.push(parameters)
    return await query(name, files, parameters)
  }
  const path = '/v1/costs/overview?start_date=2024-09-29&end_date=2024-09-30&group_by=tag&tag_key=Team'
  const before = await app.request(path)
  const rule = { key: 'Team', value: 'shop', when: [{ dimension: 'tag', tag_key: 'Env', values: ['live'] }] }
  const tags = { required: [{ key: 'Team', allowed_values: ['shop'] }], virtual: [rule] }
  const changed = await app.request('/v1/organization', { ...posted({ tags }), method: 'PUT' })
  expect([changed.status, ((await changed.json()) as { tags: unknown }).tags]).toEqual([
    200,
    { ...tags, virtual: [{ ...rule, overwrite: false }] },
  ])
  const headers = { 'If-None-Match': before.headers.get('ETag') ?? '' }
  const after = await app.request(path, { headers })
  expect(after.status).toBe(200)
  const known = { key: 'Team', value: 'shop', when: [{ dimension: 'tag', tagKey: 'Env', values: ['live'] }] }
  expect(asked.at(-1)).toMatchObject({ tagKey: 'Team', virtualTags: [{ ...known, overwrite: false }] })
  expect(asked.at(0)).not.toHaveProperty('virtualTags')
})
