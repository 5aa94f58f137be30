import { Fault, type Claims, type Tokens } from '@cloudoptima/core'
import { KidNotFoundInJwksError } from 'aws-jwt-verify/error'
import { JwtVerifier } from 'aws-jwt-verify'
import { LRUCache } from 'lru-cache'
import * as KeySet from './key-set.ts'
import { once } from '../once.ts'
import { refreshed } from './refreshed.ts'

/** The type of our access tokens (RFC 9068): nothing else that is signed with these keys passes for one. */
const typ = 'at+jwt'
const mostChars = 8 * 1024
const mostRemembered = 2_000
/** Clocks of two machines of ours are closer than that. */
const graceSeconds = 5
const ages = { freshMs: 5 * 60_000, staleMs: 60 * 60_000, pauseMs: 5_000 }

/** A key set made ready for use. Tokens that it has verified are remembered with it, and so forgotten with it. */
interface Ready {
  publicKeys: ReturnType<typeof KeySet.publicKeys>
  sign(claims: Claims): Promise<string>
  check(token: string): Claims
}

/** Access tokens of our own: JWT, EdDSA, with keys that are read at most every five minutes, or when a token names one that is not known. */
export function createTokens({
  issuer,
  audience,
  readKeys,
}: {
  issuer: string
  audience: string
  readKeys: () => Promise<KeySet.Info>
}): Omit<Tokens, 'verifyIssued'> {
  const keys = refreshed(async () => ready(await readKeys(), issuer, audience), ages)
  return {
    issuer,
    audience,
    sign: async (claims) => await (await keys.get()).sign(claims),
    async verify(token) {
      if (typeof token !== 'string' || token.length > mostChars) throw refused()
      const known = await keys.get()
      try {
        return known.check(token)
      } catch (error) {
        if (!(error instanceof KidNotFoundInJwksError)) throw refused()
      }
      const newer = await keys.newerThan(known)
      if (newer === known) throw refused()
      try {
        return newer.check(token)
      } catch {
        // Why is nobody's business who has no token.
        throw refused()
      }
    },
    keys: async () => ({ keys: (await keys.get()).publicKeys }),
  }
}

/** One answer to everything that is wrong with a token. */
export function refused(): Fault {
  return new Fault('unauthenticated', 'The access token is not valid, or no longer. Sign in again.')
}

function ready(keySet: KeySet.Info, issuer: string, audience: string): Ready {
  const publicKeys = KeySet.publicKeys(keySet)
  // The keys are handed over: the address is never asked.
  const verifier = JwtVerifier.create({
    issuer,
    audience,
    jwksUri: 'https://keys.invalid/',
    graceSeconds,
    customJwtCheck: isOurs,
  })
  verifier.cacheJwks({ keys: publicKeys })
  const remembered = new LRUCache<string, Claims>({ max: mostRemembered })
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
      const before = remembered.get(token)
      if (before && before.exp + graceSeconds >= Date.now() / 1000) return before
      if (!isCanonical(token)) throw refused()
      const claims = verifier.verifySync(token) as unknown as Claims
      // Many will be handed this one object.
      Object.freeze(claims.permissions)
      remembered.set(token, Object.freeze(claims))
      return claims
    },
  }
}

/** What the library leaves open: the algorithm is ours alone, and a token without an end is none. */
function isOurs({ header, payload }: { header: { alg?: string; typ?: string }; payload: { exp?: number } }): void {
  if (header.alg !== 'EdDSA' || header.typ !== typ || payload.exp === undefined) throw refused()
}

/** Each token has one text: Base64 decoders also take texts whose last bits differ. */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}
