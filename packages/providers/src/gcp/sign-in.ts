import { createPrivateKey } from 'node:crypto'
import type { JWT } from 'google-auth-library'
import { timeoutMs } from '../access/ask.ts'
import { type CredentialsOf, unavailable } from '../access/verdict.ts'
import { type GcpHosts, googleToken } from './hosts.ts'

/** A token of the service account, or the sentence that says why there is none. */
export type SignIn = { kind: 'signed-in'; client: JWT; token: string } | { kind: 'refused'; message: string }

type Key = CredentialsOf<'gcp'>['serviceAccount']

const refused = (message: string): SignIn => ({ kind: 'refused', message })

/** Signs in with the service account's key. Of the key file only name and key count: its URLs are the customer's to write and not ours to call. */
export async function signIn(hosts: GcpHosts, { client_email: email, private_key: key }: Key): Promise<SignIn> {
  if (!/^[a-z\d-]+@[a-z\d.:-]+\.gserviceaccount\.com$/.test(email))
    return refused('The key file names no service account (client_email). Give the JSON file as Google made it.')
  if (!isRsaKey(key))
    return refused(
      'The private key cannot be read. Give the JSON file as Google made it, with its line breaks (\\n) untouched.',
    )
  // CommonJS: split into files by a bundler, it is there as the default export only.
  const { gaxios, JWT } = (await import('google-auth-library')).default
  const transporter = new gaxios.Gaxios({ timeout: timeoutMs, retryConfig: { retry: 1 } })
  transporter.interceptors.request.add({
    resolved: async (request) => {
      if (String(request.url) !== googleToken) throw new Error('A request to a host that is not of Google was stopped')
      request.url = new URL(hosts.token)
      request.redirect = 'error'
      return request
    },
  })
  const client = new JWT({
    email,
    key,
    scopes: ['https://www.googleapis.com/auth/cloud-platform.read-only', 'https://www.googleapis.com/auth/bigquery'],
    transporter,
  })
  try {
    const { token } = await client.getAccessToken()
    if (!token) throw unavailable('Google Cloud', 'sign-in')
    return { kind: 'signed-in', client, token }
  } catch (error) {
    // The library's error holds the signed assertion: only status and code are taken from it.
    return refused(sentence(error, email))
  }
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    // OpenSSL says no more than that it cannot read it.
    return false
  }
}

/** What Google answers to an assertion that it does not take: https://developers.google.com/identity/protocols/oauth2/service-account#jwt-error-codes */
function sentence(error: unknown, email: string): string {
  const { status, data } =
    (error as { response?: { status?: number; data?: { error?: string; error_description?: string } } }).response ?? {}
  if (status === undefined || status === 429 || status >= 500)
    throw unavailable('Google Cloud', status === undefined ? 'sign-in' : `sign-in: ${status}`)
  const says = data?.error_description ?? ''
  if (/account not found/i.test(says))
    return `Google knows no service account ${email}, or it is disabled. Check that it exists and is enabled, then create a key for it.`
  if (/signature/i.test(says))
    return `Google does not accept this key of ${email}: it was deleted or disabled. Create a new JSON key and give that.`
  return `Google refuses the service account ${email}. Check that it is enabled and that its key was not deleted.`
}
