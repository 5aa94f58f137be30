import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { Id } from '@cloudoptima/core'
import * as z from 'zod'

/** Ed25519, as RFC 8037 has it; without `d` it is the public key. */
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

/**
 * The keys that access tokens are signed with, as they are kept. The current one signs; all are published, the next before it signs, so that every verifier
 * knows it by then, and the previous as long as tokens of it may live.
 */
export const Info = z.object({ keys: z.array(Key) }).refine(({ keys }) => {
  const states = keys.map(({ state }) => state).toSorted()
  return (
    ['current,next', 'current,next,previous'].includes(states.join()) &&
    new Set(keys.map(({ kid }) => kid)).size === keys.length
  )
})
export type Info = z.infer<typeof Info>

/** The keys of a deployment that had none. */
export function fresh(now: Date): Info {
  return { keys: [newKey('current', now), newKey('next', now)] }
}

/** The next key signs from now on, and another one is the next. */
export function rotated({ keys }: Info, now: Date): Info {
  const moved = keys.flatMap((key): Key[] => {
    if (key.state === 'previous') return []
    return [{ ...key, state: key.state === 'next' ? 'current' : 'previous' }]
  })
  return { keys: [...moved, newKey('next', now)] }
}

/** Since when the current key signs: the next one was made in the same moment. */
export function currentSince(keySet: Info): Date {
  return new Date(withState(keySet, 'next').createdAt)
}

/** The key that signs. */
export function current(keySet: Info): Key {
  return withState(keySet, 'current')
}

/** What may be published, as RFC 7517 has it. */
export function publicKeys({ keys }: Info) {
  return keys.map(({ kid, privateJwk: { kty, crv, x } }) => ({ kty, crv, x, kid, use: 'sig', alg: 'EdDSA' }))
}

/** The key set that a text holds. Throws when it holds none that is whole: each key must verify what it signs. */
export function parse(text: string): Info {
  const keySet = read(text)
  if (!keySet?.keys.every(isWhole)) throw new Error('These are no whole signing keys')
  return keySet
}

function read(text: string): Info | undefined {
  try {
    return Info.safeParse(JSON.parse(text)).data
  } catch (error) {
    // Its message would quote the text, which may be half a key.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isWhole({ privateJwk }: Key): boolean {
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
    // OpenSSL takes no half key, and says so in many ways.
    return false
  }
}

function withState({ keys }: Info, state: Key['state']): Key {
  const key = keys.find((each) => each.state === state)
  if (!key) throw new Error(`There is no ${state} signing key`)
  return key
}

function newKey(state: Key['state'], now: Date): Key {
  const privateJwk = PrivateJwk.parse(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }))
  return { kid: Id.create('key', now), state, privateJwk, createdAt: now.toISOString() }
}
