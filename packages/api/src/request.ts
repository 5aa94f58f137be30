import * as z from 'zod'
import { type Complaint, Fault } from '@cloudoptima/core'
import { hasBody, type Route } from './route.ts'
import { bare, decode, fieldsOf } from './wire.ts'

const maxBytes = 1024 * 1024
const maxDepth = 32

/** Throws Fault `invalid`, `malformed`, `too_large`. */
export async function inputOf(request: Request, route: Route, path: Record<string, string>): Promise<unknown> {
  const hasQuery = request.url.includes('?')
  if (!hasQuery && !hasBody(route) && !route.path.includes('{')) return {}
  // Parsing a URL costs as much as the rest of reading a request.
  const searchParams = hasQuery ? new URL(request.url).searchParams : none
  const inPath = decode(route.input, path) as Record<string, unknown>
  if (!hasBody(route)) return { ...queryOf(searchParams, route.input, Object.keys(path)), ...inPath }
  if ([...searchParams].length > 0)
    throw new Fault('invalid', 'This operation takes no query parameters. Send the fields in the JSON body.')
  const wantsBody = Object.keys(route.input.shape).some((name) => !(name in inPath))
  const body = wantsBody ? decode(route.input, await bodyOf(request)) : {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Fault('invalid', 'The body must be a JSON object.')
  const repeated = Object.keys(inPath).filter((name) => name in body)
  if (repeated.length > 0)
    throw new Fault(
      'invalid',
      'The body repeats a field of the path. Remove the field from the body.',
      repeated.map((path) => ({ path, message: 'is already in the path' })),
    )
  return { ...body, ...inPath }
}

const none = new URLSearchParams()

/** Sorted so that equal questions have equal ETags; throws Fault `invalid`. */
export function queryOf(
  parameters: URLSearchParams,
  schema: z.ZodObject,
  inPath: readonly string[] = [],
): Record<string, unknown> {
  const fields = fieldsOf(schema)
  for (const name of inPath) fields.delete(name)
  const complaints: Complaint[] = []
  const filters: { dimension: string; tagKey: string | undefined; values: string[] }[] = []
  const entries = [...new Set(parameters.keys())].toSorted().flatMap((wireName): [string, unknown][] => {
    const values = parameters.getAll(wireName)
    const filter = fields.has('filters') ? /^filter\[([a-z_]+)(?::(.+))?\]$/s.exec(wireName) : null
    if (filter) {
      const [, dimension = '', tagKey] = filter
      filters.push({ dimension, values: [...new Set(values)].toSorted(), tagKey })
      return []
    }
    const field = wireName === 'filters' ? undefined : fields.get(wireName)
    if (!field) complaints.push({ path: wireName, message: 'is not a parameter of this operation' })
    else if (values.length > 1) complaints.push({ path: wireName, message: 'is given more than once' })
    const [value = ''] = values
    // HTML forms send empty fields.
    return field && value !== '' ? [[field.name, scalar(field.schema, value)]] : []
  })
  if (complaints.length > 0) throw new Fault('invalid', 'The query has wrong parameters. Correct them.', complaints)
  return { ...Object.fromEntries(entries), ...(filters.length > 0 && { filters }) }
}

function scalar(schema: z.core.$ZodType, text: string): unknown {
  const inner = bare(schema)
  return inner instanceof z.ZodNumber && /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text
}

async function bodyOf(request: Request): Promise<unknown> {
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(request.headers.get('Content-Type') ?? '')) {
    throw new Fault('malformed', 'Send a JSON body, with the header Content-Type: application/json.')
  }
  if (Number(request.headers.get('Content-Length') ?? 0) > maxBytes) tooLarge()
  const text = await textOf(request)
  refuseDeep(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Fault(
      'malformed',
      `The body is not valid JSON: ${error instanceof SyntaxError ? unquoted(error.message) : 'unreadable'}.`,
    )
  }
}

/** V8 quotes the text, which may be a password. */
function unquoted(message: string) {
  return message.replace(/, (\.\.\.)?".*$/s, '')
}

function tooLarge(): never {
  throw new Fault(
    'too_large',
    'The body is larger than 1 MB. Send bills to the upload URLs of an import, not in the body.',
  )
}

async function textOf(request: Request) {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    throw new Fault('malformed', error instanceof TypeError ? 'The body is not UTF-8.' : 'The body is unreadable.')
  }
}

/** Checked before JSON.parse, in one pass that counts brackets outside strings. */
function refuseDeep(text: string) {
  let depth = 0
  let isString = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (isString && character === '\\') i++
    else if (character === '"') isString = !isString
    else if (!isString && (character === '[' || character === '{')) depth++
    else if (!isString && (character === ']' || character === '}')) depth--
    if (depth > maxDepth) throw new Fault('malformed', `The body is nested deeper than ${maxDepth} levels.`)
  }
}
