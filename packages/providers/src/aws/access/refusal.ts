import { unavailable } from '../../access/verdict.ts'

/** `denied`: the caller lacks the permission. `rejected`: the request failed for another reason. */
export type Attempt<Answer> = { kind: 'answered'; answer: Answer } | { kind: 'denied' | 'rejected'; code: string }

const denials = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'AuthorizationError',
  'UnauthorizedException',
])
const throttles = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|LimitExceededException|BandwidthLimitExceeded/

/** Hides the SDK's errors, which contain the request with its secrets; throws Fault `unavailable`. */
export async function attempt<Answer>(what: string, call: () => Promise<Answer>): Promise<Attempt<Answer>> {
  try {
    return { kind: 'answered', answer: await call() }
  } catch (error) {
    return judge(what, error as SdkError)
  }
}

export async function answerOf<Answer>(what: string, call: () => Promise<Answer>): Promise<Answer | undefined> {
  const asked = await attempt(what, call)
  return asked.kind === 'answered' ? asked.answer : undefined
}

interface SdkError {
  name?: string
  message?: string
  $metadata?: { httpStatusCode?: number }
}

function judge(what: string, { name: code = '', message = '', $metadata }: SdkError): Attempt<never> {
  const status = $metadata?.httpStatusCode
  if (status === undefined || status === 429 || status >= 500 || throttles.test(code))
    throw unavailable('AWS', `${what}${status === undefined ? '' : `: ${status}`}`)
  // Organizations gives this answer to member accounts, whatever their role grants.
  if (message.startsWith("You don't have permissions to access this resource")) return { kind: 'rejected', code }
  return { kind: denials.has(code) || status === 403 ? 'denied' : 'rejected', code }
}
