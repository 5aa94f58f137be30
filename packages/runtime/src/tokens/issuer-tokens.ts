import { Fault, type Tokens } from '@cloudoptima/core'
import { CognitoJwtVerifier, JwtVerifier } from 'aws-jwt-verify'
import { JwksValidationError } from 'aws-jwt-verify/error'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import { decomposeUnverifiedJwt } from 'aws-jwt-verify/jwt'
import { LRUCache } from 'lru-cache'
import * as z from 'zod'
import { faultOf, type GuardedFetch } from './guarded-fetch.ts'
import { checkKeys, parsed, read, wallClock } from './issuer-keys.ts'
import { refused } from './tokens.ts'

/** OpenID Connect Discovery 1.0, section 3. */
const Discovered = z.object({ issuer: z.string(), jwks_uri: z.url() })
const algorithms = new Set(['RS256', 'ES256', 'EdDSA'])
const cognito = /^https:\/\/(?:issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com\/([a-z0-9-]+_[A-Za-z0-9]+)$/
const maxChars = 8 * 1024
const maxIssuers = 200
const graceSeconds = 30
/** Withdrawn keys expire after this time. */
const maxAgeMs = 3600_000
const cooldownMs = 30_000

interface Verifier {
  verify(token: string): Promise<unknown>
}
type Issuer = Parameters<Tokens['verifyIssued']>[1]

type IssuerTokens = Pick<Tokens, 'verifyIssued' | 'checkIssuer'>

/** An issuer rests for `cooldownMs` after a failure. */
export function createIssuerTokens(fetch: GuardedFetch): IssuerTokens {
  const verifiers = new LRUCache<string, Promise<Verifier>>({ max: maxIssuers, ttl: maxAgeMs, ...wallClock })
  const failing = new LRUCache<string, true>({ max: maxIssuers, ttl: cooldownMs, ...wallClock })

  function verifierOf(trusted: Issuer): Promise<Verifier> {
    const cached = verifiers.get(keyOf(trusted))
    if (cached) return cached
    const verifier = createVerifier(fetch, trusted)
    verifiers.set(keyOf(trusted), verifier)
    return verifier
  }

  const verifyIssued: Tokens['verifyIssued'] = async (token, trusted) => {
    // A token that does not claim this issuer must not cause a request to it.
    if (!claimsIssuer(token, trusted.issuer)) throw refused()
    if (failing.has(trusted.issuer)) throw unavailable(trusted.issuer)
    try {
      const verifier = await verifierOf(trusted)
      return (await verifier.verify(token)) as Record<string, unknown>
    } catch (error) {
      const isOutage =
        error instanceof JwksValidationError || (faultOf(error)?.code ?? 'unauthenticated') !== 'unauthenticated'
      if (!isOutage) throw refused()
      verifiers.delete(keyOf(trusted))
      failing.set(trusted.issuer, true)
      throw unavailable(trusted.issuer)
    }
  }
  return {
    verifyIssued,
    checkIssuer: async (issuer) => await checkKeys(fetch, issuer, (await discover(fetch, issuer)).jwks_uri),
  }
}

function keyOf({ issuer, audience }: Issuer) {
  return JSON.stringify([issuer, audience])
}

async function createVerifier(fetch: GuardedFetch, { issuer, audience }: Issuer): Promise<Verifier> {
  const jwksCache = new SimpleJwksCache({ fetcher: { fetch: (uri) => read(fetch, uri) } })
  const checks = { graceSeconds, customJwtCheck: checkExpiry }
  const [, userPoolId] = cognito.exec(issuer) ?? []
  // Cognito's access tokens have their audience in client_id.
  if (userPoolId)
    return CognitoJwtVerifier.create({ ...checks, userPoolId, tokenUse: null, clientId: audience }, { jwksCache })
  const discovered = await discover(fetch, issuer)
  return JwtVerifier.create({ ...checks, issuer, audience, jwksUri: discovered.jwks_uri }, { jwksCache })
}

async function discover(fetch: GuardedFetch, issuer: string): Promise<z.infer<typeof Discovered>> {
  const document = await read(fetch, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const discovered = Discovered.safeParse(parsed(document))
  if (!discovered.success || discovered.data.issuer !== issuer) throw unavailable(issuer)
  return discovered.data
}

function claimsIssuer(token: string, issuer: string) {
  if (typeof token !== 'string' || token.length > maxChars) return false
  try {
    const { header, payload } = decomposeUnverifiedJwt(token)
    return algorithms.has(header.alg ?? '') && header.kid !== undefined && payload.iss === issuer
  } catch {
    // The text is not a JWT.
    return false
  }
}

function checkExpiry({ payload }: { payload: { exp?: number } }) {
  if (payload.exp === undefined) throw refused()
}

function unavailable(issuer: string) {
  return new Fault('unavailable', `The token issuer ${issuer} does not answer correctly. Try again later.`)
}
