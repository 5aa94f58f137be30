import { Fault, Identity, type OpenId, type OpenIdIdentity, type OpenIdProvider } from '@cloudoptima/core'
import { LRUCache } from 'lru-cache'
import * as client from 'openid-client'
import { faultOf, type GuardedFetch } from './guarded-fetch.ts'
import { checkKeys, wallClock } from './issuer-keys.ts'

const maxProviders = 200
const maxAgeMs = 600_000
const clockToleranceSeconds = 30

/** The library checks PKCE (RFC 7636), state, nonce and issuer (RFC 9207). */
export function createOpenId(fetch: GuardedFetch, { allowLoopback }: { allowLoopback: boolean }): OpenId {
  const cache = new LRUCache<string, client.Configuration>({ max: maxProviders, ttl: maxAgeMs, ...wallClock })

  async function configurationOf(provider: OpenIdProvider): Promise<client.Configuration> {
    const key = JSON.stringify([provider.issuer, provider.clientId, provider.clientSecret])
    const cached = cache.get(key)
    if (cached) return cached
    const configuration = await discover(fetch, provider, allowLoopback)
    cache.set(key, configuration)
    return configuration
  }

  return {
    async check(provider) {
      const { jwks_uri } = (await discover(fetch, provider, allowLoopback)).serverMetadata()
      await checkKeys(fetch, provider.issuer, jwks_uri)
    },
    async begin(provider, redirectUri) {
      const configuration = await configurationOf(provider)
      const flow = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        codeVerifier: client.randomPKCECodeVerifier(),
        redirectUri,
      }
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(flow.codeVerifier),
        code_challenge_method: 'S256',
      })
      return { ...flow, url: url.href }
    },
    async finish(provider, { state, nonce, codeVerifier, redirectUri }, callbackUrl) {
      const configuration = await configurationOf(provider)
      const returned = URL.parse(callbackUrl, redirectUri)
      if (!returned) throw refused()
      // Behind a proxy the request's own URL has another host.
      const url = new URL(redirectUri)
      url.search = returned.search
      try {
        const checks = {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        }
        return await identityOf(configuration, await client.authorizationCodeGrant(configuration, url, checks))
      } catch (error) {
        throw faultOf(error) ? unavailable(provider) : refused()
      }
    },
  }
}

async function discover(
  fetch: GuardedFetch,
  provider: OpenIdProvider,
  allowLoopback: boolean,
): Promise<client.Configuration> {
  const issuer = URL.parse(provider.issuer)
  if (!issuer) throw invalid(provider)
  const execute = [client.enableNonRepudiationChecks, ...(allowLoopback ? [client.allowInsecureRequests] : [])]
  const options = {
    execute,
    [client.customFetch]: (url: string, init: client.CustomFetchOptions) => fetch(url, requestOptions(init)),
  }
  try {
    const metadata = { [client.clockTolerance]: clockToleranceSeconds }
    const configuration = await client.discovery(issuer, provider.clientId, metadata, authentication(provider), options)
    // The library accepts any issuer for a URL below .well-known; an organization trusts exactly one.
    const { issuer: discovered, authorization_endpoint: signInUrl = '' } = configuration.serverMetadata()
    if (URL.parse(discovered)?.href !== issuer.href) throw invalid(provider)
    // The browser is redirected there, so schemes like javascript: must be refused.
    if (!(allowLoopback ? ['https:', 'http:'] : ['https:']).includes(URL.parse(signInUrl)?.protocol ?? ''))
      throw invalid(provider)
    return configuration
  } catch (error) {
    const fault = faultOf(error)
    if (fault?.code === 'unavailable' || isOutage(error)) throw unavailable(provider)
    throw fault ?? invalid(provider)
  }
}

/** The guarded fetch sets redirects and timeout itself. */
function requestOptions({ method, headers, body, signal }: client.CustomFetchOptions) {
  return { method, headers, ...(body && { body }), ...(signal && { signal }) }
}

/** Prefers client_secret_post, because providers disagree on the encoding of the Basic header. */
function authentication({ clientSecret }: OpenIdProvider): client.ClientAuth {
  if (clientSecret === undefined) return client.None()
  const [byForm, byHeader] = [client.ClientSecretPost(clientSecret), client.ClientSecretBasic(clientSecret)]
  return (server, ...rest) =>
    (server.token_endpoint_auth_methods_supported?.includes('client_secret_post') ? byForm : byHeader)(server, ...rest)
}

async function identityOf(
  configuration: client.Configuration,
  tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>,
): Promise<OpenIdIdentity> {
  const claims = tokens.claims()
  if (!claims) throw refused()
  // Some providers return the email at the userinfo endpoint only.
  const lacksEmail = claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined
  // The email and its verification must come from the same document.
  const profile = lacksEmail ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims
  const { email, name } = profile
  return {
    issuer: claims.iss,
    subject: claims.sub,
    ...(typeof email === 'string' && { email }),
    emailVerified: Identity.Email.isEmailVerified(claims.iss, profile),
    ...(typeof name === 'string' && { name }),
  }
}

function isOutage(error: unknown) {
  return error instanceof Error && error.cause instanceof Response && error.cause.status >= 500
}

function unavailable({ issuer }: OpenIdProvider) {
  return new Fault('unavailable', `The identity provider ${issuer} does not answer. Try again later.`)
}

function invalid({ issuer }: OpenIdProvider) {
  return new Fault(
    'invalid',
    `${issuer} has no valid OpenID Connect discovery document: it is missing, or lacks this issuer or a sign-in URL.`,
  )
}

function refused() {
  return new Fault('unauthenticated', 'The sign-in with your identity provider failed. Start it again.')
}
