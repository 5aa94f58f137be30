import type { AccessToken, TokenCredential } from '@azure/identity'
import { type CredentialsOf, unavailable } from '../access/verdict.ts'
import { type AzureHosts, scope, secure, sender } from './hosts.ts'

export type SignIn = { kind: 'signed-in'; token: AccessToken } | { kind: 'refused'; code: string; message: string }

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const advice: Record<string, string> = {
  '7000215':
    'Azure does not accept the client secret. Give its value, not its id. Azure shows the value once, when the ' +
    'secret is created.',
  '7000222': 'The client secret has expired. Create a new one for the application and give its value.',
  '700016':
    'The tenant has no application with this client id. Check the application (client) id and the directory ' +
    '(tenant) id.',
  '7000229':
    'The application has no service principal in this tenant. Add it under Enterprise applications, or register ' +
    'it in this tenant.',
  '7000112': 'The application is disabled. Enable it in Microsoft Entra ID, under Enterprise applications.',
  '90002': 'There is no tenant with this id. Check the directory (tenant) id.',
  '900023': 'There is no tenant with this id. Check the directory (tenant) id.',
  '53003': 'A Conditional Access policy of the tenant blocks the application. Exclude it from that policy.',
}

/** Temporary failures. */
const passing = new Set(['90033', '90024', '90055', '50196'])

/** The client secret as a credential of the SDK. */
export async function credentialOf(
  hosts: AzureHosts,
  { tenantId, clientId, clientSecret }: CredentialsOf<'azure'>,
): Promise<TokenCredential> {
  const { ClientSecretCredential } = await import('@azure/identity')
  return new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: secure(hosts.authority),
    // Asks Microsoft for the known authorities.
    disableInstanceDiscovery: hosts.isStandIn,
    httpClient: await sender(hosts),
    retryOptions: { maxRetries: 0 },
  })
}

/** Signs in with the client secret; throws Fault `unavailable`. */
export async function signIn(hosts: AzureHosts, credentials: CredentialsOf<'azure'>): Promise<SignIn> {
  return await tokenOf(await credentialOf(hosts, credentials), scope)
}

/** A token of a scope; throws Fault `unavailable`. */
export async function tokenOf(credential: TokenCredential, scope: string): Promise<SignIn> {
  try {
    const token = await credential.getToken(scope)
    if (!token) throw unavailable('Azure', 'sign-in')
    return { kind: 'signed-in', token }
  } catch (error) {
    // The error may quote the request with its secret.
    const code = /AADSTS(\d+)/.exec(String((error as { message?: unknown }).message))?.[1]
    if (code === undefined || passing.has(code))
      throw unavailable('Azure', code === undefined ? 'sign-in' : `sign-in: AADSTS${code}`)
    return { kind: 'refused', code, message: advice[code] ?? unknown(code) }
  }
}

const unknown = (code: string) =>
  `Azure refuses the application (AADSTS${code}). Check the tenant, the client id and the client secret; ` +
  'Microsoft explains the code at https://login.microsoftonline.com/error.'
