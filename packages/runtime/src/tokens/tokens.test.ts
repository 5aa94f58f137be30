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

function claims(changes: Partial<Claims> = {}): Claims {
  const iat = Math.floor(Date.now() / 1000)
  const user = {
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
    ...user,
    permissions: [...user.permissions],
    iat,
    exp: iat + 900,
    ...changes,
  }
}

/** Tokens over a replaceable key set that counts its reads. */
function tokensOver(keySet = KeySet.fresh(start)) {
  const source = { keySet, reads: 0, broken: false }
  const tokens = createTokens({
    ...names,
    readKeys: async () => {
      source.reads++
      if (source.broken) throw new Error('secret unavailable')
      return source.keySet
    },
  })
  return { tokens, source }
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token signed with the current key, with changed claims or header. */
async function forged(keySet: KeySet.Info, payload: object, header: object = {}): Promise<string> {
  const { kid, privateJwk } = KeySet.current(keySet)
  return await new SignJWT({ ...payload })
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt', ...header })
    .sign(await importJWK(privateJwk, 'EdDSA'))
}

test('a signed token is verified repeatedly, with one read of the keys', async () => {
  const { tokens, source } = tokensOver()
  const token = await tokens.sign(claims())
  for (let n = 0; n < 3; n++) expect(await tokens.verify(token)).toStrictEqual(claims())
  expect(source.reads).toBe(1)
  expect(token.length).toBeLessThan(1_000)
})

test('a token expires after its expiry plus 5 seconds of clock skew, cached or not', async () => {
  const { tokens } = tokensOver()
  const [cached, fresh] = [await tokens.sign(claims()), await tokens.sign(claims({ jti: 'other' }))]
  await tokens.verify(cached)
  later(900_000 + 4_000)
  await expect(tokens.verify(cached)).resolves.toMatchObject({ sub: 'usr_1' })
  later(2_000)
  await expect(tokens.verify(cached)).rejects.toMatchObject(refused)
  await expect(tokens.verify(fresh)).rejects.toMatchObject(refused)
})

test('every forged or malformed token is refused with the same answer', async () => {
  const { tokens, source } = tokensOver()
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
    'no expiry': await forged(keySet, { ...claims(), exp: undefined }),
    'not yet valid': await forged(keySet, { ...claims(), nbf: Math.floor(Date.now() / 1000) + 60 }),
    'another type': await forged(keySet, claims(), { typ: 'JWT' }),
    'no kid': await forged(keySet, claims(), { kid: undefined }),
    'an unknown kid': await forged(keySet, claims(), { kid: 'key_none' }),
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'a changed payload': `${header}.${part(claims({ org_id: 'org_2' }))}.${signature}`,
    'padded Base64': `${header}.${payload}.${signature}==`,
    'too long': await forged(keySet, { ...claims(), more: 'x'.repeat(9_000) }),
    empty: '',
    'not a string': undefined as unknown as string,
  }
  for (const [name, token] of Object.entries(attacks))
    await expect(tokens.verify(token), name).rejects.toMatchObject(refused)
  await expect(tokens.verify(valid)).resolves.toMatchObject({ org_id: 'org_1' })
})

test('arbitrary text is refused, and never causes another error', async () => {
  const { tokens, source } = tokensOver()
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

test('a token with one changed character is refused', async () => {
  const { tokens } = tokensOver()
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

test('during a rotation every verifier accepts the tokens of every signer', async () => {
  const { tokens: signer, source } = tokensOver()
  const verifier = createTokens({ ...names, readKeys: () => Promise.resolve(source.keySet) })
  await verifier.keys()
  const before = await signer.sign(claims())
  source.keySet = KeySet.rotated(source.keySet, start)
  later(4 * minute)
  expect(await verifier.verify(before)).toMatchObject({ jti: 'jti_1' })
  // The verifier's cached keys are four minutes old, and already contain the new signing key as `next`.
  const newSigner = createTokens({ ...names, readKeys: () => Promise.resolve(source.keySet) })
  const after = await newSigner.sign(claims({ iat: 1, jti: 'jti_2' }))
  expect(await verifier.verify(after)).toMatchObject({ jti: 'jti_2' })
  later(2 * minute)
  expect(await verifier.verify(before)).toMatchObject({ jti: 'jti_1' })
  expect((await verifier.keys()).keys).toHaveLength(3)
})

test('an unknown key id causes a new read of the keys, at most every 5 seconds', async () => {
  const { tokens, source } = tokensOver()
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

test('keys are read every 5 minutes; tokens of a removed key are then refused, cached or not', async () => {
  const { tokens, source } = tokensOver()
  const token = await tokens.sign(claims())
  await tokens.verify(token)
  source.keySet = KeySet.fresh(start)
  later(5 * minute - 1)
  await expect(tokens.verify(token)).resolves.toMatchObject({ sub: 'usr_1' })
  later(1)
  await expect(tokens.verify(token)).rejects.toMatchObject(refused)
})

test('if reading fails, the old keys work for an hour, with one read every 5 seconds at most', async () => {
  const { tokens, source } = tokensOver()
  await tokens.keys()
  source.broken = true
  later(10 * minute)
  const token = await tokens.sign(claims())
  for (let n = 0; n < 20; n++) await expect(tokens.verify(token)).resolves.toMatchObject({ sub: 'usr_1' })
  expect(source.reads).toBe(2)
  later(50 * minute)
  await expect(tokens.verify(token)).rejects.toThrow('secret unavailable')
  expect(await tokens.verify(token).catch((error: unknown) => error instanceof Fault)).toBe(false)
  source.broken = false
  await expect(tokens.verify(await tokens.sign(claims()))).resolves.toMatchObject({ sub: 'usr_1' })
})

test('a repeated token skips the signature check, and its cached claims are immutable', async () => {
  const { tokens } = tokensOver()
  const all = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => await tokens.sign(claims({ jti: `jti_${n}` }))),
  )
  const elapsedMs = async () => {
    const before = performance.now()
    for (const token of all) await tokens.verify(token)
    return performance.now() - before
  }
  const cold = await elapsedMs()
  const hot = Math.min(await elapsedMs(), await elapsedMs(), await elapsedMs())
  expect(hot).toBeLessThan(cold / 5)
  const cached = await tokens.verify(all[0] ?? '')
  expect(() => cached.permissions.push('write:users')).toThrow(TypeError)
  expect(() => (cached.org_id = 'org_2')).toThrow(TypeError)
})
