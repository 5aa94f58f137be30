import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { routes } from './routes.ts'
import { appWithLake, checkAnswer, posted } from './fixture.ts'

describe('arbitrary requests', () => {
  const parameters = [
    ...new Set(
      routes
        .flatMap(({ input }) => Object.keys(input.shape))
        .map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
    ),
  ]
  const name = fc.oneof(
    fc.constantFrom(...parameters),
    fc.constantFrom(
      'filter[service]',
      'filter[tag:Team]',
      'filter[tag:]',
      'filter[',
      'filter[__proto__]',
      '__proto__',
      'constructor',
    ),
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
    .map((pairs) =>
      pairs.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&'),
    )

  test('a GET answers 200, 401, 404, 422 or 429, and matches its contract', async () => {
    const { app } = await appWithLake()
    const reading = routes.filter(({ method }) => method === 'get')
    // A URL cannot carry a dot segment: its parser removes it (RFC 3986, section 5.2.4).
    const id = fc.string({ minLength: 1 }).filter((text) => text !== '.' && text !== '..')
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...reading), query, id, async (route, query, id) => {
        const response = await app.request(
          `${route.path.replace('{id}', encodeURIComponent(id.toWellFormed()))}?${query}`,
        )
        expect([200, 401, 404, 422, 429]).toContain(response.status)
        const body: unknown = await response.json()
        checkAnswer(route.id, response.status, body)
      }),
      { numRuns: 600 },
    )
  })

  test('POST /v1/imports answers 201, 400 or 422, and matches its contract', async () => {
    const { app } = await appWithLake()
    const body = fc.oneof(
      fc.json().map(String),
      fc.string(),
      fc
        .record({
          files: fc.array(fc.record({ name: fc.string(), bytes: fc.oneof(fc.integer(), fc.double()) })),
          replace: fc.anything(),
        })
        .map((given) => JSON.stringify(given)),
    )
    await fc.assert(
      fc.asyncProperty(body, async (body) => {
        const response = await app.request('/v1/imports', posted(body))
        expect([201, 400, 422]).toContain(response.status)
        checkAnswer('imports.create', response.status, await response.json())
      }),
      { numRuns: 300 },
    )
  })
})
