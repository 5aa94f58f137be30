import { Fault, Identity, type OpenId, type OpenIdIdentity, type OpenIdProvider } from '@cloudoptima/core'
import { LRUCache } from 'lru-cache'
import * as client from 'openid-client'
import { faultOf, type GuardedFetch } from './guarded-fetch.ts'
import { wallClock } from './wall-clock.ts'

const mostProviders = 200
/** The configuration of a provider is read again after this time. */
const knownMs = 600_000
const clockToleranceSeconds = 30

/** Sign-in by authorization code, PKCE, state and nonce (OpenID Connect Core 1.0; RFC 7636; RFC 9207), each checked by the library, the signature of ID tokens too. */
export function createOpenId(fetch: GuardedFetch, { allowLoopback }: { allowLoopback: boolean }): OpenId {
  const known = new LRUCache<string, client.Configuration>({ max: mostProviders, ttl: knownMs, ...wallClock })

  async function configurationOf(provider: OpenIdProvider): Promise<client.Configuration> {
    const key = JSON.stringify([provider.issuer, provider.clientId, provider.clientSecret])
    const before = known.get(key)
    if (before) return before
    const configuration = await discover(fetch, provider, allowLoopback)
    known.set(key, configuration)
    return configuration
  }

  return {
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
      // The address that was asked for, with what came back: proxies in between call us by other names.
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
        throw faultOf(error) ? silent(provider) : refused()
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
  if (!issuer) throw none(provider)
  const execute = [client.enableNonRepudiationChecks, ...(allowLoopback ? [client.allowInsecureRequests] : [])]
  const options = {
    execute,
    [client.customFetch]: (url: string, init: client.CustomFetchOptions) => fetch(url, given(init)),
  }
  try {
    const metadata = { [client.clockTolerance]: clockToleranceSeconds }
    const configuration = await client.discovery(issuer, provider.clientId, metadata, authentication(provider), options)
    // The library lets an address below .well-known name any issuer, and providers name all their tenants at once; an organization trusts one.
    const { issuer: named, authorization_endpoint: signInAt = '' } = configuration.serverMetadata()
    if (URL.parse(named)?.href !== issuer.href) throw none(provider)
    // A browser is sent there: javascript: and its like must not come through.
    if (!(allowLoopback ? ['https:', 'http:'] : ['https:']).includes(URL.parse(signInAt)?.protocol ?? ''))
      throw none(provider)
    return configuration
  } catch (error) {
    const fault = faultOf(error)
    if (fault?.code === 'unavailable' || isOutage(error)) throw silent(provider)
    throw fault ?? none(provider)
  }
}

/** What our fetch takes of what the library gives; redirects and time are its own matter. */
function given({ method, headers, body, signal }: client.CustomFetchOptions) {
  return { method, headers, ...(body && { body }), ...(signal && { signal }) }
}

/** By the form where the provider takes that: the header is encoded in ways that not all agree on. */
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
  // Some providers keep the ID token short, and tell the rest where they are asked.
  const isShort = claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined
  // What is said of an address is believed beside that address alone.
  const told = isShort ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims
  const { email, name } = told
  return {
    issuer: claims.iss,
    subject: claims.sub,
    ...(typeof email === 'string' && { email }),
    emailVerified: Identity.EmailClaims.isEmailVerified(claims.iss, told),
    ...(typeof name === 'string' && { name }),
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Response && error.cause.status >= 500
}

function silent({ issuer }: OpenIdProvider): Fault {
  return new Fault('unavailable', `The identity provider ${issuer} does not answer. Try again later.`)
}

function none({ issuer }: OpenIdProvider): Fault {
  return new Fault(
    'invalid',
    `${issuer} is no OpenID Connect provider: its discovery document is missing, names another issuer, or nowhere to sign in.`,
  )
}

function refused(): Fault {
  return new Fault('unauthenticated', 'The sign-in with your identity provider did not succeed. Begin again.')
}
