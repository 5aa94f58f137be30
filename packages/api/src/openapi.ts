import * as z from 'zod'
import { ids } from './examples.ts'
import { codes, kinds, Problem, problem, statusOfCode } from './problem.ts'
import { hasBody, type Route, takesKey } from './route.ts'
import { jsonSchema } from './wire.ts'

type Json = Record<string, unknown>

export type Operation = ReturnType<typeof operationOf>

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

export function documentOf(routes: readonly Route[]) {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  return {
    openapi: '3.1.0',
    info: {
      title: 'CloudOptima',
      version: '1',
      description:
        "The exact cloud costs of an organization. Amounts are numbers in the answer's `currency`; a field named " +
        '`..._exact` has the exact decimal as text. Days are `YYYY-MM-DD` in UTC. Every operation that is not ' +
        'marked `public` requires `Authorization: Bearer` with an access token or an API key. The token ' +
        'determines the organization. Errors are `application/problem+json` (RFC 9457); see [the error ' +
        'codes](docs/errors).',
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

function tagOf({ id }: Route) {
  return id.split('.')[0] ?? id
}

/** `costs.by-service` becomes `CostsByService`. */
function answerName({ id }: Route) {
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
  const schema = { $ref: '#/components/schemas/Problem' }
  return Object.fromEntries(
    codes.map((code) => {
      const { title, meaning } = kinds[code]
      const content = { 'application/problem+json': { schema, example: problem(code, meaning, ids.request) } }
      return [code, { description: `${title}. ${meaning}`, content }]
    }),
  )
}

function operationOf(route: Route) {
  const { contract, id, path, permission } = route
  const { properties = {}, required = [] } = jsonSchema(route.input, 'input') as Fields
  const inPath = new Set(Object.keys(properties).filter((name) => path.includes(`{${name}}`)))
  const inBody = new Set(hasBody(route) ? Object.keys(properties).filter((name) => !inPath.has(name)) : [])
  const bodyPart = (given: Json) => Object.fromEntries(Object.entries(given).filter(([name]) => inBody.has(name)))
  const schema: Json = {
    type: 'object',
    properties: bodyPart(properties),
    required: required.filter((name) => inBody.has(name)),
    additionalProperties: false,
  }
  const content = { 'application/json': { schema, example: bodyPart(contract.request ?? {}) } }
  const inUrl = Object.entries(properties)
    .filter(([name]) => !inBody.has(name))
    .map(([name, { description, ...schema }]): Parameter => {
      const described = typeof description === 'string' && { description }
      if (name === 'filters') return { ...filters, ...described }
      const example = contract.request?.[name]
      return {
        name,
        in: inPath.has(name) ? 'path' : 'query',
        required: required.includes(name),
        ...described,
        schema,
        ...(example !== undefined && { example }),
      }
    })
  return {
    operationId: id,
    summary: contract.summary,
    ...(contract.description !== undefined && { description: contract.description }),
    tags: [tagOf(route)],
    'x-permission': permission,
    security: permission === 'public' ? [] : [{ bearer: [] }],
    parameters: [...inUrl, ...(route.ask ? [ifNoneMatch] : []), ...(takesKey(route) ? [idempotencyKey] : [])],
    ...(inBody.size > 0 && { requestBody: { required: true, content } }),
    responses: responsesOf(route, inBody.size > 0),
  }
}

interface Fields {
  properties?: Record<string, Json>
  required?: string[]
}

const filters: Parameter = {
  name: 'filter',
  in: 'query',
  required: false,
  style: 'deepObject',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
  // Without an example, Swagger UI invents a filter and sends it.
  example: {},
}

const ifNoneMatch: Parameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'The `ETag` of an earlier answer. 304 if that answer is still current.',
  schema: { type: 'string' },
}

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A unique value that you choose for this request. A repetition with the same key and body within 24 hours ' +
    'changes nothing and gets the same answer.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
}

const header = (description: string) => ({ description, schema: { type: 'string' } })
const requestId = { 'X-Request-Id': header('Id of the request in the server log.') }
const etag = { ETag: header('Equal tags mean equal answers.') }
const limitHeaders = {
  'RateLimit-Limit': header('Requests allowed in a window.'),
  'RateLimit-Remaining': header('Requests left in this window.'),
  'RateLimit-Reset': header('Seconds until the next window.'),
}

function responsesOf(route: Route, hasContent: boolean): Record<string, Json> {
  const { contract, permission } = route
  const isPublic = permission === 'public'
  const isLimited = !isPublic || contract.perAddress !== undefined
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
          example: contract.response,
        },
      },
    }),
  }
  const faults = [
    'invalid' as const,
    ...(hasContent ? (['malformed', 'too_large'] as const) : []),
    ...(isPublic ? [] : (['unauthenticated', 'forbidden'] as const)),
    ...(isLimited ? ['rate_limited' as const] : []),
    ...(takesKey(route) ? ['conflict' as const] : []),
    ...(route.path.includes('{') ? ['not_found' as const] : []),
    ...(contract.faults ?? []),
    'method_not_allowed' as const,
    'unavailable' as const,
    'internal' as const,
  ]
  const current = { description: 'The answer with this `ETag` is still current.', headers: { ...requestId, ...etag } }
  return {
    [contract.status ?? 200]: success,
    ...(route.ask && { 304: current }),
    ...Object.fromEntries(faults.map((code) => [statusOfCode(code), { $ref: `#/components/responses/${code}` }])),
  }
}
