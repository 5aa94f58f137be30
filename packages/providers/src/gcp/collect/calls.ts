import type { BigQuery, common } from '@google-cloud/bigquery'
import { type Call, type CallLimit, Fault, isFault, type Problem } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { type AccessTo, unavailable } from '../../access/verdict.ts'
import { retried } from '../../collect/retry.ts'
import { bigQuery, within } from '../big-query.ts'
import { hostsOf, signIn } from '../sign-in.ts'

const timeoutMs = 60_000

export interface Request {
  /** By Google's name, for the ledger: `compute.instances.aggregatedList`. */
  api: string
  /** The first label of the host: `compute`. */
  service: string
  path: string
  query?: Record<string, string | readonly string[] | undefined>
  /** Default: GET without a body, POST with one. */
  method?: 'POST' | 'PATCH' | 'DELETE'
  body?: unknown
  /** Whether a failure that may pass is left to the caller, because the call changes something. */
  isOnce?: boolean
  price?: string
  limits?: readonly CallLimit[]
}

/** Calls Google's APIs for one collection. */
export interface Caller {
  access: AccessTo<'gcp'>
  /** Throws Refusal if Google denies this call, and a Fault as `Provider` says. */
  call<Answer>(request: Request): Promise<Answer>
  /** Calls BigQuery's SDK; `api` and errors are as those of `call`. */
  bigQuery<Answer>(api: string, work: (client: BigQuery) => Promise<Answer>): Promise<Answer>
  /** All pages of a list. */
  pages<Answer extends Page>(request: Request): AsyncIterable<Answer>
  /** Reports a failure of this part and returns undefined; a refusal of the credentials ends the collection. */
  attempt<Result>(part: string, work: () => Promise<Result>): Promise<Result | undefined>
}

export interface Page {
  nextPageToken?: string
}

/** A call that Google denies, though the credentials are good. */
export class Refusal extends Error {
  readonly problem: Omit<Problem, 'part'>
  readonly reason: string
  /** By Google's own words, which may quote the request: all reasons, and the message. */
  readonly says: { reasons: readonly string[]; message: string }

  constructor(reason: string, problem: Omit<Problem, 'part'>, says: Refusal['says'] = { reasons: [], message: '' }) {
    super(problem.message)
    this.reason = reason
    this.problem = problem
    this.says = says
  }
}

