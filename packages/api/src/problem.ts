import * as z from 'zod'
import { type Fault, type FaultCode, InvalidInput, statusOf } from '@cloudoptima/core'
import type { Route } from './route.ts'
import { isRecord, wirePath } from './wire.ts'

type Code = FaultCode | 'internal'

/** What each fault is called, and what it means to the one who asked. */
export const kinds: Record<Code, { title: string; meaning: string }> = {
  invalid: {
    title: 'The request is not valid',
    meaning:
      'A value is missing, unknown or out of its range; the list of errors names each. Correct it and ask again.',
  },
  malformed: {
    title: 'The request cannot be read',
    meaning: 'The body is no JSON, is nested too deeply, or its Content-Type does not say application/json.',
  },
  unauthenticated: {
    title: 'Nobody is signed in',
    meaning: 'The request does not say who asks, or its credentials are no longer good. Sign in and ask again.',
  },
  forbidden: {
    title: 'Not allowed',
    meaning: 'The one who asks lacks the permission that the operation names. Asking again does not help.',
  },
  not_found: {
    title: 'Not found',
    meaning: 'There is nothing at this address, or nothing of this id in your organization.',
  },
  method_not_allowed: {
    title: 'The method is not allowed here',
    meaning: 'The address exists; the header Allow names the methods that it answers.',
  },
  conflict: {
    title: 'In conflict with the present state',
    meaning:
      'Something changed in the meantime, or is not in the state that the request needs. Read it again, then decide.',
  },
  too_large: {
    title: 'Too large',
    meaning: 'The body has more than 1 MB. Bills are uploaded by the URLs that an import answers.',
  },
  rate_limited: {
    title: 'Too many requests',
    meaning: 'Wait for as many seconds as the header Retry-After says, then ask again.',
  },
  unavailable: {
    title: 'Not available at the moment',
    meaning:
      'Something that we depend on does not answer. Ask again after as many seconds as the header Retry-After says.',
  },
  internal: {
    title: 'A fault of ours',
    meaning: 'It is recorded under the request id; tell it to us if it happens again.',
  },
}

/** An error as RFC 9457 has it, with our code, the request's id and, where fields are wrong, which. */
export const Problem = z.object({
  type: z.string().describe('A link to what the code means.'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().describe('A sentence that a person can act on.'),
  code: z.enum([
    'invalid',
    'malformed',
    'unauthenticated',
    'forbidden',
    'not_found',
    'method_not_allowed',
    'conflict',
    'too_large',
    'rate_limited',
    'unavailable',
    'internal',
  ] satisfies Code[]),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})
type Problem = z.infer<typeof Problem>

/** Every code a problem can have. */
export const codes = Problem.shape.code.options

export function statusOfCode(code: Code): number {
  return code === 'internal' ? 500 : statusOf[code]
}

/** Where the reference explains a code: a problem's `type`. */
export function typeOf(code: Code): string {
  return `/v1/docs/errors#${code}`
}

/** A fault as its asker sees it, in the wire's names. `input` is what the request was read as. */
export function problemOf(fault: Fault, requestId: string, route: Route | undefined, input?: unknown): Problem {
  const errors = fault.complaints.map(({ path, message }) => ({
    path: route ? (filterPath(input, path) ?? wirePath(route.input, path)) : path,
    message,
  }))
  const { message } = fault instanceof InvalidInput ? new InvalidInput(errors) : fault
  return { ...problem(fault.code, message, requestId), ...(errors.length > 0 && { errors }) }
}

/** A query has its filters by dimension: what is wrong with the first of them is wrong with `filter[service]`. */
function filterPath(input: unknown, path: string): string | undefined {
  const [, index] = /^filters\.(\d+)(?:\.|$)/.exec(path) ?? []
  const filters = isRecord(input) ? input['filters'] : undefined
  const filter: unknown = Array.isArray(filters) && index !== undefined ? filters[Number(index)] : undefined
  if (!isRecord(filter)) return undefined
  const name = [filter['dimension'], filter['tagKey']].filter((part) => typeof part === 'string').join(':')
  return `filter[${name}]`
}

/** Of an unknown error nothing is shown but the request's id, under which the log has it. */
export function blankProblem(requestId: string): Problem {
  return problem('internal', 'Something went wrong on our side. It is recorded under the request id.', requestId)
}

function problem(code: Code, detail: string, requestId: string): Problem {
  return { type: typeOf(code), title: kinds[code].title, status: statusOfCode(code), detail, code, requestId }
}
