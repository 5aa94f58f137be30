import { createHmac } from 'node:crypto'
import { Fault, type Claims } from '@cloudoptima/core'
import fc from 'fast-check'
import { generateKeyPair, importJWK, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as KeySet from './key-set.ts'
import { createTokens } from './tokens.ts'

const names = { issuer: 'urn:cloudoptima:test', audience: 'cloudoptima-api' }
const start = new Date('2026-11-23T08:00:00Z')
const minute = 60_000
const refused = {
  name: 'Fault',
  code: 'unauthenticated',
  message: expect.stringContaining('Sign in again') as string,
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: start })
})
afterEach(() => {
  vi.useRealTimers()
})

function claims(given: Partial<Claims> = {}): Claims {
  const iat = Math.floor(Date.now() / 1000)
  const who = {
    sub: 'usr_1',
    org_id: 'org_1',
    role: 'analyst',
    permissions: ['read:costs'],
    sid: 'ses_1',
    jti: 'jti_1',
  } as const
  return {
    iss: names.issuer,
    aud: names.audience,
    ...who,
    permissions: [...who.permissions],
    iat,
    exp: iat + 900,
    ...given,
  }
}

/** Tokens over a key set that tests change, and how often it was read. */
function over(keySet = KeySet.fresh(start)) {
  const source = { keySet, reads: 0, broken: false }
  const tokens = createTokens({
    ...names,
    readKeys: async () => {
      source.reads++
      if (source.broken) throw new Error('no secret today')
      return source.keySet
    },
  })
  return { tokens, source }
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs as we do, but for what the test changes. */
async function forged(keySet: KeySet.Info, payload: object, header: object = {}): Promise<string> {
  const { kid, privateJwk } = KeySet.current(keySet)
  return await new SignJWT({ ...payload })
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt', ...header })
    .sign(await importJWK(privateJwk, 'EdDSA'))
}

test('what was signed is verified, again and again, and says the same', async () => {
  const { tokens, source } = over()
  const token = await tokens.sign(claims())
  for (let n = 0; n < 3; n++) expect(await tokens.verify(token)).toStrictEqual(claims())
  expect(source.reads).toBe(1)
  expect(token.length).toBeLessThan(1_000)
})

test('a token ends when it says so, remembered or not, but for the five seconds that clocks differ', async () => {
  const { tokens } = over()
  const [remembered, fresh] = [await tokens.sign(claims()), await tokens.sign(claims({ jti: 'other' }))]
  await tokens.verify(remembered)
  later(900_000 + 4_000)
  await expect(tokens.verify(remembered)).resolves.toMatchObject({ sub: 'usr_1' })
  later(2_000)
  await expect(tokens.verify(remembered)).rejects.toMatchObject(refused)
  await expect(tokens.verify(fresh)).rejects.toMatchObject(refused)
})

test('anything that is not exactly ours is refused, in one sentence', async () => {
  const { tokens, source } = over()
  const { keySet } = source
  const { kid, privateJwk } = KeySet.current(keySet)
  const valid = await tokens.sign(claims())
  const [header = '', payload = '', signature = ''] = valid.split('.')
  const other = await generateKeyPair('EdDSA')
  const hmac = `${part({ alg: 'HS256', kid, typ: 'at+jwt' })}.${payload}`
  const attacks: Record<string, string> = {
    'no algorithm': `${part({ alg: 'none', kid, typ: 'at+jwt' })}.${payload}.`,
    'no algorithm, signed': `${part({ alg: 'none', kid, typ: 'at+jwt' })}.${payload}.${signature}`,
    'the public key as a secret': `${hmac}.${createHmac('sha256', Buffer.from(privateJwk.x, 'base64url')).update(hmac).digest('base64url')}`,
    'another key under our kid': await new SignJWT({ ...claims() })
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt' })
      .sign(other.privateKey),
    'another issuer': await forged(keySet, claims({ iss: 'https://example.com' })),
    'another audience': await forged(keySet, claims({ aud: 'other' })),
    'no end': await forged(keySet, { ...claims(), exp: undefined }),
    'not yet': await forged(keySet, { ...claims(), nbf: Math.floor(Date.now() / 1000) + 60 }),
    'another type': await forged(keySet, claims(), { typ: 'JWT' }),
    'no kid': await forged(keySet, claims(), { kid: undefined }),
    'an unknown kid': await forged(keySet, claims(), { kid: 'key_none' }),
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'a changed payload': `${header}.${part(claims({ org_id: 'org_2' }))}.${signature}`,
    'padded Base64': `${header}.${payload}.${signature}==`,
    'too long': await forged(keySet, { ...claims(), more: 'x'.repeat(9_000) }),
    nothing: '',
    'no text': undefined as unknown as string,
  }
  for (const [name, token] of Object.entries(attacks))
    await expect(tokens.verify(token), name).rejects.toMatchObject(refused)
  await expect(tokens.verify(valid)).resolves.toMatchObject({ org_id: 'org_1' })
})

test('no garbage is verified, and none is worse than wrong', async () => {
  const { tokens, source } = over()
  const valid = await tokens.sign(claims())
  const { kid } = KeySet.current(source.keySet)
  const segment = fc.oneof(
    fc.base64String(),
    fc.string(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc.record({ alg: fc.constantFrom('EdDSA', 'none', 'RS256', 'ES256'), kid: fc.constantFrom(kid, 'x') }).map(part),
    fc.constantFrom(...valid.split('.')),
  )
  const garbage = fc.oneof(
    fc.string(),
    fc.tuple(segment, segment, segment).map((parts) => parts.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(garbage, async (token) => {
      fc.pre(token !== valid)
      await expect(tokens.verify(token)).rejects.toMatchObject(refused)
    }),
    { numRuns: 500 },
  )
  await expect(tokens.verify(`${'['.repeat(8_000)}.a.b`)).rejects.toMatchObject(refused)
  await expect(tokens.verify(`${Buffer.from('['.repeat(5_000)).toString('base64url')}.a.b`)).rejects.toMatchObject(
    refused,
  )
})

test('a token with one character changed is refused', async () => {
  const { tokens } = over()
  const valid = await tokens.sign(claims())
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
  for (let at = 0; at < valid.length; at++) {
    const changed = alphabet.charAt((alphabet.indexOf(valid.charAt(at)) + 1) % alphabet.length)
    await expect(tokens.verify(valid.slice(0, at) + changed + valid.slice(at + 1)), `at ${at}`).rejects.toMatchObject(
      refused,
    )
  }
  await expect(tokens.verify(valid)).resolves.toMatchObject({ sub: 'usr_1' })
})

test('through a rotation every token is verified by everyone, whoever has read the keys and when', async () => {
  const { tokens: signer, source } = over()
  const verifier = createTokens({ ...names, readKeys: () => Promise.resolve(source.keySet) })
  await verifier.keys()
  const before = await signer.sign(claims())
  source.keySet = KeySet.rotated(source.keySet, start)
  later(4 * minute)
  expect(await verifier.verify(before)).toMatchObject({ jti: 'jti_1' })
  // The signer reads the new keys first; the verifier has had the old ones for four minutes, and knows the new one from them.
  const newSigner = createTokens({ ...names, readKeys: () => Promise.resolve(source.keySet) })
  const after = await newSigner.sign(claims({ iat: 1, jti: 'jti_2' }))
  expect(await verifier.verify(after)).toMatchObject({ jti: 'jti_2' })
  later(2 * minute)
  expect(await verifier.verify(before)).toMatchObject({ jti: 'jti_1' })
  expect((await verifier.keys()).keys).toHaveLength(3)
})

test('a token of a key that is not known has the keys read again, but garbage does so every five seconds at most', async () => {
  const { tokens, source } = over()
  await tokens.keys()
  const other = KeySet.fresh(start)
  const [token, garbage] = [await forged(other, claims()), await forged(source.keySet, claims(), { kid: 'key_none' })]
  later(10_000)
  await Promise.all(
    Array.from({ length: 50 }, async () => await expect(tokens.verify(garbage)).rejects.toMatchObject(refused)),
  )
  expect(source.reads).toBe(2)
  source.keySet = other
  await expect(tokens.verify(token)).rejects.toMatchObject(refused)
  later(5_000)
  await Promise.all(
    Array.from({ length: 50 }, async () => await expect(tokens.verify(token)).resolves.toMatchObject({ sub: 'usr_1' })),
  )
  expect(source.reads).toBe(3)
})

test('keys are read every five minutes, and tokens of a key that is gone are then refused, remembered or not', async () => {
  const { tokens, source } = over()
  const token = await tokens.sign(claims())
  await tokens.verify(token)
  source.keySet = KeySet.fresh(start)
  later(5 * minute - 1)
  await expect(tokens.verify(token)).resolves.toMatchObject({ sub: 'usr_1' })
  later(1)
  await expect(tokens.verify(token)).rejects.toMatchObject(refused)
})

test('while keys cannot be read the old ones do for an hour, and nobody asks more than every five seconds', async () => {
  const { tokens, source } = over()
  await tokens.keys()
  source.broken = true
  later(10 * minute)
  const token = await tokens.sign(claims())
  for (let n = 0; n < 20; n++) await expect(tokens.verify(token)).resolves.toMatchObject({ sub: 'usr_1' })
  expect(source.reads).toBe(2)
  later(50 * minute)
  await expect(tokens.verify(token)).rejects.toThrow('no secret today')
  expect(await tokens.verify(token).catch((error: unknown) => error instanceof Fault)).toBe(false)
  source.broken = false
  await expect(tokens.verify(await tokens.sign(claims()))).resolves.toMatchObject({ sub: 'usr_1' })
})

test('a token that was seen before costs no signature check, and nobody can change what it says for the next', async () => {
  const { tokens } = over()
  const all = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => await tokens.sign(claims({ jti: `jti_${n}` }))),
  )
  const took = async () => {
    const before = performance.now()
    for (const token of all) await tokens.verify(token)
    return performance.now() - before
  }
  const cold = await took()
  const hot = Math.min(await took(), await took(), await took())
  expect(hot).toBeLessThan(cold / 5)
  const said = await tokens.verify(all[0] ?? '')
  expect(() => said.permissions.push('write:users')).toThrow(TypeError)
  expect(() => (said.org_id = 'org_2')).toThrow(TypeError)
})
