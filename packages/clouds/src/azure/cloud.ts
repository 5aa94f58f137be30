import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import type { Estate } from '@cloudoptima/sample'
import { answered, Refusal, type Refusals, routesOf } from '../answers.ts'
import type { Faults } from '../faults.ts'
import { exists, hourly } from '../load.ts'
import type { Answer } from '../server.ts'
import { sumsBy } from '../sums.ts'
import { newest, versionsOf } from '../versions.ts'
import { openDocuments } from './arm/documents.ts'
import { armOperations, isChange, permissionOf } from './arm/operations.ts'
import { billing } from './billing.ts'
import { costKeys, costs } from './costs.ts'
import { openExport } from './export.ts'
import { actingIn, identity, signIn, subscriptionOf, subscriptionWith } from './identity.ts'
import { askedType, graphCall, inventory } from './inventory.ts'
import { metrics } from './metrics.ts'
import type { Azure, Operation } from './operation.ts'
import { retailPath, retailPrices } from './prices.ts'
import { azureResource, guidOf } from './resource.ts'
import { tagging } from './tagging.ts'

/** Paths of the resource manager have no case. */
const routeOf = routesOf<Operation>(
  { ...identity, ...costs, ...billing, ...inventory, ...metrics, ...tagging, ...armOperations },
  'i',
)

/** What Azure answers to the calls of the product, for all subscriptions of a tenant, with those of actions. */
export function azureAnswers(given: { estate: Estate; now(): Date; faults: Faults; dir: string }) {
  const { estate, now, faults, dir } = given
  const subscriptions = estate.subAccounts.map(({ id }) => subscriptionOf(estate.account, guidOf(id)))
  const acting = subscriptions.map(actingIn)
  const applications = [...subscriptions, ...acting]
  const versions = versionsOf(given)
  const retagged: Azure['retagged'] = new Map()
  const resources = hourly(estate, now, (one) => {
    const resource = azureResource(one)
    return { ...resource, tags: retagged.get(resource.id) ?? resource.tags }
  })
  const azure: Azure = {
    estate,
    now,
    subscriptions,
    versions,
    retagged,
    documents: openDocuments(now),
    get resources() {
      return resources()
    },
    sums: newest(sumsBy(costKeys)),
    exports: new Map(
      subscriptions.map((each) => [each.subscriptionId, openExport(each.subscriptionId, versions, dir)]),
    ),
  }
  const answerOf = async (request: ReceivedRequest): Promise<Answer> => {
    if (request.path === retailPath) return retailPrices(estate, request)
    const signedIn = signIn(request, applications)
    if (signedIn) return signedIn
    const { call, operation, named } = routeOf(request.path)
    const subscription = subscriptionWith(request, applications)
    if (isChange(call, request.method) && !acting.includes(subscription)) throw new Refusal('AuthorizationFailed', 403)
    const { subscriptionId } = subscription
    if ((named['subscription'] ?? subscriptionId) !== subscriptionId) throw new Refusal('SubscriptionNotFound', 404)
    const all = (type: string) =>
      azure.resources.filter(
        (each) => each.type === type && each.subscription === subscriptionId && exists(each, now()),
      )
    return await operation({ azure, subscription, request, named, all })
  }
  const answer = async (request: ReceivedRequest): Promise<Answer> =>
    await answered({ call: callOf(request), faults, codes, write }, async () => await answerOf(request))
  return { answer, subscriptions, acting }
}

/** By the product's name, which is the permission of a type for a question to Resource Graph. */
function callOf(request: ReceivedRequest): string {
  if (request.path.endsWith('/oauth2/v2.0/token')) return 'login:token'
  if (request.path.endsWith('/openid-configuration')) return 'login:configuration'
  if (request.path === retailPath) return 'prices:retail'
  const { call } = routeOf(request.path)
  return call === graphCall ? `${askedType(request.body)}/read` : permissionOf(call, request.method)
}

const codes: Refusals['codes'] = {
  throttled: { login: ['AADSTS90055', 429], blob: ['ServerBusy', 503], other: ['TooManyRequests', 429] },
  failed: { login: ['AADSTS90033', 503], blob: ['InternalError', 500], other: ['InternalServerError', 500] },
  disabled: { other: ['MissingSubscriptionRegistration', 409] },
  expired: {
    login: ['AADSTS7000222', 401],
    blob: ['InvalidAuthenticationInfo', 401],
    other: ['ExpiredAuthenticationToken', 401],
  },
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

const write: Refusals['write'] = (call, { message: code, status }, seconds) => {
  const message = 'A request to the simulated Azure failed.'
  const login = { error: 'invalid_client', error_description: `${code}: ${message}` }
  return {
    status,
    headers: { ...(seconds !== undefined && waitOf(call, seconds)), 'x-ms-error-code': code },
    body: code.startsWith('AADSTS') ? login : { error: { code, message } },
  }
}
