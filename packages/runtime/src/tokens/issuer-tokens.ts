import { Fault, type Tokens } from '@cloudoptima/core'
import { CognitoJwtVerifier, JwtVerifier } from 'aws-jwt-verify'
import { JwksValidationError } from 'aws-jwt-verify/error'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import { decomposeUnverifiedJwt } from 'aws-jwt-verify/jwt'
import { LRUCache } from 'lru-cache'
import * as z from 'zod'
import { faultOf, type GuardedFetch } from './guarded-fetch.ts'
import { refused } from './tokens.ts'
import { wallClock } from './wall-clock.ts'

/** What we need of a discovery document (OpenID Connect Discovery 1.0, section 3). */
const Discovered = z.object({ issuer: z.string(), jwks_uri: z.url() })
const algorithms = new Set(['RS256', 'ES256', 'EdDSA'])
const cognito = /^https:\/\/(?:issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com\/([a-z0-9-]+_[A-Za-z0-9]+)$/
const mostChars = 8 * 1024
const mostIssuers = 200
const graceSeconds = 30
/** Keys that an issuer has taken back must not count for ever. */
const knownMs = 3600_000
const cooldownMs = 30_000

interface Verifier {
  verify(token: string): Promise<unknown>
}
type Issuer = Parameters<Tokens['verifyIssued']>[1]

/** Tokens of issuers that organizations trust. An issuer's keys are found by its discovery document; one that did not answer is left alone for a while. */
export function createIssuerTokens(fetch: GuardedFetch): Tokens['verifyIssued'] {
  const verifiers = new LRUCache<string, Promise<Verifier>>({ max: mostIssuers, ttl: knownMs, ...wallClock })
  const failing = new LRUCache<string, true>({ max: mostIssuers, ttl: cooldownMs, ...wallClock })

  function verifierOf(trusted: Issuer): Promise<Verifier> {
    const known = verifiers.get(keyOf(trusted))
    if (known) return known
    const verifier = createVerifier(fetch, trusted)
    verifiers.set(keyOf(trusted), verifier)
    return verifier
  }

  return async (token, trusted) => {
    // Nobody is asked about a token that does not even claim to be of this issuer.
    if (!isWorthAsking(token, trusted.issuer)) throw refused()
    if (failing.has(trusted.issuer)) throw silent(trusted.issuer)
    try {
      const verifier = await verifierOf(trusted)
      return (await verifier.verify(token)) as Record<string, unknown>
    } catch (error) {
      const isIssuers =
        error instanceof JwksValidationError || (faultOf(error)?.code ?? 'unauthenticated') !== 'unauthenticated'
      if (!isIssuers) throw refused()
      verifiers.delete(keyOf(trusted))
      failing.set(trusted.issuer, true)
      throw silent(trusted.issuer)
    }
  }
}

function keyOf({ issuer, audience }: Issuer): string {
  return JSON.stringify([issuer, audience])
}

async function createVerifier(fetch: GuardedFetch, { issuer, audience }: Issuer): Promise<Verifier> {
  const jwksCache = new SimpleJwksCache({ fetcher: { fetch: async (uri) => await read(fetch, uri) } })
  const checks = { graceSeconds, customJwtCheck: hasEnd }
  const [, userPoolId] = cognito.exec(issuer) ?? []
  // What a pool adds: the use of the token, and the audience of access tokens, which lies in client_id.
  if (userPoolId)
    return CognitoJwtVerifier.create({ ...checks, userPoolId, tokenUse: null, clientId: audience }, { jwksCache })
  const discovered = await discover(fetch, issuer)
  return JwtVerifier.create({ ...checks, issuer, audience, jwksUri: discovered.jwks_uri }, { jwksCache })
}

async function discover(fetch: GuardedFetch, issuer: string): Promise<z.infer<typeof Discovered>> {
  const document = Buffer.from(
    await read(fetch, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
  ).toString()
  const discovered = Discovered.safeParse(parsed(document))
  if (!discovered.success || discovered.data.issuer !== issuer) throw silent(issuer)
  return discovered.data
}

async function read(fetch: GuardedFetch, uri: string): Promise<ArrayBuffer> {
  const answer = await fetch(uri, { headers: { accept: 'application/json' } })
  if (answer.status !== 200) throw new Fault('unavailable', `${new URL(uri).origin} answered ${answer.status}.`)
  return await answer.arrayBuffer()
}

function isWorthAsking(token: string, issuer: string): boolean {
  if (typeof token !== 'string' || token.length > mostChars) return false
  try {
    const { header, payload } = decomposeUnverifiedJwt(token)
    return algorithms.has(header.alg ?? '') && header.kid !== undefined && payload.iss === issuer
  } catch {
    // It is no token at all, in whatever way.
    return false
  }
}

function hasEnd({ payload }: { payload: { exp?: number } }): void {
  if (payload.exp === undefined) throw refused()
}

function silent(issuer: string): Fault {
  return new Fault('unavailable', `The issuer ${issuer} does not answer, or not as an OpenID Connect provider does.`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is no discovery document: the caller says so.
    return undefined
  }
}
