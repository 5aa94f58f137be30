import fc from 'fast-check'
import { anything, type RequestData } from './arbitrary.ts'

/** An encoded request. */
export interface WireRequest {
  path: string
  method: string
  headers: Record<string, string>
  body?: string | Uint8Array<ArrayBuffer>
  /** Whether the request still addresses its operation. */
  isForOperation: boolean
}

function textOf(value: unknown): string {
  return encodeURIComponent((typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed())
}

/** Encodes a request. */
export function encoded(template: string, method: string, { path, query, headers, body }: RequestData): WireRequest {
  const search = query.map(([name, value]) => `${textOf(name)}=${textOf(value)}`).join('&')
  const at = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => textOf(path[name]))
  return {
    path: search ? `${at}?${search}` : at,
    method: method.toUpperCase(),
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    // An id such as `..` or an empty id leads to another path.
    isForOperation: Object.values(path).every((value) => typeof value === 'string' && !/^\.{0,2}$/.test(value)),
  }
}

type Change = (wire: WireRequest) => WireRequest

/** Changes of values, bytes, headers, method or path that can make a request invalid. */
export const malformed: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: values() },
  { weight: 3, arbitrary: fc.constantFrom(...bytes()) },
  { weight: 3, arbitrary: headers() },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND', 'get', 'X')
      .map((method): Change => withMethod(method)),
  },
  { weight: 2, arbitrary: addresses() },
)

function fieldsOf({ body }: WireRequest): Record<string, unknown> | undefined {
  // Deeply nested bodies of an earlier change would overflow the stack here.
  if (typeof body !== 'string' || body.length > 15_000) return undefined
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined
  } catch (error) {
    // An earlier change made the body invalid.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Replaces, removes or adds a field in the body, or in the query if there is no body. */
function values(): fc.Arbitrary<Change> {
  const strange = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      'filter[x]',
      'filter[',
      'filters',
      'org_id',
      'orgId',
      'id',
      'role',
      '',
    ),
  )
  const replaced = fc.tuple(fc.nat(), anything).map(
    ([n, value]): Change =>
      (wire) =>
        edited(wire, n, () => value),
  )
  const removed = fc.nat().map(
    (n): Change =>
      (wire) =>
        edited(wire, n, () => undefined),
  )
  const longer = fc.nat().map(
    (n): Change =>
      (wire) =>
        edited(wire, n, (value) => `${textOf(value)}${'x'.repeat(50_000)}`),
  )
  const added = fc.tuple(strange, anything).map(([name, value]): Change => (wire) => {
    const fields = fieldsOf(wire)
    if (fields)
      return { ...wire, body: JSON.stringify(Object.defineProperty({ ...fields }, name, { value, enumerable: true })) }
    return {
      ...wire,
      path: `${wire.path}${wire.path.includes('?') ? '&' : '?'}${encodeURIComponent(name.toWellFormed())}=${textOf(value)}`,
    }
  })
  return fc.oneof({ weight: 4, arbitrary: replaced }, removed, longer, { weight: 2, arbitrary: added })
}

function edited(wire: WireRequest, n: number, edit: (value: unknown) => unknown): WireRequest {
  const fields = fieldsOf(wire)
  const names = Object.keys(fields ?? {})
  const name = names[n % Math.max(1, names.length)]
  if (fields && name !== undefined) return { ...wire, body: JSON.stringify({ ...fields, [name]: edit(fields[name]) }) }
  const [path = '', search] = wire.path.split('?')
  if (search === undefined) return wire
  const pairs = search.split('&')
  const at = n % pairs.length
  const value = edit('')
  const [key = ''] = pairs[at]?.split('=') ?? []
  const pair = value === undefined ? [] : [`${key}=${textOf(value)}`]
  return { ...wire, path: `${path}?${pairs.toSpliced(at, 1, ...pair).join('&')}` }
}