/** Signs in. Throws Fault `forbidden` if Google refuses the key. */
export async function callerOf(
  options: AccessOptions,
  access: AccessTo<'gcp'>,
  scopes?: readonly string[],
): Promise<Caller> {
  const hosts = hostsOf(options)
  const { projectId, serviceAccount } = access.credentials
  await access.meter.take({ api: 'oauth2.token' })
  const signedIn = await signIn(hosts, serviceAccount, scopes)
  if (signedIn.kind === 'refused') throw new Fault('forbidden', signedIn.message)
  // Good for an hour, longer than a collection takes.
  const { token, client: jwt } = signedIn

  async function call<Answer>(request: Request): Promise<Answer> {
    const { api, price = '0', limits = [], isOnce = false } = request
    return await counted({ api, price, limits }, async () => (await answerTo(request)) as Answer, isOnce)
  }

  let client: Promise<BigQuery> | undefined
  async function ofBigQuery<Answer>(api: string, work: (client: BigQuery) => Promise<Answer>): Promise<Answer> {
    client ??= bigQuery(hosts, jwt, projectId)
    const sdk = await client
    return await counted({ api }, async () => {
      try {
        return await within(timeoutMs, () => work(sdk), access.signal)
      } catch (error) {
        access.signal.throwIfAborted()
        throw failureOfSdk(error, projectId)
      }
    })
  }

  async function counted<Answer>(counts: Call, work: () => Promise<Answer>, isOnce = false): Promise<Answer> {
    const once = async (): Promise<Answer> => {
      await access.meter.take(counts)
      return await work()
    }
    const isPassing = (error: unknown): boolean =>
      !isOnce && (isFault(error, 'unavailable') || error instanceof Throttle)
    return await retried(once, isPassing, access.signal)
  }

  async function answerTo({ service, path, query = {}, method, body }: Request): Promise<unknown> {
    const url = new URL(path, hosts.api(service))
    for (const [name, value] of Object.entries(query))
      for (const each of [value ?? []].flat()) url.searchParams.append(name, each)
    const { status, retryAfter, answer } = await fetched(url, method ?? (body === undefined ? 'GET' : 'POST'), body)
    if (status < 300) return answer
    throw failureOf({ service, status, retryAfter, answer: answer as Denial | undefined, projectId })
  }

  async function fetched(url: URL, method: string, body: unknown) {
    try {
      const response = await fetch(url, {
        method,
        redirect: 'error',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        signal: AbortSignal.any([access.signal, AbortSignal.timeout(timeoutMs)]),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const retryAfter = Number(response.headers.get('retry-after') ?? 0)
      return { status: response.status, retryAfter, answer: response.ok ? (JSON.parse(text) as unknown) : json(text) }
    } catch {
      access.signal.throwIfAborted()
      // The error of fetch may quote the request.
      throw unavailable('Google Cloud', `no answer from ${url.host}`)
    }
  }

  async function* pages<Answer extends Page>(request: Request): AsyncGenerator<Answer> {
    for (let pageToken: string | undefined; ;) {
      const page: Answer = await call({ ...request, query: { ...request.query, pageToken } })
      yield page
      if (!page.nextPageToken) return
      pageToken = page.nextPageToken
    }
  }

  async function attempt<Result>(part: string, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      const problem = problemOf(error)
      if (!problem) throw error
      access.report({ ...problem, part })
      return undefined
    }
  }

  return { access, call, bigQuery: ofBigQuery, pages, attempt }
}

class Throttle extends Fault {}

interface Denial {
  error?: { message?: string; errors?: { reason?: string }[]; details?: { reason?: string }[] }
}

/** https://cloud.google.com/apis/design/errors, and the older form of BigQuery and Compute Engine. */
function failureOf(given: {
  service: string
  status: number
  retryAfter: number
  answer: Denial | undefined
  projectId: string
}): Error {
  const { service, status, retryAfter, answer, projectId } = given
  const details = [...(answer?.error?.details ?? []), ...(answer?.error?.errors ?? [])]
  const reasons = new Set(details.flatMap(({ reason }) => reason ?? []))
  const says = (...known: string[]) => known.find((reason) => reasons.has(reason))
  if (status === 429 || says('rateLimitExceeded', 'userRateLimitExceeded', 'quotaExceeded', 'RATE_LIMIT_EXCEEDED'))
    // Google's quotas refill each minute.
    return new Throttle('rate_limited', `Google Cloud limits the calls to ${service} for now.`, [], retryAfter || 60)
  if (status >= 500 || status === 408) return unavailable('Google Cloud', `${service} answered ${status}`)
  if (status === 401)
    return new Fault('forbidden', 'Google Cloud refuses the token of the service account. Check that it is enabled.')
  if (says('SERVICE_DISABLED', 'accessNotConfigured'))
    return new Refusal('disabled', {
      state: 'api_disabled',
      message:
        `The API ${service}.googleapis.com is not enabled in the project ${projectId}. Enable it at ` +
        `https://console.cloud.google.com/apis/library/${service}.googleapis.com?project=${projectId}`,
    })
  if (status === 403 || says('accessDenied'))
    return new Refusal('denied', {
      state: 'permission_missing',
      message: `The service account may not read ${service} in the project ${projectId}. Grant it the roles of the setup.`,
    })
  const reason = says('bytesBilledLimitExceeded', 'responseTooLarge') ?? (status === 404 ? 'notFound' : String(status))
  const message = `Google Cloud answered ${service} with ${reason}.`
  const words = { reasons: [...reasons], message: answer?.error?.message ?? '' }
  return new Refusal(reason, { state: 'unavailable', message }, words)
}

/** The error itself contains the request. A job that failed at once has reasons, but no status. */
function failureOfSdk(error: unknown, projectId: string): Error {
  const { code, errors, response } = error as Partial<common.ApiError>
  const status = typeof code === 'number' ? code : errors && 400
  if (!status) return unavailable('Google Cloud', 'no answer from BigQuery')
  const retryAfter = Number(response?.headers?.['retry-after'] ?? 0)
  return failureOf({ service: 'bigquery', status, retryAfter, answer: { error: { errors: errors ?? [] } }, projectId })
}

function problemOf(error: unknown): Omit<Problem, 'part'> | undefined {
  if (error instanceof Refusal) return error.problem
  if (isFault(error, 'rate_limited')) return { state: 'throttled', message: error.message }
  return isFault(error, 'unavailable') ? { state: 'unavailable', message: error.message } : undefined
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The status alone tells.
    return undefined
  }
}
