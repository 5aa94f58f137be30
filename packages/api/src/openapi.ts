import * as z from 'zod'
import { type FaultCode, statusOf } from '@cloudoptima/core'
import { codes, kinds, Problem, statusOfCode, typeOf } from './problem.ts'
import { hasBody, type Route, takesKey } from './route.ts'
import { jsonSchema } from './wire.ts'

type Json = Record<string, unknown>

export interface Document {
  openapi: string
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Json>; responses: Record<string, Json>; securitySchemes: Record<string, Json> }
}

export interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  'x-permission': string
  security: Record<string, string[]>[]
  parameters: Parameter[]
  requestBody?: { required: boolean; content: Record<string, { schema: Json; example: unknown }> }
  responses: Record<string, Json>
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description?: string
  schema: Json
  style?: 'deepObject'
  explode?: boolean
  example?: unknown
}

/** Generates the OpenAPI 3.1 document of these routes from the schemas of their commands. */
export function documentOf(routes: readonly Route[]): Document {
  const paths: Document['paths'] = {}
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  return {
    openapi: '3.1.0',
    info: {
      title: 'CloudOptima',
      version: '1',
      description:
        "The exact cloud costs of an organization. Amounts are numbers in the answer's `currency`; a field named `..._exact` has the exact decimal as text. Days are `YYYY-MM-DD` in UTC. Every operation that is not marked `public` requires `Authorization: Bearer` with an access token or an API key. The token determines the organization. Errors are `application/problem+json` (RFC 9457); see [the error codes](docs/errors).",
    },
    // Relative, because API Gateway may add a stage prefix.
    servers: [{ url: '..' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemasOf(routes),
      responses: problems(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token of `POST /v1/auth/login`, or an API key.',
        },
      },
    },
  }
}

function tagOf({ id }: Route): string {
  return id.split('.')[0] ?? id
}

/** `costs.by-service` becomes `CostsByService`. */
function answerName({ id }: Route): string {
  return id
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

function schemasOf(routes: readonly Route[]): Record<string, Json> {
  const answers = routes.map((route) => [answerName(route), jsonSchema(route.contract.answer, 'output')] as const)
  // Not by jsonSchema(): `requestId` of a problem is camel case on the wire.
  const { $schema: _, ...problem } = z.toJSONSchema(Problem)
  return Object.fromEntries([...answers, ['Problem', problem]])
}

function problems(): Record<string, Json> {
  return Object.fromEntries(
    codes.map((code) => [
      code,
      {
        description: `${kinds[code].title}. ${kinds[code].meaning}`,
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example: exampleOf(code) },
        },
      },
    ]),
  )
}

function exampleOf(code: keyof typeof kinds): Json {
  const { title, meaning } = kinds[code]
  return {
    type: typeOf(code),
    title,
    status: statusOfCode(code),
    detail: meaning,
    code,
    requestId: 'req_01jf3m8x5cq2w7n4t6v9b0d1e2',
  }
}

function operationOf(route: Route): Operation {
  const { id } = route
  const { summary, description } = route.contract
  const fields = inputFields(route)
  const inUrl = fields.filter(({ place }) => place !== 'body').map((field) => parameterOf(route, field))
  const conditional = route.ask
    ? [
        {
          name: 'If-None-Match',
          in: 'header' as const,
          required: false,
          description: 'The `ETag` of an earlier answer. 304 if that answer is still current.',
          schema: { type: 'string' },
        },
      ]
    : []
  const body = fields.filter(({ place }) => place === 'body')
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    tags: [tagOf(route)],
    'x-permission': route.permission,
    security: route.permission === 'public' ? [] : [{ bearer: [] }],
    parameters: [...inUrl, ...conditional, ...keyOf(route)],
    ...(body.length > 0 && { requestBody: bodyOf(route, body) }),
    responses: responsesOf(route, body.length > 0),
  }
}