/** Bodies that are invalid JSON, too deep or too large. */
function bytes(): Change[] {
  const withBody =
    (body: WireRequest['body']): Change =>
    (wire) =>
      wire.body === undefined || body === undefined ? wire : { ...wire, body }
  const texts = [
    '',
    ' ',
    '{',
    '}',
    '"',
    'null',
    'true',
    '0',
    '[]',
    '[{}]',
    '""',
    '{"a":1}{"a":2}',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":1,}',
    '\ufeff{}',
    'a=b&c=d',
    '<a/>',
    '{"\\ud800":"\\udfff"}',
    '{"__proto__":{"role":"admin"}}',
  ]
  const deep = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const large = JSON.stringify({ a: 'x'.repeat(1024 * 1024) })
  const raw = [
    Uint8Array.of(0xff, 0xfe, 0x7b, 0x00),
    Uint8Array.of(0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d),
    new Uint8Array(1000),
    Uint8Array.of(0x1f, 0x8b, 8, 0, 0),
  ]
  return [
    ...[...texts, deep(31), deep(33), deep(10_000), large, `{"a":${'9'.repeat(10_000)}}`].map(withBody),
    ...raw.map(withBody),
    cut(0.5),
    cut(0.9),
  ]
}

function cut(share: number): Change {
  return (wire) =>
    typeof wire.body === 'string' ? { ...wire, body: wire.body.slice(0, wire.body.length * share) } : wire
}

function headers(): fc.Arbitrary<Change> {
  const types = [
    '',
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    'application/json;',
    'application/vnd.api+json',
    'application/jsonp',
    'json',
    '*/*',
  ]
  const given: [string, string[]][] = [
    ['Content-Type', types],
    ['Content-Length', ['0', '-1', '99999999999', '1e3', 'x']],
    ['Content-Encoding', ['gzip', 'br', 'x']],
    ['Accept', ['text/html', 'application/xml;q=1', '*/*;q=0']],
    ['Accept-Encoding', ['gzip, deflate, br', 'x']],
    ['Idempotency-Key', ['', ' ', 'a b', 'x'.repeat(256), 'x'.repeat(255), 'é', '"quoted"', '../..']],
    ['If-None-Match', ['*', '""', 'W/""', '"x", *', ','.repeat(5000), 'é']],
    ['If-Match', ['*', '"x"']],
    ['Range', ['bytes=0-0', 'bytes=-']],
    ['X-Request-Id', ['', '<script>', 'x'.repeat(129), 'é', '../..', 'a'.repeat(128)]],
    ['Cookie', ['cloudoptima-signin=x', '__Host-cloudoptima-signin=', '=;;;=', 'x'.repeat(8000)]],
    ['User-Agent', ['', 'x'.repeat(20_000), 'é']],
    ['X-HTTP-Method-Override', ['DELETE', 'PUT']],
    ['X-Forwarded-For', ['127.0.0.1', 'x', ','.repeat(1000)]],
    ['Origin', ['null', 'https://evil.example', 'x']],
    [
      'Authorization',
      ['', 'Bearer', 'Bearer x', 'Basic eA==', 'x'.repeat(10_000), 'Bearer co_x.y', `Bearer ${'.'.repeat(8000)}`],
    ],
  ]
  const pair = fc.constantFrom(...given.flatMap(([name, values]) => values.map((value) => [name, value] as const)))
  return pair.map(([name, value]): Change => (wire) => ({ ...wire, headers: { ...wire.headers, [name]: value } }))
}

function withMethod(method: string): Change {
  return ({ body, ...wire }) => {
    const takesBody = !['GET', 'HEAD', 'get'].includes(method)
    return { ...wire, method, isForOperation: false, ...(takesBody && body !== undefined && { body }) }
  }
}

function addresses(): fc.Arbitrary<Change> {
  const ends = [
    '/',
    '//',
    '/..',
    '/%2e%2e/x',
    '%',
    '%ff',
    '%00',
    ';a=b',
    '.json',
    '/x/y/z',
    '#x',
    '?',
    '??',
    '?a&b=&=c',
    '?page=1&page=2',
    '?page=%ff',
    `?${'a=1&'.repeat(2000)}`,
    `/${'x'.repeat(5000)}`,
    '?filter[service]=',
    '?filter[tag:]=x',
    '?__proto__[role]=admin',
  ]
  const begins: ((path: string) => string)[] = [
    (path) => `/${path}`,
    (path) => path.toUpperCase(),
    (path) => path.replace('/v1', '/v2'),
    (path) => path.replace('/v1', ''),
    (path) => `/v1/../${path}`,
    (path) => path.replaceAll('/', '%2f'),
  ]
  const change = fc.oneof(
    fc.constantFrom(...ends).map((end) => (path: string) => path + end),
    fc.constantFrom(...begins),
  )
  return change.map((edit): Change => (wire) => ({ ...wire, path: edit(wire.path), isForOperation: false }))
}
