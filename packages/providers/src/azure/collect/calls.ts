import type { HttpHeaders, PipelineResponse } from '@azure/core-rest-pipeline'
import { setTimeout as pause } from 'node:timers/promises'
import { type Call, Fault, isFault } from '@cloudoptima/core'
import type { AccessOptions } from '../../access/options.ts'
import { type AccessTo, unavailable } from '../../access/verdict.ts'
import { type AzureHosts, hostsOf, scope as managementScope, secure, sender } from '../hosts.ts'
import { credentialOf, tokenOf } from '../sign-in.ts'

export interface Question extends Pick<Call, 'limits' | 'bytes'> {
  /** By Azure's own name, for the meter. */
  api: string
  /** Absolute, or a path of the resource manager. */
  url: string
  /** Makes the request a POST, unless `method` says otherwise. */
  body?: string
  method?: 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Of a change: no second try, because the first may be carried out without an answer. */
  isSentOnce?: true
  /** Of the token; default: the resource manager. */
  scope?: string
  headers?: Record<string, string>
  /** Leaves the body as a stream. */
  stream?: boolean
}

/** Requests of one collection: metered, with retries, and to Azure only. */
export interface Calls {
  access: AccessTo<'azure'>
  hosts: AzureHosts
  /** Throws `Refusal`, or Fault `unavailable`, `rate_limited` or `forbidden`. */
  send(question: Question): Promise<PipelineResponse>
}

/** Azure refuses a call, and the same call would be refused again. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(`Azure refused a call: ${status} ${code}`)
    this.name = 'Refusal'
    this.status = status
    this.code = code
  }
}

const retries = 3
/** The longest wait that Azure may ask for within a collection. */
const patienceSeconds = 30
const timeoutMs = 60_000
/** The tenant lacks Azure's own application of the scope, or has not consented to it. */
const unknownScope = new Set(['500011', '650052', '65001'])

export async function azureCalls(options: AccessOptions, access: AccessTo<'azure'>): Promise<Calls> {
  const hosts = hostsOf(options)
  const { signal, meter } = access
  const client = await sender(hosts, timeoutMs)
  const bearer = bearerOf(hosts, access)
  const { createHttpHeaders, createPipelineRequest } = await import('@azure/core-rest-pipeline')
  let quotaPauseMs = 0

  /** Undefined if the connection breaks, or Azure cannot sign in at the moment. */
  const once = async (question: Question) => {
    const { url, body, method, scope, headers, stream } = question
    const authorization = await bearer.of(scope)
    if (authorization === undefined) return undefined
    if (quotaPauseMs > 0) await pause(quotaPauseMs, undefined, { signal })
    quotaPauseMs = 0
    await meter.take(countedAs(question))
    const request = createPipelineRequest({
      url: url.startsWith('/') ? `${secure(hosts.resourceManager)}${url}` : url,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: createHttpHeaders({ 'content-type': 'application/json', ...headers, authorization }),
      abortSignal: signal,
      ...(body !== undefined && { body }),
      ...(stream && { streamResponseStatusCodes: new Set([200]) }),
    })
    try {
      return await client.sendRequest(request)
    } catch {
      // The error may quote the request with its token.
      signal.throwIfAborted()
      return undefined
    }
  }

  return {
    access,
    hosts,
    async send(question) {
      let isRenewed = false
      for (let attempt = 0; ; attempt += 1) {
        signal.throwIfAborted()
        const answer = await once(question)
        const seconds = answer ? waitOf(answer.headers) : 0
        if (answer && answer.status < 300) {
          // Resource Graph announces the end of its quota: the next query waits.
          if (answer.headers.get('x-ms-user-quota-remaining') === '0') quotaPauseMs = 1000 * seconds
          return answer
        }
        // A token may end before its time, by a revocation or a clock that is wrong.
        if (answer?.status === 401 && !isRenewed) {
          isRenewed = true
          bearer.forget(question.scope)
          continue
        }
        if (answer && isFinal(answer.status)) throw refusalOf(answer)
        if (attempt === retries || seconds > patienceSeconds || question.isSentOnce)
          throw faultOf(question, answer?.status, seconds)
        const jitter = Math.random() * 200 * 4 ** attempt
        await pause(seconds * 1000 + jitter, undefined, { signal })
      }
    },
  }
}

/** Tokens of each scope, kept until five minutes before they expire; undefined if Azure does not answer. */
function bearerOf(hosts: AzureHosts, { credentials, meter }: AccessTo<'azure'>) {
  const tokens = new Map<string, { token: string; expiresOnTimestamp: number }>()
  const of = async (scope = managementScope): Promise<string | undefined> => {
    const known = tokens.get(scope)
    if (known && known.expiresOnTimestamp - Date.now() > 300_000) return `Bearer ${known.token}`
    await meter.take({ api: 'login:token' })
    // After a failure the SDK's credential refuses for a minute.
    const credential = await credentialOf(hosts, credentials)
    const signedIn = await tokenOf(credential, scope).catch((error: unknown) => {
      if (!isFault(error, 'unavailable')) throw error
    })
    if (!signedIn) return undefined
    if (signedIn.kind === 'refused') {
      if (unknownScope.has(signedIn.code)) throw new Refusal(403, `AADSTS${signedIn.code}`)
      throw new Fault('forbidden', signedIn.message)
    }
    tokens.set(scope, signedIn.token)
    return `Bearer ${signedIn.token.token}`
  }
  return { of, forget: (scope = managementScope) => void tokens.delete(scope) }
}

const countedAs = ({ api, limits, bytes }: Question): Call => ({
  api,
  ...(limits && { limits }),
  ...(bytes !== undefined && { bytes }),
})

const isFinal = (status: number) => status !== 408 && status !== 429 && status < 500

function refusalOf({ status, bodyAsText, headers }: PipelineResponse): Error {
  const code = headers.get('x-ms-error-code') ?? /"code"\s*:\s*"(\w+)"/.exec(bodyAsText ?? '')?.[1] ?? 'unknown'
  if (status === 401 && /AuthenticationToken/.test(code))
    return new Fault('forbidden', `Azure does not accept the application any more (${code}). Verify the account again.`)
  return new Refusal(status, code)
}

function faultOf({ api }: Question, status: number | undefined, seconds: number): Fault {
  if (status !== 429) return unavailable('Azure', `${api}: ${status ?? 'no answer'}`)
  return new Fault('rate_limited', `Azure limits the calls of this account (${api}).`, [], Math.max(1, seconds))
}

/** The longest wait in seconds that an answer asks for, in any of Azure's headers. */
function waitOf(headers: HttpHeaders): number {
  const waits = [...headers].map(([name, value]) => {
    if (name === 'x-ms-user-quota-resets-after')
      return value.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
    if (!/^(x-ms-ratelimit-microsoft\..*-)?retry-after$/.test(name)) return 0
    return /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  })
  return Math.ceil(Math.max(0, ...waits.filter(Number.isFinite)))
}
