import type { AccessToken } from '@azure/identity'
import { type CredentialsOf, unavailable } from '../access/verdict.ts'
import { timeoutMs } from '../access/ask.ts'
import type { AccessOptions } from '../access/options.ts'
import type { HttpClient } from '@azure/core-rest-pipeline'

export type SignIn = { kind: 'signed-in'; token: AccessToken } | { kind: 'refused'; message: string }

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

export async function signIn(
  hosts: AzureHosts,
  { tenantId, clientId, clientSecret }: CredentialsOf<'azure'>,
): Promise<SignIn> {
  const { ClientSecretCredential } = await import('@azure/identity')
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: secure(hosts.authority),
    // Asks Microsoft for the known authorities.
    disableInstanceDiscovery: hosts.isStandIn,
    httpClient: await sender(hosts),
    retryOptions: { maxRetries: 0 },
  })
  try {
    return { kind: 'signed-in', token: await credential.getToken(scope) }
  } catch (error) {
    // The error may quote the request with its secret.
    return { kind: 'refused', message: sentence(codeOf(error)) }
  }
}

function codeOf(error: unknown) {
  return /AADSTS(\d+)/.exec(String((error as { message?: unknown }).message))?.[1]
}

function sentence(code: string | undefined) {
  if (code === undefined || passing.has(code))
    throw unavailable('Azure', code === undefined ? 'sign-in' : `sign-in: AADSTS${code}`)
  return (
    advice[code] ??
    `Azure refuses the application (AADSTS${code}). Check the tenant, the client id and the client secret; ` +
      'Microsoft explains the code at https://login.microsoftonline.com/error.'
  )
}

export interface AzureHosts {
  authority: string
  resourceManager: string
  isStandIn: boolean
}

/** The scope of tokens, whatever the host of the resource manager. */
export const scope = 'https://management.azure.com/.default'

export function hostsOf({ endpoints }: AccessOptions): AzureHosts {
  const { authority, resourceManager } = endpoints?.azure ?? {
    authority: 'https://login.microsoftonline.com',
    resourceManager: 'https://management.azure.com',
  }
  return { authority, resourceManager, isStandIn: endpoints?.azure !== undefined }
}

/** The SDKs refuse credentials over HTTP, which a server on loopback may use. */
export const secure = (url: string) => url.replace(/^http:/, 'https:')

/** Limited to the two hosts and in time, and HTTP where the host uses it. */
export async function sender({ authority, resourceManager }: AzureHosts): Promise<HttpClient> {
  const { createDefaultHttpClient } = await import('@azure/core-rest-pipeline')
  const client = createDefaultHttpClient()
  const origins = new Map([authority, resourceManager].map((url) => [new URL(secure(url)).origin, new URL(url).origin]))
  return {
    async sendRequest(request) {
      const url = new URL(request.url)
      const origin = origins.get(url.origin)
      if (origin === undefined) throw new Error('A request to a host outside Azure was blocked')
      request.url = `${origin}${url.pathname}${url.search}`
      request.allowInsecureConnection = origin.startsWith('http:')
      request.timeout = timeoutMs
      return await client.sendRequest(request)
    },
  }
}
