import { setTimeout as sleep } from 'node:timers/promises'
import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import { type CallFault, faultOf, type Faults } from '../faults.ts'
import { exists } from '../load.ts'
import type { Answer } from '../server.ts'
import { sumsBy } from '../sums.ts'
import { newest, versionsOf } from '../versions.ts'
import { billing } from './billing.ts'
import { costKeys, costs } from './costs.ts'
import { openExport } from './export.ts'
import { identity, signIn, subscriptionOf, subscriptionWith } from './identity.ts'
import { askedType, graphCall, inventory } from './inventory.ts'
import { metrics } from './metrics.ts'
import { type Azure, type Operations, Refusal } from './operation.ts'
import { azureResource, guidOf } from './resource.ts'

const operations: Operations = { ...identity, ...costs, ...billing, ...inventory, ...metrics }
const routes = Object.entries(operations).map(([call, [audience, path, operation]]) => {
  const pattern = path.replaceAll(/\{(\w+)(\*?)\}/g, (_, name, any) => `(?<${name}>${any ? '.*' : '[^/]+'})`)
  return { call, audience, operation, path: new RegExp(`^${pattern}$`) }
})

/** What Azure answers to the calls of the product, for all subscriptions of a tenant. */
export function azureAnswers(given: { estate: Estate; now(): Date; faults: Faults; dir: string }) {
  const { estate, now, faults, dir } = given
  const subscriptions = estate.subAccounts.map(({ id }) => subscriptionOf(estate.account, guidOf(id)))
  const versions = versionsOf(given)
  const azure: Azure = {
    estate,
    now,
    subscriptions,
    versions,
    resources: estate.resources.map(azureResource),
    sums: newest(sumsBy(costKeys)),
    exports: new Map(
      subscriptions.map((each) => [each.subscriptionId, openExport(each.subscriptionId, versions, dir)]),
    ),
  }
  const answerOf = async (request: ReceivedRequest): Promise<Answer> => {
    const signedIn = signIn(request, subscriptions)
    if (signedIn) return signedIn
    const { audience, operation, named } = routeOf(request)
    const subscription = subscriptionWith(request, audience, subscriptions)
    const { subscriptionId } = subscription
    if ((named['subscription'] ?? subscriptionId) !== subscriptionId) throw new Refusal('SubscriptionNotFound', 404)
    const all = (type: string) =>
      azure.resources.filter(
        (each) => each.type === type && each.subscription === subscriptionId && exists(each, now()),
      )
    return await operation({ azure, subscription, request, named, all })
  }
  const answer = async (request: ReceivedRequest): Promise<Answer> => {
    const call = callOf(request)
    const fault = faultOf(faults, call)
    if (fault?.kind === 'slow') await sleep((fault.seconds ?? 1) * 1000, undefined, { ref: false })
    try {
      if (fault) refuse(call, fault)
      return { ...(await answerOf(request)), ...(fault?.kind === 'cut' && { isCut: true }) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const headers = fault?.kind === 'throttled' ? waitOf(call, fault.seconds ?? 1) : {}
      return refusal(error, headers)
    }
  }
  return { answer, subscriptions }
}

/** By the product's name, which is the permission of a type for a question to Resource Graph. */
function callOf(request: ReceivedRequest): string {
  if (request.path.endsWith('/oauth2/v2.0/token')) return 'login:token'
  if (request.path.endsWith('/openid-configuration')) return 'login:configuration'
  const { call } = routeOf(request)
  return call === graphCall ? `${askedType(request.body)}/read` : call
}

function routeOf({ path, query }: ReceivedRequest) {
  for (const { path: pattern, ...route } of routes) {
    const found = pattern.exec(decodeURIComponent(path))
    if (found) return { ...route, named: { ...found.groups } }
  }
  throw new Error(`${path}?${query.toString()} is not simulated`)
}

type Code = [code: string, status: number]

/** By the first part of the call. */
const codes: Partial<Record<CallFault['kind'], Record<string, Code> & { other: Code }>> = {
  throttled: { login: ['AADSTS90055', 429], blob: ['ServerBusy', 503], other: ['TooManyRequests', 429] },
  failed: { login: ['AADSTS90033', 503], blob: ['InternalError', 500], other: ['InternalServerError', 500] },
  disabled: { other: ['MissingSubscriptionRegistration', 409] },
  expired: {
    login: ['AADSTS7000222', 401],
    blob: ['InvalidAuthenticationInfo', 401],
    other: ['ExpiredAuthenticationToken', 401],
  },
}

function refuse(call: string, { kind }: CallFault): void {
  const known = codes[kind]
  if (known) throw new Refusal(...(known[call.split(':')[0] ?? ''] ?? known.other))
}

/** Each service asks to wait in a header of its own; storage in none. */
function waitOf(call: string, seconds: number): Record<string, string> {
  if (call.startsWith('blob:')) return {}
  if (call.startsWith('Microsoft.CostManagement/'))
    return {
      'x-ms-ratelimit-microsoft.costmanagement-qpu-remaining': 'QueriesPerMin:0',
      'x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after': String(seconds),
    }
  return { 'retry-after': String(seconds) }
}

function refusal({ message: code, status }: Refusal, headers: Record<string, string>): Answer {
  const message = 'A request to the simulated Azure failed.'
  const login = {
    error: 'invalid_client',
    error_description: `${code}: ${message}`,
    error_codes: [Number(code.slice(6))],
  }
  return {
    status,
    headers: { ...headers, 'x-ms-error-code': code },
    body: code.startsWith('AADSTS') ? login : { error: { code, message } },
  }
}
