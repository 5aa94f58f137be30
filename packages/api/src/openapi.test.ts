import { Validator } from '@seriousme/openapi-schema-validator'
import * as z from 'zod'
import { permissions } from '@cloudoptima/core'
import { describe, expect, test } from 'vitest'
import { routes } from './routes.ts'
import { appWithLake, goodAnswer } from './fixture.ts'
import { documentOf } from './openapi.ts'

const document = documentOf(routes)
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
)

test('the document is valid OpenAPI 3.1', async () => {
  const { app } = await appWithLake()
  const served = (await (await app.request('/v1/openapi.json')).json()) as Record<string, unknown>
  const validator = new Validator()
  expect(await validator.validate(served)).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  expect(served).toEqual(JSON.parse(JSON.stringify(document)))
})

test('the document has the cost operations of the specification with their fields', () => {
  const has = (path: string, method: string, fields: string[]) => {
    const schema = document.components.schemas[goodAnswer(document.paths[path]?.[method] ?? fail(path)).schema]
    expect(Object.keys(schema?.['properties'] ?? {})).toEqual(expect.arrayContaining(fields))
  }
  has('/v1/costs/overview', 'get', ['total_cost', 'currency', 'period_comparison', 'breakdown', 'time_series', 'meta'])
  has('/v1/costs/by-service', 'get', ['services', 'meta'])
  const parameters = document.paths['/v1/costs/overview']?.['get']?.parameters.map(({ name }) => name)
  expect(parameters).toEqual(
    expect.arrayContaining([
      'start_date',
      'end_date',
      'granularity',
      'group_by',
      'cloud_provider',
      'tag_key',
      'metric',
      'basis',
      'currency',
      'as_of',
      'filter',
      'If-None-Match',
    ]),
  )
})

function fail(path: string): never {
  throw new Error(`${path} is not in the document`)
}

describe.each(operations)('$name', ({ path, method, operation }) => {
  test('has a summary, a permission, an example that matches its schema, and all its error answers', () => {
    expect(operation.summary).not.toBe('')
    expect([...permissions, 'public', 'self', 'member']).toContain(operation['x-permission'])
    const { status, schema, example } = goodAnswer(operation)
    if (status !== '302')
      expect(() => z.fromJSONSchema(document.components.schemas[schema] ?? false).parse(example)).not.toThrow()
    const authenticated = operation['x-permission'] === 'public' ? [] : ['401', '403', '429']
    const expected = [
      '405',
      '500',
      '503',
      ...authenticated,
      ...(operation.requestBody ? ['400', '413'] : []),
      ...(path.includes('{') ? ['404'] : []),
    ]
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(expected))
  })

  test('accepts the input of its own example', () => {
    const route = routes.find((route) => route.path === path && route.method === method)
    const { requestBody, parameters } = operation
    const body = requestBody?.content['application/json']
    if (body) expect(() => z.fromJSONSchema(body.schema).parse(body.example)).not.toThrow()
    for (const { schema, example } of parameters)
      if (example !== undefined) expect(() => z.fromJSONSchema(schema).parse(example)).not.toThrow()
    expect(Object.keys(route?.contract.request ?? {}).length > 0).toBe(
      parameters.some(({ in: place }) => place !== 'header') || requestBody !== undefined,
    )
  })
})
