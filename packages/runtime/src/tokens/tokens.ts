import { Fault, type Claims, type Tokens } from '@cloudoptima/core'
import { KidNotFoundInJwksError } from 'aws-jwt-verify/error'
import { JwtVerifier } from 'aws-jwt-verify'
import { LRUCache } from 'lru-cache'
import * as KeySet from './key-set.ts'
import { once } from '../lazy.ts'
import { refreshed } from './refreshed.ts'

/** Access tokens (RFC 9068); other tokens signed with these keys are refused. */
const typ = 'at+jwt'
const maxChars = 8 * 1024
const maxCachedTokens = 2_000
/** Clock skew between our machines. */
const graceSeconds = 5
const ages = { freshMs: 5 * 60_000, staleMs: 60 * 60_000, pauseMs: 5_000 }

interface TokenOptions {
  issuer: string
  audience: string
  readKeys: () => Promise<KeySet.Info>
}

/** The verified tokens end with the keys. */
interface KeyRing {
  publicKeys: ReturnType<typeof KeySet.publicKeys>
  sign(claims: Claims): Promise<string>
  check(token: string): Claims
}

/** An unknown key id reads the keys again before their time. */
export function createTokens(options: TokenOptions): Pick<Tokens, 'sign' | 'verify' | 'keys'> {
  const keys = refreshed(async () => keyRing(await options.readKeys(), options), ages)
  return {
    sign: async (claims) => await (await keys.get()).sign(claims),
    async verify(token) {
      if (typeof token !== 'string' || token.length > maxChars) throw refused()
      const cached = await keys.get()
      try {
        return cached.check(token)
      } catch (error) {
        if (!(error instanceof KidNotFoundInJwksError)) throw refused()
      }
      const newer = await keys.newerThan(cached)
      if (newer === cached) throw refused()
      try {
        return newer.check(token)
      } catch {
        throw refused()
      }
    },
    keys: async () => ({ keys: (await keys.get()).publicKeys }),
  }
}

/** One answer for every reason, so that an attacker learns nothing. */
export function refused(): Fault {
  return new Fault('unauthenticated', 'The access token is invalid, expired or revoked. Sign in again.')
}

function keyRing(keySet: KeySet.Info, { issuer, audience }: TokenOptions): KeyRing {
  const publicKeys = KeySet.publicKeys(keySet)
  // The verifier requires `jwksUri`, but cacheJwks() makes it unused.
  const verifier = JwtVerifier.create({
    issuer,
    audience,
    jwksUri: 'https://keys.invalid/',
    graceSeconds,
    customJwtCheck: checkHeaderAndExpiry,
  })
  verifier.cacheJwks({ keys: publicKeys })
  const verified = new LRUCache<string, Claims>({ max: maxCachedTokens })
  const { kid, privateJwk } = KeySet.current(keySet)
  const signer = once(async () => {
    const { importJWK, SignJWT } = await import('jose')
    const key = await importJWK(privateJwk, 'EdDSA')
    return async (claims: Claims) =>
      await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'EdDSA', kid, typ }).sign(key)
  })
  return {
    publicKeys,
    sign: async (claims) => await (await signer())(claims),
    check(token) {
      const cached = verified.get(token)
      if (cached && cached.exp + graceSeconds >= Date.now() / 1000) return cached
      if (!isCanonical(token)) throw refused()
      const claims = verifier.verifySync(token) as unknown as Claims
      // All requests with this token share the object.
      Object.freeze(claims.permissions)
      verified.set(token, Object.freeze(claims))
      return claims
    },
  }
}

/** The library leaves algorithm, type and the presence of an expiry to the caller. */
function checkHeaderAndExpiry({
  header,
  payload,
}: {
  header: { alg?: string; typ?: string }
  payload: { exp?: number }
}) {
  if (header.alg !== 'EdDSA' || header.typ !== typ || payload.exp === undefined) throw refused()
}

/** Base64 decoders ignore trailing bits, so several texts would be the same token. */
function isCanonical(token: string) {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
