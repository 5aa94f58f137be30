import { createPrivateKey } from 'node:crypto'
import type { JWT } from 'google-auth-library'
import { timeoutMs } from '../access/ask.ts'
import { type CredentialsOf, unavailable } from '../access/verdict.ts'
import type { AccessOptions } from '../access/options.ts'

export type SignIn = { kind: 'signed-in'; client: JWT; token: string } | { kind: 'refused'; message: string }

type Key = CredentialsOf<'gcp'>['serviceAccount']

const refused = (message: string): SignIn => ({ kind: 'refused', message })

const readScopes = ['cloud-platform.read-only', 'bigquery', 'cloud-billing.readonly']
/** Of a token that may carry actions out. */
export const actScopes = ['compute', 'sqlservice.admin']

/** The URLs in the key file are ignored, because the customer controls them (SSRF). */
export async function signIn(
  hosts: GcpHosts,
  { client_email: email, private_key: key }: Key,
  scopes: readonly string[] = readScopes,
): Promise<SignIn> {
  if (!/^[a-z\d-]+@[a-z\d.:-]+\.gserviceaccount\.com$/.test(email))
    return refused('The key file has no client_email. Give the unchanged JSON key file of the service account.')
  if (!isRsaKey(key))
    return refused('The private key cannot be read. Give the unchanged JSON key file, with its line breaks (\\n).')
  // A CommonJS module: code splitting leaves it only a default export.
  const { gaxios, JWT } = (await import('google-auth-library')).default
  const transporter = new gaxios.Gaxios({ timeout: timeoutMs, retryConfig: { retry: 1 } })
  transporter.interceptors.request.add({
    resolved: async (request) => {
      if (String(request.url) !== googleToken) throw new Error('A request to a host outside Google was blocked')
      request.url = new URL(hosts.token)
      // A proxy is chosen by the host of before.
      if (hosts.token !== googleToken) delete request.agent
      request.redirect = 'error'
      return request
    },
  })
  const client = new JWT({
    email,
    key,
    scopes: scopes.map((name) => `https://www.googleapis.com/auth/${name}`),
    transporter,
  })
  try {
    const { token } = await client.getAccessToken()
    if (!token) throw unavailable('Google Cloud', 'sign-in')
    return { kind: 'signed-in', client, token }
  } catch (error) {
    // The library's error contains the signed assertion.
    return refused(sentence(error, email))
  }
}

function isRsaKey(pem: string) {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    // OpenSSL gives no further reason.
    return false
  }
}

/** https://developers.google.com/identity/protocols/oauth2/service-account#jwt-error-codes */
function sentence(error: unknown, email: string) {
  const { status, data } =
    (error as { response?: { status?: number; data?: { error?: string; error_description?: string } } }).response ?? {}
  if (status === undefined || status === 429 || status >= 500)
    throw unavailable('Google Cloud', status === undefined ? 'sign-in' : `sign-in: ${status}`)
  const says = data?.error_description ?? ''
  if (/account not found/i.test(says))
    return (
      `The service account ${email} does not exist or is disabled. Check that it exists and is enabled, then ` +
      'create a key for it.'
    )
  if (/signature/i.test(says))
    return (
      `Google does not accept this key of ${email}: the key was deleted or disabled. Create a new JSON key and ` +
      'give that.'
    )
  return `Google refuses the service account ${email}. Check that it is enabled and that its key was not deleted.`
}

export interface GcpHosts {
  token: string
  /** The URL of a service: `compute` is at `https://compute.googleapis.com`. */
  api(service: string): string
}

/** The token endpoint; the URL in a key file is ignored. */
const googleToken = 'https://oauth2.googleapis.com/token'

export function hostsOf({ endpoints }: AccessOptions): GcpHosts {
  const standIn = endpoints?.gcp
  return standIn
    ? { token: standIn.token, api: () => standIn.api }
    : { token: googleToken, api: (service) => `https://${service}.googleapis.com` }
}
