import { createHash } from 'node:crypto'
import type { ReceivedRequest } from '@cloudoptima/providers/testing/aws'
import { Random } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import type { Answer } from '../server.ts'
import type { AzureSubscription, Operations } from './operation.ts'

const uuid = (text: string) => Random.uuid(Random.hash(text))

export function subscriptionOf(account: string, subscriptionId: string): AzureSubscription {
  return {
    tenantId: uuid(`tenant of ${account}`),
    subscriptionId,
    clientId: uuid(`application of ${subscriptionId}`),
    clientSecret: Random.hex(Random.hash(`secret of ${subscriptionId}`), 40),
  }
}

/** The same subscription with the application for actions, which may read and change. */
export function actingIn(subscription: AzureSubscription): AzureSubscription {
  const { subscriptionId } = subscription
  return {
    ...subscription,
    clientId: uuid(`application for actions in ${subscriptionId}`),
    clientSecret: Random.hex(Random.hash(`secret for actions in ${subscriptionId}`), 40),
  }
}

/** A token ends when its secret changes. */
function tokenOf({ clientId, clientSecret }: AzureSubscription, audience: string): string {
  return createHash('sha256').update([clientId, clientSecret, audience].join('\n')).digest('hex')
}

/** The subscription whose token for the service a request has. */
export function subscriptionWith(
  { path, headers: { authorization } }: ReceivedRequest,
  subscriptions: readonly AzureSubscription[],
): AzureSubscription {
  const isBlob = path.startsWith('/blob/')
  const data = isBlob ? 'storage.azure.com' : 'metrics.monitor.azure.com'
  const audience = isBlob || path.startsWith('/metrics/') ? data : 'management.azure.com'
  const own = subscriptions.find((each) => authorization === `Bearer ${tokenOf(each, audience)}`)
  if (own) return own
  throw new Refusal(isBlob ? 'InvalidAuthenticationInfo' : 'InvalidAuthenticationToken', 401)
}

/** The sign-in of Entra ID with a client secret; undefined for other requests. */
export function signIn(request: ReceivedRequest, subscriptions: readonly AzureSubscription[]): Answer | undefined {
  const [, tenant = '', path] = /^\/([\w-]+)\/(v2\.0\/\.well-known\/openid-configuration|oauth2\/v2\.0\/token)$/.exec(
    request.path,
  ) ?? ['']
  if (path === undefined) return undefined
  const authority = `https://${request.headers.host}/${tenant}`
  if (path.startsWith('v2.0'))
    return {
      body: {
        issuer: `${authority}/v2.0`,
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        token_endpoint: `${authority}/oauth2/v2.0/token`,
        jwks_uri: `${authority}/discovery/v2.0/keys`,
      },
    }
  // Clients that know the hosts of Microsoft ask for no configuration: the token is what a wrong tenant refuses.
  const members = subscriptions.filter(({ tenantId }) => tenantId === tenant)
  if (members.length === 0) throw new Refusal('AADSTS90002', 400)
  const asked = new URLSearchParams(request.body)
  const own = members.find(({ clientId }) => clientId === asked.get('client_id'))
  if (!own) throw new Refusal('AADSTS700016', 400)
  if (own.clientSecret !== asked.get('client_secret')) throw new Refusal('AADSTS7000215', 401)
  const [scope = ''] = (asked.get('scope') ?? '').split(' ')
  return { body: { token_type: 'Bearer', expires_in: 3600, access_token: tokenOf(own, new URL(scope).host) } }
}

/** Reader, Cost Management Reader, Monitoring Reader; Storage Blob Data Reader on the container. */
const roles = [
  { actions: ['*/read'] },
  { actions: ['Microsoft.CostManagement/*/read', 'Microsoft.CostManagement/query/action'] },
]
const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
const permissions = 'providers/Microsoft.Authorization/permissions'

/** Of the resource manager. */
export const identity: Operations = {
  'Microsoft.Resources/subscriptions/read': [
    '/subscriptions/{subscription}',
    ({ azure: { estate }, subscription: { subscriptionId, tenantId } }) => {
      const id = `/subscriptions/${subscriptionId}`
      const displayName = estate.subAccounts.find((each) => each.id === id)?.name
      return { body: { id, subscriptionId, tenantId, displayName, state: 'Enabled' } }
    },
  ],
  'Microsoft.Authorization/permissions/read': [
    `/subscriptions/{subscription}/{path*}${permissions}`,
    ({ named: { path = '' } }) => ({
      body: { value: path.includes('/containers/') ? [...roles, { actions: [], dataActions: [blobs] }] : roles },
    }),
  ],
}