function keyOf(route: Route): Parameter[] {
  if (!takesKey(route)) return []
  const description =
    'A unique value that you choose for this request. A repetition with the same key and body within 24 hours changes nothing and gets the same answer.'
  return [
    {
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  ]
}

interface Field {
  name: string
  place: 'path' | 'query' | 'body'
  isRequired: boolean
  schema: Json
}

function inputFields(route: Route): Field[] {
  const { properties = {}, required = [] } = jsonSchema(route.input, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    place: placeOf(route, name),
    isRequired: required.includes(name),
    schema,
  }))
}

function placeOf({ path, method }: Route, name: string): Field['place'] {
  if (path.includes(`{${name}}`)) return 'path'
  return hasBody({ method }) ? 'body' : 'query'
}

function parameterOf(
  { contract }: Route,
  { name, place, isRequired, schema: { description, ...schema } }: Field,
): Parameter {
  const example = contract.examples.input?.[name]
  const described = typeof description === 'string' ? { description } : {}
  if (name === 'filters') {
    const values = { type: 'array', items: { type: 'string' } }
    return {
      name: 'filter',
      in: 'query',
      required: false,
      ...described,
      style: 'deepObject',
      explode: true,
      schema: { type: 'object', additionalProperties: values },
      // Without an example, Swagger UI invents a filter and sends it.
      example: {},
    }
  }
  return {
    name,
    in: place === 'path' ? 'path' : 'query',
    required: isRequired,
    ...described,
    schema,
    ...(example !== undefined && { example }),
  }
}

function bodyOf({ contract }: Route, fields: Field[]): NonNullable<Operation['requestBody']> {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
    required: fields.filter(({ isRequired }) => isRequired).map(({ name }) => name),
    additionalProperties: false,
  }
  const names = new Set(fields.map(({ name }) => name))
  const example = Object.fromEntries(Object.entries(contract.examples.input ?? {}).filter(([name]) => names.has(name)))
  return { required: true, content: { 'application/json': { schema, example } } }
}

const limitHeaders = Object.fromEntries(
  (['Limit', 'Remaining', 'Reset'] as const).map((part) => [
    `RateLimit-${part}`,
    {
      description: {
        Limit: 'Requests allowed in a window.',
        Remaining: 'Requests left in this window.',
        Reset: 'Seconds until the next window.',
      }[part],
      schema: { type: 'string' },
    },
  ]),
)

function responsesOf(route: Route, hasContent: boolean): Record<string, Json> {
  const { contract } = route
  const requestId = {
    'X-Request-Id': { description: 'Id of the request in the server log.', schema: { type: 'string' } },
  }
  const etag = { ETag: { description: 'Equal tags mean equal answers.', schema: { type: 'string' } } }
  const isLimited = route.permission !== 'public' || contract.perAddress !== undefined
  const success = {
    description: contract.summary,
    headers: {
      ...requestId,
      ...(isLimited && limitHeaders),
      ...(route.ask && etag),
      ...(contract.status === 302 && { Location: { schema: { type: 'string' } } }),
    },
    ...(contract.status !== 302 && {
      content: {
        'application/json': {
          schema: { $ref: `#/components/schemas/${answerName(route)}` },
          example: contract.examples.answer,
        },
      },
    }),
  }
  const possible: FaultCode[] = [
    'invalid',
    ...(hasContent ? (['malformed', 'too_large'] as const) : []),
    ...(route.permission === 'public' ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...(isLimited ? (['rate_limited'] as const) : []),
    ...(takesKey(route) ? (['conflict'] as const) : []),
    ...(contract.faults ?? []),
    'method_not_allowed',
    'unavailable',
  ]
  const faults = [...new Set(possible)].map((code): [string, Json] => [
    String(statusOf[code]),
    { $ref: `#/components/responses/${code}` },
  ])
  return Object.fromEntries([
    [String(contract.status ?? 200), success],
    ...(route.ask
      ? [
          [
            '304',
            { description: 'The answer with this `ETag` is still current.', headers: { ...requestId, ...etag } },
          ] as const,
        ]
      : []),
    ...faults,
    ['500', { $ref: '#/components/responses/internal' }],
  ])
}
