import { Identity } from '@cloudoptima/core'
import { describe, expect, test } from 'vitest'
import { appWithLake, checkAnswer, jsonType, posted, problemOf } from '../fixture.ts'

describe('imports', () => {
  const part = 8 * 1024 * 1024

  test('are announced, uploaded in parts, started and read', async () => {
    const { app, ctx, runtime } = await appWithLake()
    const created = await app.request('/v1/imports', posted({ files: [{ name: 'a.csv', bytes: part + 1 }] }))
    const body = (await created.json()) as {
      id: string
      uploads: { name: string; part_bytes: number; urls: string[] }[]
    }
    expect(created.status).toBe(201)
    checkAnswer('imports.create', 201, body)
    expect(body.uploads).toMatchObject([
      { name: 'a.csv', part_bytes: part, urls: [expect.any(String), expect.any(String)] },
    ])

    const early = await problemOf(
      await app.request(`/v1/imports/${body.id}/start`, { method: 'POST' }),
      409,
      'conflict',
    )
    expect(early.errors).toEqual([1, 2].map((n) => ({ path: 'a.csv', message: `part ${n} of 2 was not uploaded` })))
    checkAnswer('imports.start', 409, early)

    await runtime.blobs.put(ctx.orgId, `uploads/${body.id}/0/00000`, new Uint8Array(part + 1))
    await runtime.blobs.put(ctx.orgId, `uploads/${body.id}/0/00001`, new Uint8Array(2))
    const wrong = await problemOf(
      await app.request(`/v1/imports/${body.id}/start`, { method: 'POST' }),
      409,
      'conflict',
    )
    expect(wrong.errors).toEqual([
      { path: 'a.csv', message: `part 1 of 2 has ${part + 1} bytes instead of ${part}` },
      { path: 'a.csv', message: 'part 2 of 2 has 2 bytes instead of 1' },
    ])
    expect(body.uploads[0]?.urls.map((url) => new URL(url).searchParams.get('bytes'))).toEqual([String(part), '1'])

    for (const [n, size] of [part, 1].entries())
      await runtime.blobs.put(ctx.orgId, `uploads/${body.id}/0/0000${n}`, new Uint8Array(size))
    const started = await app.request(`/v1/imports/${body.id}/start`, { method: 'POST' })
    checkAnswer('imports.start', started.status, await started.json())
    expect([started.status, runtime.started]).toMatchObject([202, [{ name: body.id }]])

    const shown = await app.request(`/v1/imports/${body.id}`)
    const delivery: unknown = await shown.json()
    checkAnswer('imports.get', shown.status, delivery)
    expect(delivery).toMatchObject({ id: body.id, files: [{ name: 'a.csv', bytes: part + 1 }] })
    expect(JSON.stringify(delivery)).not.toContain('encoding')
  })

  test('one Idempotency-Key creates one delivery, in sequence and in parallel; it expires after 24 hours', async () => {
    const { app, as, ctx, members, clock } = await appWithLake()
    const send = async (files: unknown, key = 'key-1') =>
      app.request('/v1/imports', posted({ files }, { ...jsonType, 'Idempotency-Key': key }))
    const idOf = async (response: Promise<Response>) => ((await (await response).json()) as { id: string }).id
    const one = [{ name: 'a', bytes: 1 }]
    const together = await Promise.all(Array.from({ length: 50 }, async () => await send(one)))
    const ids = await Promise.all(
      together.filter(({ status }) => status === 201).map(async (response) => await idOf(Promise.resolve(response))),
    )
    // Requests that found the key in use must retry.
    for (const other of together.filter(({ status }) => status !== 201)) {
      expect(other.headers.get('Retry-After')).toBe('1')
      await problemOf(other, 409, 'conflict')
    }
    expect(ids.length).toBeGreaterThan(0)
    for (let n = 0; n < 100; n++) ids.push(await idOf(send(one)))
    expect(new Set(ids).size).toBe(1)
    expect(await ctx.runtime.tables.imports.all(ctx.orgId)).toHaveLength(1)

    const other = await problemOf(await send([{ name: 'b', bytes: 1 }]), 422, 'invalid')
    expect(other.errors).toMatchObject([{ path: 'Idempotency-Key' }])
    expect(await idOf(send([{ name: 'b', bytes: 1 }], 'key-2'))).not.toBe(ids[0])
    await problemOf(await send(one, 'two words'), 422, 'invalid')
    await problemOf(await app.request('/v1/imports', posted({ files: one, idempotency_key: 'key-1' })), 422, 'invalid')

    clock.now = Date.parse('2026-11-24T08:00:01Z')
    const { accessToken } = await Identity.Session.open(ctx, members.users.admin, 'password')
    const tomorrow = await as(accessToken).request(
      '/v1/imports',
      posted({ files: [{ name: 'b', bytes: 1 }] }, { ...jsonType, 'Idempotency-Key': 'key-1' }),
    )
    expect(await idOf(Promise.resolve(tomorrow))).not.toBe(ids[0])
  })

  test('are listed newest first, in pages', async () => {
    const { app } = await appWithLake()
    for (const name of ['a', 'b', 'c']) await app.request('/v1/imports', posted({ files: [{ name, bytes: 1 }] }))
    const response = await app.request('/v1/imports?page=2&page_size=2')
    const body = (await response.json()) as { imports: unknown[] }
    checkAnswer('imports.list', response.status, body)
    expect(body).toMatchObject({ pagination: { page: 2, page_size: 2, total: 3, total_pages: 2 } })
    expect(body.imports).toHaveLength(1)
    await problemOf(await app.request('/v1/imports?page_size=101'), 422, 'invalid')
    await problemOf(await app.request('/v1/imports?page=0'), 422, 'invalid')
  })

  test('contain their changes when read by id, not in the list', async () => {
    const { app, runtime } = await appWithLake()
    const changes = [
      {
        partition: 'AWS/1/2024-09',
        version: 1,
        rows: 1,
        after: [{ currency: 'USD', billed: '1', effective: '1', list: null, contracted: null }],
      },
    ]
    const committed = {
      id: 'imp_1',
      status: 'committed' as const,
      createdAt: '2026-11-23T08:00:00.000Z',
      replace: false,
      files: [],
      changes,
      lakeVersion: 1,
    }
    await runtime.tables.imports.put('org_test', committed)
    const { imports } = (await (await app.request('/v1/imports')).json()) as { imports: object[] }
    expect(imports).toMatchObject([{ id: 'imp_1', lake_version: 1 }])
    expect(imports[0]).not.toHaveProperty('changes')
    expect(await (await app.request('/v1/imports/imp_1')).json()).toMatchObject({ changes })
  })

  test("an unknown import and another organization's import get the same answer", async () => {
    const { app, ctx, runtime } = await appWithLake()
    const file = { name: 'a', bytes: 1, parts: 1, encoding: 'identity' as const }
    await runtime.tables.imports.put('org_other', {
      id: 'imp_other',
      status: 'committed',
      createdAt: '2024-01-01T00:00:00Z',
      replace: false,
      files: [file],
    })
    expect(await runtime.tables.imports.get(ctx.orgId, 'imp_other')).toBeUndefined()
    const details = new Set<string>()
    for (const id of ['imp_none', 'imp_other']) {
      const body = await problemOf(await app.request(`/v1/imports/${id}`), 404, 'not_found')
      expect(body.detail).toContain(id)
      details.add(body.detail.replace(id, ''))
      await problemOf(await app.request(`/v1/imports/${id}/start`, { method: 'POST' }), 404, 'not_found')
    }
    expect(details.size).toBe(1)
  })

  test.each<[string, unknown, number, string]>([
    ['no files', { files: [] }, 422, 'invalid'],
    ['a negative size', { files: [{ name: 'a', bytes: -1 }] }, 422, 'invalid'],
    ['an unknown field', { files: [{ name: 'a', bytes: 1 }], colour: 'red' }, 422, 'invalid'],
    [
      'a delivery with too many parts for one answer',
      { files: [{ name: 'a', bytes: Number.MAX_SAFE_INTEGER }] },
      422,
      'invalid',
    ],
    ['a file with too many parts for one answer', { files: [{ name: 'a', bytes: 3000 * part + 1 }] }, 422, 'invalid'],
    [
      'files with together too many parts for one answer',
      { files: ['a', 'b'].map((name) => ({ name, bytes: 1501 * part })) },
      422,
      'invalid',
    ],
    ['a list instead of an object', [], 422, 'invalid'],
    ['malformed JSON', '{"files":', 400, 'malformed'],
    ['an empty body', '', 400, 'malformed'],
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`, 400, 'malformed'],
    ['a million open brackets', '['.repeat(1_000_000), 400, 'malformed'],
    ['more than 1 MB', JSON.stringify({ files: [{ name: 'a'.repeat(1_100_000), bytes: 1 }] }), 413, 'too_large'],
  ])('refuse %s', async (_, body, status, code) => {
    const { app } = await appWithLake()
    const answer = await problemOf(await app.request('/v1/imports', posted(body)), status, code)
    expect(() => checkAnswer('imports.create', status, answer)).not.toThrow()
  })

  test('refuse a streamed body over 1 MB, another Content-Type than JSON, and text that is not UTF-8', async () => {
    const { app } = await appWithLake()
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)) })
    await problemOf(
      await app.request('/v1/imports', { method: 'POST', headers: jsonType, body: endless, duplex: 'half' }),
      413,
      'too_large',
    )
    await problemOf(
      await app.request('/v1/imports', posted({ files: [] }, { 'Content-Type': 'text/plain' })),
      400,
      'malformed',
    )
    const notText = await problemOf(
      await app.request('/v1/imports', { method: 'POST', headers: jsonType, body: new Uint8Array([0x22, 0xff, 0x22]) }),
      400,
      'malformed',
    )
    expect(notText.detail).toContain('UTF-8')
  })

  test('brackets inside strings do not count as nesting', async () => {
    const { app } = await appWithLake()
    expect(
      (await app.request('/v1/imports', posted({ files: [{ name: `\\"${'['.repeat(100)}`, bytes: 1 }] }))).status,
    ).toBe(201)
  })
})
