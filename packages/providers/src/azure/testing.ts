import { listen, type Loopback, type Reply, type ReceivedRequest } from '../testing/loopback.ts'
import type { RoleGrant } from './permissions.ts'

/** The behavior of a fake Azure. */
export interface FakeAzure {
  tenantId: string
  subscriptionId: string
  secret: string
  name?: string
  /** Role assignments on the subscription. */
  grants?: readonly RoleGrant[]
  /** Role assignments on a container. */
  containerGrants?: readonly RoleGrant[]
  /** The destinations of exports. */
  exports?: readonly { resourceId: string; container: string }[]
  /** Overrides the answer to a request. */
  override?: ((request: ReceivedRequest) => Reply | undefined) | undefined
}

/** The roles that the documentation names in Azure's format. */
export const guideRoles: readonly RoleGrant[] = [
  { actions: ['*/read'], notActions: [], dataActions: [], notDataActions: [] },
  {
    actions: [
      'Microsoft.Consumption/*/read',
      'Microsoft.CostManagement/*/read',
      'Microsoft.CostManagement/query/action',
    ],
    notActions: [],
  },
]

/** A fake of Microsoft's sign-in and resource manager. */
export async function fakeAzure(fake: FakeAzure): Promise<Loopback> {
  return await listen(
    (request) =>
      fake.override?.(request) ??
      (request.path.startsWith('/subscriptions') ? managed(fake, request) : signedIn(fake, request)),
  )
}

function signedIn({ tenantId, secret }: FakeAzure, { path, body, headers }: ReceivedRequest): Reply {
  const authority = `https://${headers.host}/${tenantId}`
  if (path.endsWith('/.well-known/openid-configuration')) {
    return {
      body: {
        issuer: `${authority}/v2.0`,
        token_endpoint: `${authority}/oauth2/v2.0/token`,
        authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
        jwks_uri: `${authority}/keys`,
      },
    }
  }
  if (new URLSearchParams(body).get('client_secret') !== secret) return refusedSignIn('7000215')
  return { body: { token_type: 'Bearer', expires_in: 3600, access_token: 'token-of-azure' } }
}

/** Microsoft's message quotes the refused value. */
export function refusedSignIn(code: string): Reply {
  return {
    status: 401,
    body: {
      error: 'invalid_client',
      error_description: `AADSTS${code}: refused. canary-from-azure`,
      error_codes: [Number(code)],
    },
  }
}

function managed(fake: FakeAzure, { path }: ReceivedRequest): Reply {
  if (!path.startsWith(`/subscriptions/${fake.subscriptionId}`))
    return { status: 404, body: { error: { code: 'SubscriptionNotFound' } } }
  if (path.endsWith('/Microsoft.Authorization/permissions'))
    return {
      body: { value: path.includes('/containers/') ? (fake.containerGrants ?? []) : (fake.grants ?? guideRoles) },
    }
  if (path.endsWith('/Microsoft.CostManagement/query')) return { body: { properties: { columns: [], rows: [] } } }
  if (path.endsWith('/Microsoft.CostManagement/exports')) {
    return {
      body: {
        value: (fake.exports ?? []).map((destination) => ({
          name: 'e',
          properties: {
            format: 'Csv',
            definition: { type: 'FocusCost', timeframe: 'MonthToDate' },
            deliveryInfo: { destination },
          },
        })),
      },
    }
  }
  return {
    body: {
      subscriptionId: fake.subscriptionId,
      tenantId: fake.tenantId,
      displayName: fake.name ?? 'Acme Azure',
      state: 'Enabled',
    },
  }
}
