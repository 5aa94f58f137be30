import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { Id } from '@cloudoptima/core'
import * as z from 'zod'

/** An Ed25519 key (RFC 8037). */
const PrivateJwk = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().min(1),
  d: z.string().min(1),
})

const Key = z.object({
  kid: z.string().min(1),
  state: z.enum(['next', 'current', 'previous']),
  privateJwk: PrivateJwk,
  createdAt: z.string().min(1),
})
type Key = z.infer<typeof Key>

/** `current` signs, `next` is published early, `previous` until its last token has expired. */
export const Info = z.object({ keys: z.array(Key) }).refine(({ keys }) => {
  const states = keys.map(({ state }) => state).toSorted()
  return (
    ['current,next', 'current,next,previous'].includes(states.join()) &&
    new Set(keys.map(({ kid }) => kid)).size === keys.length
  )
})
export type Info = z.infer<typeof Info>

export function fresh(now: Date): Info {
  return { keys: [newKey('current', now), newKey('next', now)] }
}

export function rotated({ keys }: Info, now: Date): Info {
  const moved = keys.flatMap((key): Key[] => {
    if (key.state === 'previous') return []
    return [{ ...key, state: key.state === 'next' ? 'current' : 'previous' }]
  })
  return { keys: [...moved, newKey('next', now)] }
}

/** When the current key started to sign; the same rotation created the next key. */
export function currentSince(keySet: Info): Date {
  return new Date(withState(keySet, 'next').createdAt)
}

export function current(keySet: Info): Key {
  return withState(keySet, 'current')
}

/** RFC 7517. */
export function publicKeys({ keys }: Info) {
  return keys.map(({ kid, privateJwk: { kty, crv, x } }) => ({ kty, crv, x, kid, use: 'sig', alg: 'EdDSA' }))
}

/** Tests each key with a signature; the error omits the text, which may contain keys. */
export function parse(text: string): Info {
  const keySet = read(text)
  if (!keySet?.keys.every(isValid)) throw new Error('The secret contains no valid signing keys')
  return keySet
}

function read(text: string): Info | undefined {
  try {
    return Info.safeParse(JSON.parse(text)).data
  } catch (error) {
    // The error's message would quote the text.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isValid({ privateJwk }: Key) {
  try {
    const proof = Buffer.from('proof')
    const { kty, crv, x } = privateJwk
    return verify(
      null,
      proof,
      createPublicKey({ key: { kty, crv, x }, format: 'jwk' }),
      sign(null, proof, createPrivateKey({ key: privateJwk, format: 'jwk' })),
    )
  } catch {
    // OpenSSL has many error types for a damaged key.
    return false
  }
}

function withState({ keys }: Info, state: Key['state']): Key {
  const key = keys.find((each) => each.state === state)
  if (!key) throw new Error(`The key set has no ${state} signing key`)
  return key
}

function newKey(state: Key['state'], now: Date): Key {
  const privateJwk = PrivateJwk.parse(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }))
  return { kid: Id.create('key', now), state, privateJwk, createdAt: now.toISOString() }
}
