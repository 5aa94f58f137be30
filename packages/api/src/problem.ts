import * as z from 'zod'
import { type Fault, type FaultCode, InvalidInput, statusOf } from '@cloudoptima/core'
import type { Route } from './route.ts'
import { isRecord, wirePath } from './wire.ts'

type Code = FaultCode | 'internal'

export const kinds: Record<Code, { title: string; meaning: string }> = {
  invalid: {
    title: 'The request is not valid',
    meaning:
      'A value is missing, unknown or out of range. `errors` lists each wrong value. Correct them and send it again.',
  },
  malformed: {
    title: 'The request cannot be read',
    meaning: 'The body is not valid JSON, is nested too deeply, or has another Content-Type than application/json.',
  },
  unauthenticated: {
    title: 'Not signed in',
    meaning: 'The request has no credentials, or they are invalid, expired or revoked. Sign in and send it again.',
  },
  forbidden: {
    title: 'Not allowed',
    meaning: 'The caller lacks the permission that the operation requires. Ask an admin of the organization for it.',
  },
  not_found: {
    title: 'Not found',
    meaning: 'The path does not exist, or your organization has nothing with this id.',
  },
  method_not_allowed: {
    title: 'Method not allowed',
    meaning: 'The path exists, but not with this method. The header Allow lists its methods.',
  },
  conflict: {
    title: 'Conflict with the current state',
    meaning:
      'The item changed meanwhile, or is not in the state that the request requires. Read it again, then decide.',
  },
  too_large: {
    title: 'Too large',
    meaning: 'The body is larger than 1 MB. Send bills to the upload URLs of an import.',
  },
  rate_limited: {
    title: 'Too many requests',
    meaning: 'Wait for the number of seconds in the header Retry-After, then send the request again.',
  },
  unavailable: {
    title: 'Temporarily unavailable',
    meaning: 'A service that the product needs does not answer. Try again after the seconds in the header Retry-After.',
  },
  internal: {
    title: 'Internal error',
    meaning: 'The server logged the error under the request id. Name this id if you report it.',
  },
}

export const codes = Object.keys(kinds) as Code[]

/** RFC 9457. */
export const Problem = z.object({
  type: z.string().describe('Link to the meaning of the code.'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('Explanation of this error, for people.'),
  code: z.enum(codes),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})
type Problem = z.infer<typeof Problem>

export function statusOfCode(code: Code): number {
  return code === 'internal' ? 500 : statusOf[code]
}

export function typeOf(code: Code): string {
  return `/v1/docs/errors#${code}`
}

/** `input` is the request's decoded input. */
export function problemOf(fault: Fault, requestId: string, route: Route | undefined, input?: unknown): Problem {
  const errors = fault.complaints.map(({ path, message }) => ({
    path: route ? (filterPath(input, path) ?? wirePath(route.input, path)) : path,
    message,
  }))
  const { message } = fault instanceof InvalidInput ? new InvalidInput(errors) : fault
  return { ...problem(fault.code, message, requestId), ...(errors.length > 0 && { errors }) }
}

/** `filters.0` becomes the query parameter, such as `filter[service]`. */
function filterPath(input: unknown, path: string) {
  const [, index] = /^filters\.(\d+)(?:\.|$)/.exec(path) ?? []
  const filters = isRecord(input) ? input['filters'] : undefined
  const filter: unknown = Array.isArray(filters) && index !== undefined ? filters[Number(index)] : undefined
  if (!isRecord(filter)) return undefined
  const name = [filter['dimension'], filter['tagKey']].filter((part) => typeof part === 'string').join(':')
  return `filter[${name}]`
}

/** Without the error's message, which may contain secrets. */
export function blankProblem(requestId: string): Problem {
  return problem('internal', 'An internal error occurred. The server logged it under the request id.', requestId)
}

export function problem(code: Code, detail: string, requestId: string): Problem {
  return { type: typeOf(code), title: kinds[code].title, status: statusOfCode(code), detail, code, requestId }
}
