import * as z from 'zod'
import { type Complaint, Fault } from '@cloudoptima/core'
import { hasBody, type Route } from './route.ts'
import { bare, decode, fieldsOf } from './wire.ts'

const mostBytes = 1024 * 1024
const deepest = 32

/** All that a request says, by the names of the command's schema: in its path, and in its query or body. */
export async function inputOf(request: Request, route: Route, path: Record<string, string>): Promise<unknown> {
  const searchParams = parametersOf(request.url)
  const named = decode(route.input, path) as Record<string, unknown>
  if (!hasBody(route)) return { ...queryOf(searchParams, route.input, Object.keys(path)), ...named }
  if ([...searchParams].length > 0) throw new Fault('invalid', 'This operation takes no query parameters.')
  const wantsBody = Object.keys(route.input.shape).some((name) => !(name in named))
  const body = wantsBody ? decode(route.input, await bodyOf(request)) : {}
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Fault('invalid', 'The body must be a JSON object.')
  const twice = Object.keys(named).filter((name) => name in body)
  if (twice.length > 0)
    throw new Fault(
      'invalid',
      'What stands in the path does not stand in the body.',
      twice.map((path) => ({ path, message: 'stands in the path' })),
    )
  return { ...body, ...named }
}

const none = new URLSearchParams()

/** Most requests have none, and to take a URL apart costs as much as all the rest of reading one. */
function parametersOf(url: string): URLSearchParams {
  return url.includes('?') ? new URL(url).searchParams : none
}

/** Query parameters as the schema's fields, in an order of their own, so that the same question is the same however it is written. */
export function queryOf(
  parameters: URLSearchParams,
  schema: z.ZodObject,
  inPath: readonly string[] = [],
): Record<string, unknown> {
  const fields = fieldsOf(schema)
  for (const name of inPath) fields.delete(name)
  const complaints: Complaint[] = []
  const filters: { dimension: string; tagKey?: string; values: string[] }[] = []
  const entries = [...new Set(parameters.keys())].toSorted().flatMap((wireName): [string, unknown][] => {
    const values = parameters.getAll(wireName)
    const filter = fields.has('filters') ? /^filter\[([a-z_]+)(?::(.+))?\]$/s.exec(wireName) : null
    if (filter) {
      const [, dimension = '', tagKey] = filter
      filters.push({ dimension, values: [...new Set(values)].toSorted(), ...(tagKey !== undefined && { tagKey }) })
      return []
    }
    const field = wireName === 'filters' ? undefined : fields.get(wireName)
    if (!field) complaints.push({ path: wireName, message: 'is not a parameter of this operation' })
    else if (values.length > 1) complaints.push({ path: wireName, message: 'is given more than once' })
    const [value = ''] = values
    // A form sends its empty fields too: an empty value is no value.
    return field && value !== '' ? [[field.name, scalar(field.schema, value)]] : []
  })
  if (complaints.length > 0) throw new Fault('invalid', 'The query cannot be understood.', complaints)
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
  refuseOversized(request)
  const text = await textOf(request)
  refuseDeep(text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Fault(
      'malformed',
      `The body is no JSON: ${error instanceof SyntaxError ? unquoted(error.message) : 'it cannot be read'}.`,
    )
  }
}

/** What V8 says of a text without the piece of it that it may quote: that can be a password. */
function unquoted(message: string): string {
  return message.replace(/, (\.\.\.)?".*$/s, '')
}

function refuseOversized(request: Request): void {
  if (Number(request.headers.get('Content-Length') ?? 0) > mostBytes) tooLarge()
}

function tooLarge(): never {
  throw new Fault(
    'too_large',
    'The body is larger than 1 MB. Bills go to the upload URLs of an import, not into the body.',
  )
}

async function textOf(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > mostBytes) tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (error) {
    throw new Fault('malformed', error instanceof TypeError ? 'The body is not UTF-8.' : 'The body cannot be read.')
  }
}

/** Counts brackets outside strings, so that nothing deep is ever parsed. One pass, whatever the text. */
function refuseDeep(text: string): void {
  let depth = 0
  let isString = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (isString && character === '\\') i++
    else if (character === '"') isString = !isString
    else if (!isString && (character === '[' || character === '{')) depth++
    else if (!isString && (character === ']' || character === '}')) depth--
    if (depth > deepest) throw new Fault('malformed', `The body is nested deeper than ${deepest} levels.`)
  }
}
