import * as z from 'zod'
import { Identity } from '@cloudoptima/core'
import { ids, signedIn } from '../examples.ts'
import { type Host, isSecure } from '../host.ts'
import { get, type Route } from '../route.ts'

const { OpenIdSignIn, Session } = Identity
/** A callback per organization prevents mix-up attacks between providers (RFC 9207, section 1). */
const callbackOf = (organizationId = '{organization_id}') => `/v1/auth/oidc/${organizationId}/callback`

const Begin = z.strictObject({ organizationId: OpenIdSignIn.OrganizationId })

const Callback = z.looseObject({
  organizationId: OpenIdSignIn.OrganizationId,
  state: z.string().min(1).max(1024),
  code: z.string().max(4096).optional().describe("The provider's authorization code."),
  iss: z.string().max(512).optional(),
  error: z.string().max(256).optional().describe("The provider's error code (RFC 6749, 4.1.2.1)."),
})

// `__Host-` binds the cookie to this host; browsers accept it over TLS only.
const cookieName = (host: Host) => (isSecure(host) ? '__Host-cloudoptima-signin' : 'cloudoptima-signin')

function cookieOf(value: { browser: string; seconds: number }, host: Host) {
  return (
    `${cookieName(host)}=${value.browser}; Max-Age=${value.seconds}; Path=/; HttpOnly; ` +
    `SameSite=Lax${isSecure(host) ? '; Secure' : ''}`
  )
}

function browserOf(request: Request, host: Host) {
  const pairs = (request.headers.get('Cookie') ?? '').split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([name]) => name === cookieName(host))?.[1]
}

function readCallback(
  request: Request,
  { organization_id: organizationId }: Record<string, string>,
  host: Host,
): unknown {
  const { search, searchParams } = new URL(request.url)
  const browser = browserOf(request, host)
  const cookie = browser !== undefined && { browser }
  return {
    organizationId,
    state: searchParams.get('state') ?? '',
    callbackUrl: `${host.publicUrl}${callbackOf(organizationId)}${search}`,
    ...cookie,
  }
}

const perAddress = { most: 60, windowSeconds: 900 }

export const openId: readonly Route[] = [
  get(
    callbackOf(),
    OpenIdSignIn.finish,
    {
      summary: "Complete a sign-in with an organization's provider",
      description:
        'The provider redirects the browser to this path; register it as redirect URI. Only the browser that ' +
        "started the sign-in can complete it. An open invitation of the user's verified address is accepted.",
      answer: Session.Tokens,
      perAddress,
      request: { organization_id: ids.organization, state: 'af0ifjsldkj', code: 'SplxlOBeZQQYbYS6WxSbIA' },
      response: signedIn,
      faults: ['unauthenticated', 'forbidden', 'conflict'],
    },
    { input: Callback, read: readCallback },
  ),
  get(
    '/v1/auth/oidc/{organization_id}',
    OpenIdSignIn.begin,
    {
      summary: "Start a sign-in with an organization's provider",
      description: 'Redirects the browser to the provider, for the authorization code flow with PKCE.',
      answer: z.object({ location: z.string() }),
      status: 302,
      perAddress,
      request: { organization_id: ids.organization },
      response: { location: 'https://accounts.example.com/authorize' },
    },
    {
      input: Begin,
      read: (_request, { organization_id: organizationId }, host) => ({
        organizationId,
        redirectUri: `${host.publicUrl}${callbackOf(organizationId)}`,
      }),
      headers: (value, host) => {
        const begun = value as { location: string; browser: string; seconds: number }
        return { Location: begun.location, 'Set-Cookie': cookieOf(begun, host) }
      },
    },
  ),
]
