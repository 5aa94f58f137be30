import { unavailable } from '../../access/verdict.ts'

/** What a call came to: its answer, or the code of the refusal. `denied`: the caller may not. `rejected`: it may, but the request was not taken. */
export type Attempt<Answer> = { kind: 'answered'; answer: Answer } | { kind: 'denied' | 'rejected'; code: string }

const denials = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'AuthorizationError',
  'UnauthorizedException',
])
const throttles = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|LimitExceededException|BandwidthLimitExceeded/

/**
 * Makes one call and answers what it came to. The SDK's errors end here: they hold the request, and so what must not be seen. Throws Fault `unavailable`
 * when AWS does not answer or asks to wait, after the SDK's own retries.
 */
export async function attempt<Answer>(what: string, call: () => Promise<Answer>): Promise<Attempt<Answer>> {
  try {
    return { kind: 'answered', answer: await call() }
  } catch (error) {
    return judge(what, described(error))
  }
}

interface Description {
  code: string
  status: number | undefined
  message: string
}

function described(error: unknown): Description {
  const {
    name = '',
    message = '',
    $metadata,
  } = error as { name?: string; message?: string; $metadata?: { httpStatusCode?: number } }
  return { code: name, message, status: $metadata?.httpStatusCode }
}

function judge(what: string, { code, status, message }: Description): Attempt<never> {
  if (status === undefined || status === 429 || status >= 500 || throttles.test(code))
    throw unavailable('AWS', `${what}${status === undefined ? '' : `: ${status}`}`)
  // So Organizations answers accounts that are not in charge of theirs, whatever their role grants.
  if (message.startsWith("You don't have permissions to access this resource")) return { kind: 'rejected', code }
  return { kind: denials.has(code) || status === 403 ? 'denied' : 'rejected', code }
}
