import { unavailable } from '../../access/verdict.ts'

/** `denied`: the caller lacks the permission. `rejected`: the request failed for another reason. */
export type Attempt<Answer> = { kind: 'answered'; answer: Answer } | { kind: 'denied' | 'rejected'; code: string }

type Verdict = 'silent' | 'throttled' | 'denied' | 'rejected'

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

export interface SdkError {
  name?: string
  message?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/** `silent`: no answer of the service itself. */
export function verdictOf({ name = '', message = '', $metadata }: SdkError): Verdict {
  const status = $metadata?.httpStatusCode
  if (status === undefined) return 'silent'
  if (status === 429 || throttles.test(name)) return 'throttled'
  if (status >= 500) return 'silent'
  // Organizations gives this answer to member accounts, whatever their role grants.
  if (message.startsWith("You don't have permissions to access this resource")) return 'rejected'
  return denials.has(name) || status === 403 ? 'denied' : 'rejected'
}

function judge(what: string, error: SdkError): Attempt<never> {
  const kind = verdictOf(error)
  const status = error.$metadata?.httpStatusCode
  if (kind === 'silent' || kind === 'throttled')
    throw unavailable('AWS', `${what}${status === undefined ? '' : `: ${status}`}`)
  return { kind, code: error.name ?? '' }
}
