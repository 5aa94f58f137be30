import fc from 'fast-check'
import type { Operation, Parameter } from '../../packages/api/src/openapi.ts'

type Json = Record<string, unknown>

/** Texts that often break programs: injections, control characters, long and special Unicode. */
const nasty = [
  ' ',
  'null',
  '__proto__',
  'constructor',
  '../../../etc/passwd',
  "' OR 1=1 --",
  '${7*7}',
  '<script>alert(1)</script>',
  '\u0000',
  '\ud800',
  '\u202e\u200b\ufeff',
  'é'.repeat(50),
  '😀'.repeat(50),
  '%00%ff%2e%2e%2f',
  '\r\nX-Injected: 1',
  '-0',
  '1e400',
]

/** Values that the JSON Schema allows; `ids` are ids of existing items. */
export function valid(schema: Json, ids: readonly string[] = [], name = ''): fc.Arbitrary<unknown> {
  const alternatives = (schema['anyOf'] ?? schema['oneOf']) as Json[] | undefined
  if (alternatives) return fc.oneof(...alternatives.map((one) => valid(one, ids, name)))
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
  if ('const' in schema) return fc.constant(schema['const'])
  switch (schema['type']) {
    case 'string':
      return text(schema, ids, name)
    case 'integer':
      return fc.oneof(
        fc.integer(bounds(schema, 20)),
        fc.integer({
          min: numberOf(schema, 'minimum', Number.MIN_SAFE_INTEGER),
          max: numberOf(schema, 'maximum', Number.MAX_SAFE_INTEGER),
        }),
      )
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valid(schema['items'] as Json, ids), {
        minLength: numberOf(schema, 'minItems', 0),
        maxLength: Math.min(numberOf(schema, 'maxItems', 5), 5),
      })
    default:
      return record((schema['properties'] ?? {}) as Record<string, Json>, (schema['required'] ?? []) as string[], ids)
  }
}

function text(schema: Json, ids: readonly string[], name: string): fc.Arbitrary<string> {
  const [minLength, maxLength] = [numberOf(schema, 'minLength', 0), numberOf(schema, 'maxLength', 64)]
  const fits = (value: string) => value.length >= minLength && value.length <= maxLength
  if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern']), { size: 'small' })
  if (schema['format'] === 'uri') return fc.webUrl()
  if (schema['format'] === 'email' || name === 'email')
    return fc.oneof(fc.emailAddress(), fc.constantFrom('admin@org-test.example', 'viewer@org-test.example'))
  if (name === 'time_zone') return fc.constantFrom('UTC', 'Europe/Zurich', 'Asia/Kolkata', '+01:00')
  if (name.includes('password'))
    return fc.oneof(fc.constant('correct horse battery staple'), fc.string({ minLength, maxLength, unit: 'binary' }))
  const plain = fc.oneof(
    fc.string({ minLength, maxLength }),
    fc.string({ minLength, maxLength, unit: 'binary' }),
    fc.constantFrom(...nasty).filter(fits),
  )
  const longest = fc.constantFrom('x', '\u{10ffff}').map((unit) => unit.repeat(Math.floor(maxLength / unit.length)))
  const fitting = ids.filter(fits)
  return fc.oneof(
    { weight: 4, arbitrary: plain },
    { weight: 1, arbitrary: longest },
    ...(fitting.length > 0 ? [{ weight: 4, arbitrary: fc.constantFrom(...fitting) }] : []),
  )
}

function record(
  properties: Record<string, Json>,
  required: readonly string[],
  ids: readonly string[],
): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valid(schema, ids, name)]),
  )
  return fc.record(fields, { requiredKeys: [...required] })
}

const bounds = (schema: Json, most: number) => {
  const min = numberOf(schema, 'minimum', -most)
  return { min, max: Math.max(min, Math.min(numberOf(schema, 'maximum', min + most), min + most)) }
}

function numberOf(schema: Json, name: string, otherwise: number): number {
  const value = schema[name]
  return typeof value === 'number' ? value : otherwise
}

/** The data of a request, before it is encoded. */
export interface RequestData {
  path: Record<string, unknown>
  query: [string, unknown][]
  headers: Record<string, string>
  /** Undefined for operations without a body. */
  body: unknown
}

/** Requests that the contract allows. */
export function validRequests(
  { parameters, requestBody }: Operation,
  ids: readonly string[],
): fc.Arbitrary<RequestData> {
  const of = (place: Parameter['in']) =>
    parameters.filter((parameter) => parameter.in === place && parameter.name !== 'filter')
  const named = (list: Parameter[]) =>
    Object.fromEntries(list.map(({ name, schema }) => [name, valid(schema, ids, name)]))
  const required = (list: Parameter[]) => list.filter((parameter) => parameter.required).map(({ name }) => name)
  const schema = requestBody?.content['application/json']?.schema
  const filter = parameters.some(({ name }) => name === 'filter')
    ? fc.array(fc.tuple(filterName, fc.string({ minLength: 1 })), { maxLength: 3 })
    : fc.constant([])
  return fc
    .record({
      path: fc.record(named(of('path'))) as fc.Arbitrary<Record<string, unknown>>,
      query: fc.record(named(of('query')), { requiredKeys: required(of('query')) }) as fc.Arbitrary<
        Record<string, unknown>
      >,
      filter,
      headers: fc.record(Object.fromEntries(of('header').map(({ name }) => [name, headerText])), {
        requiredKeys: [],
      }) as fc.Arbitrary<Record<string, string>>,
      body: schema ? valid(schema, ids) : fc.constant(undefined),
    })
    .map(({ query, filter: filters, ...rest }) => ({ ...rest, query: [...Object.entries(query), ...filters] }))
}

const filterName = fc.constantFrom(
  'filter[service]',
  'filter[region]',
  'filter[account]',
  'filter[tag:Team]',
  'filter[provider]',
  'filter[category]',
)
const headerText = fc.oneof(
  fc.stringMatching(/^[\x21-\x7e]{1,40}$/),
  fc.constantFrom('"x"', '*', 'W/"x", "y"', 'key-1'),
)

/** Any JSON value, with the texts that often break programs. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...nasty, null, true, 0, -1, 1e308, 2 ** 53, '', [], {}, [[]], { __proto__: null }),
  fc.jsonValue({ maxDepth: 3 }),
)
