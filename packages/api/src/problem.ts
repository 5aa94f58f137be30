import * as z from 'zod'
import { type Fault, type FaultCode, statusOf } from '@cloudoptima/core'
import type { Route } from './route.ts'
import { wirePath } from './wire.ts'

type Code = FaultCode | 'internal'

/** What each fault is called. */
export const titles: Record<Code, string> = {
  invalid: 'The request is not valid',
  malformed: 'The request cannot be read',
  unauthenticated: 'Nobody is signed in',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  method_not_allowed: 'The method is not allowed here',
  conflict: 'In conflict with the present state',
  too_large: 'Too large',
  rate_limited: 'Too many requests',
  unavailable: 'Not available at the moment',
  internal: 'A fault of ours',
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

export function statusOfCode(code: Code): number {
  return code === 'internal' ? 500 : statusOf[code]
}

/** A fault as its asker sees it, in the wire's names. */
export function problemOf(fault: Fault, requestId: string, route: Route | undefined): Problem {
  const errors = fault.complaints.map(({ path, message }) => ({ path: route ? wirePath(route.input, path) : path, message }))
  return { ...problem(fault.code, fault.message, requestId), ...(errors.length > 0 && { errors }) }
}

/** Of an unknown error nothing is shown but the request's id, under which the log has it. */
export function blankProblem(requestId: string): Problem {
  return problem('internal', 'Something went wrong on our side. It is recorded under the request id.', requestId)
}

function problem(code: Code, detail: string, requestId: string): Problem {
  return { type: `/v1/docs#${code}`, title: titles[code], status: statusOfCode(code), detail, code, requestId }
}
