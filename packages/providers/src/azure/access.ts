import type { Provider, Verification } from '@cloudoptima/core'
import type { AccessOptions } from '../access/options.ts'
import { azureActions } from './act/actions.ts'
import { azureActor } from './act/tags.ts'
import { azureCollector } from './collect/collector.ts'
import { providerOf, type CredentialsOf, reached, refused } from '../access/verdict.ts'
import { costManagement } from './cost-management.ts'
import { type Exports, listExports, type Tried, tryQuery } from './costs.ts'
import { hostsOf, sender } from './hosts.ts'
import { type AzurePermission, azurePermissions, canReadBlobs, isNeeded, missingIn, readBlobs } from './permissions.ts'
import { grantsOn, type ResourceManager, subscription } from './resource-manager.ts'
import { signIn } from './sign-in.ts'

/** Access by an application of the customer with a client secret and roles on one subscription. */
export function azureAccess(options: AccessOptions): Provider {
  return providerOf('azure', {
    verify: (credentials) => verify(options, credentials),
    ...azureCollector(options),
    ...azureActor(options),
    actions: azureActions(options),
  })
}

const ids = {
  subscriptionId: 'subscription id',
  tenantId: 'directory (tenant) id',
  clientId: 'application (client) id',
} as const

async function verify(options: AccessOptions, credentials: CredentialsOf<'azure'>): Promise<Verification> {
  for (const [field, name] of Object.entries(ids) as [keyof typeof ids, string][]) {
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(credentials[field]))
      return refused('not_found', `The ${name} is not valid. It looks like 11111111-2222-3333-4444-555555555555.`)
  }
  const { subscriptionId, tenantId } = credentials
  const hosts = hostsOf(options)
  const signedIn = await signIn(hosts, credentials)
  if (signedIn.kind === 'refused') return refused('credentials_refused', signedIn.message)
  const manager: ResourceManager = { hosts, token: signedIn.token.token }
  const found = await subscription(manager, subscriptionId)
  if (found.status === 404)
    return refused(
      'not_found',
      `The application cannot see the subscription ${subscriptionId}. Check the id, and assign the application ` +
        'the roles Reader and Cost Management Reader on the subscription.',
    )
  if (
    found.code === 'InvalidAuthenticationTokenTenant' ||
    (found.tenantId ?? tenantId).toLowerCase() !== tenantId.toLowerCase()
  )
    return refused(
      'wrong_account',
      `The subscription ${subscriptionId} does not belong to the tenant ${tenantId}. Give the tenant of the ` +
        'subscription, and an application of that tenant.',
    )
  const http = await sender(hosts)
  const client = await costManagement(hosts, {
    async sendRequest(request) {
      request.headers.set('authorization', `Bearer ${manager.token}`)
      return await http.sendRequest(request)
    },
  })
  const [grants, query, exports] = await Promise.all([
    grantsOn(manager, `/subscriptions/${subscriptionId}`),
    tryQuery(client, subscriptionId),
    listExports(client, subscriptionId),
  ])
  const missing = new Set<string>(grants ? missingIn(grants) : ['Microsoft.Authorization/permissions/read'])
  // A real query is more reliable than the listed roles.
  correct(missing, 'Microsoft.CostManagement/query/action', query)
  correct(missing, 'Microsoft.CostManagement/exports/read', exports.tried)
  correct(missing, 'Microsoft.Resources/subscriptions/read', found.status === 200 ? 'allowed' : 'denied')
  if (!(await isSomeReadable(manager, exports))) missing.add(readBlobs)
  const verdict = reached(azurePermissions, missing, found.displayName)
  return { ...verdict, ok: !verdict.missing.some(({ permission }) => isNeeded(permission)) }
}

function correct(missing: Set<string>, permission: AzurePermission, tried: Tried): void {
  if (tried === 'allowed') missing.delete(permission)
  if (tried === 'denied') missing.add(permission)
}

/** Whether one of the exports can be read, or there are none. */
async function isSomeReadable(manager: ResourceManager, { containers }: Exports): Promise<boolean> {
  const readable = await Promise.all(
    [...new Set(containers)].slice(0, 10).map(async (path) => canReadBlobs((await grantsOn(manager, path)) ?? [])),
  )
  return readable.length === 0 || readable.includes(true)
}
