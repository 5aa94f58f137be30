import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createIssuerTokens } from './issuer-tokens.ts'
import { createGuardedFetch, type GuardedFetch } from './guarded-fetch.ts'

const issuer = 'https://login.example.com/tenant/'
const trusted = { issuer, audience: 'our-client' }
const refused = {
  name: 'Fault',
  code: 'unauthenticated',
  message: expect.stringContaining('Sign in again') as string,
}
const unavailable = { name: 'Fault', code: 'unavailable' }
const start = Date.parse('2026-11-23T08:00:00Z')
const minute = 60_000

const keyPairs = {
  RS256: await generateKeyPair('RS256', { extractable: true }),
  ES256: await generateKeyPair('ES256', { extractable: true }),
  EdDSA: await generateKeyPair('EdDSA', { extractable: true }),
  RS512: await generateKeyPair('RS512', { extractable: true }),
}
type Alg = keyof typeof keyPairs
const jwk = async (alg: Alg) => ({ ...(await exportJWK(keyPairs[alg].publicKey)), kid: alg, use: 'sig' })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: start })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A fake fetch over `documents` by URL, which records the requested URLs. */
async function web(documents: Record<string, unknown> = {}) {
  const keys = await Promise.all((Object.keys(keyPairs) as Alg[]).map(jwk))
  const served: Record<string, unknown> = {
    [`${issuer}.well-known/openid-configuration`]: { issuer, jwks_uri: 'https://keys.example.net/jwks' },
    'https://keys.example.net/jwks': { keys },
    ...documents,
  }
  const requested: string[] = []
  const fetch: GuardedFetch = async (url) => {
    requested.push(String(url))
    const document = served[String(url)]
    if (document instanceof Error) throw document
    return document === undefined
      ? new Response('', { status: 404 })
      : new Response(typeof document === 'string' ? document : JSON.stringify(document))
  }
  const { verifyIssued: verify, checkIssuer: check } = createIssuerTokens(fetch)
  return { served, requested, verify, check }
}

async function signed(alg: Alg, payload: object = {}, header: object = {}): Promise<string> {
  const claims = { iss: issuer, aud: 'our-client', sub: 'them', exp: Math.floor(Date.now() / 1000) + 600, ...payload }
  return await new SignJWT(claims).setProtectedHeader({ alg, kid: alg, ...header }).sign(keyPairs[alg].privateKey)
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

test.each(['RS256', 'ES256', 'EdDSA'] as const)(
  'a token signed with %s is verified, and the keys are read once',
  async (alg) => {
    const { verify, requested } = await web()
    for (let n = 0; n < 3; n++)
      expect(await verify(await signed(alg), trusted)).toMatchObject({ sub: 'them', aud: 'our-client' })
    expect(requested).toStrictEqual([`${issuer}.well-known/openid-configuration`, 'https://keys.example.net/jwks'])
  },
)

test('a token with a wrong issuer, audience, time, key or algorithm is refused', async () => {
  const { verify } = await web()
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = part({ iss: issuer, aud: 'our-client', sub: 'them', exp: start / 1000 + 600 })
  const hmac = `${part({ alg: 'HS256', kid: 'RS256' })}.${payload}`
  const attacks = {
    'another audience': await signed('RS256', { aud: 'another-client' }),
    'no audience': await signed('RS256', { aud: undefined }),
    'another issuer': await signed('RS256', { iss: 'https://login.example.com/other/' }),
    expired: await signed('RS256', { exp: start / 1000 - 60 }),
    'no expiry': await signed('RS256', { exp: undefined }),
    'not yet valid': await signed('RS256', { nbf: start / 1000 + 60 }),
    'an algorithm that is not on the list': await signed('RS512'),
    'another key': await signed('ES256', {}, { kid: 'EdDSA' }),
    'no kid': await signed('RS256', {}, { kid: undefined }),
    'no algorithm': `${part({ alg: 'none', kid: 'RS256' })}.${payload}.`,
    'a shared secret': `${hmac}.${createHmac('sha256', 'RS256').update(hmac).digest('base64url')}`,
    garbage: 'a.b.c',
    'too long': `${await signed('RS256')}${'A'.repeat(9_000)}`,
    empty: '',
  }
  for (const [name, token] of Object.entries(attacks))
    await expect(verify(token, trusted), name).rejects.toMatchObject(refused)
  await expect(verify(await signed('RS256'), trusted)).resolves.toMatchObject({ sub: 'them' })
})

test('a token that does not claim the issuer causes no request', async () => {
  const { verify, requested } = await web()
  for (const token of ['garbage', await signed('RS256', { iss: 'https://other.example' }), await signed('RS512')]) {
    await expect(verify(token, trusted)).rejects.toMatchObject(refused)
  }
  expect(requested).toStrictEqual([])
})

test('tokens with unknown key ids cause one more read of the keys, not one for each token', async () => {
  const { verify, requested } = await web()
  await verify(await signed('RS256'), trusted)
  for (let n = 0; n < 20; n++)
    await expect(verify(await signed('RS256', {}, { kid: `unknown${n}` }), trusted)).rejects.toMatchObject(refused)
  expect(requested).toHaveLength(3)
  await expect(verify(await signed('ES256'), trusted)).resolves.toMatchObject({ sub: 'them' })
})

test('a withdrawn key is accepted for an hour at most', async () => {
  const { verify, served } = await web()
  await verify(await signed('RS256'), trusted)
  served['https://keys.example.net/jwks'] = { keys: [await jwk('ES256')] }
  later(59 * minute)
  await expect(verify(await signed('RS256'), trusted)).resolves.toMatchObject({ sub: 'them' })
  later(2 * minute)
  await expect(verify(await signed('RS256'), trusted)).rejects.toMatchObject(refused)
})

test.each([
  ['is missing', undefined],
  ['is not JSON', '<html>'],
  ['names another issuer', { issuer: 'https://evil.example', jwks_uri: 'https://keys.example.net/jwks' }],
  ['names no keys', { issuer }],
  ['names missing keys', { issuer, jwks_uri: 'https://keys.example.net/none' }],
  ['names keys that are not JSON', { issuer, jwks_uri: 'https://keys.example.net/page' }],
  ['has an invalid jwks_uri', { issuer, jwks_uri: 'keys' }],
])('an issuer whose discovery document %s is unavailable, and is not called for 30 seconds', async (_, document) => {
  const { verify, requested, served } = await web({
    [`${issuer}.well-known/openid-configuration`]: document,
    'https://keys.example.net/page': '<html>',
  })
  const token = await signed('RS256')
  for (let n = 0; n < 5; n++) await expect(verify(token, trusted)).rejects.toMatchObject(unavailable)
  expect(requested.length).toBeLessThanOrEqual(2)
  served[`${issuer}.well-known/openid-configuration`] = { issuer, jwks_uri: 'https://keys.example.net/jwks' }
  later(29_000)
  await expect(verify(token, trusted)).rejects.toMatchObject(unavailable)
  later(2_000)
  await expect(verify(await signed('RS256'), trusted)).resolves.toMatchObject({ sub: 'them' })
})

test('a jwks_uri at a private address is refused', async () => {
  const requested: string[] = []
  const guarded = createGuardedFetch()
  const discovery = { issuer, jwks_uri: 'https://169.254.169.254/latest/meta-data/' }
  const { verifyIssued: verify, checkIssuer } = createIssuerTokens(async (url, init) => {
    requested.push(String(url))
    return String(url).startsWith(issuer) ? new Response(JSON.stringify(discovery)) : await guarded(url, init)
  })
  await expect(verify(await signed('RS256'), trusted)).rejects.toMatchObject(unavailable)
  expect(requested).toHaveLength(2)
  await expect(checkIssuer(issuer)).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('not on the public internet') as string,
  })
})

test('an issuer is usable if it answers with a discovery document and a key', async () => {
  const discovery = `${issuer}.well-known/openid-configuration`
  const keys = 'https://keys.example.net/jwks'
  await (await web()).check(issuer)
  for (const [documents, code, said] of [
    [{ [discovery]: undefined }, 'unavailable', 'status 404'],
    [{ [discovery]: '<html>' }, 'unavailable', 'does not answer correctly'],
    [{ [discovery]: { issuer: 'https://other.example', jwks_uri: keys } }, 'unavailable', 'does not answer correctly'],
    [{ [keys]: undefined }, 'unavailable', 'status 404'],
    [{ [keys]: '<html>' }, 'invalid', 'publishes no key'],
    [{ [keys]: { keys: [] } }, 'invalid', 'publishes no key'],
    [{ [keys]: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, 'invalid', 'publishes no key'],
  ] as const)
    await expect((await web(documents)).check(issuer)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(said) as string,
    })
})

test('ID and access tokens of a Cognito pool are accepted, for their own client only', async () => {
  const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123'
  const { verify, requested } = await web({ [`${pool}/.well-known/jwks.json`]: { keys: [await jwk('RS256')] } })
  const cognito = { issuer: pool, audience: 'our-client' }
  await expect(verify(await signed('RS256', { iss: pool, token_use: 'id' }), cognito)).resolves.toMatchObject({
    sub: 'them',
  })
  const access = { iss: pool, aud: undefined, token_use: 'access', client_id: 'our-client' }
  await expect(verify(await signed('RS256', access), cognito)).resolves.toMatchObject({ sub: 'them' })
  for (const wrong of [
    { client_id: 'other' },
    { client_id: undefined },
    { token_use: 'refresh' },
    { token_use: undefined },
    { exp: undefined },
  ]) {
    await expect(
      verify(await signed('RS256', { ...access, ...wrong }), cognito),
      JSON.stringify(wrong),
    ).rejects.toMatchObject(refused)
  }
  expect(requested).toStrictEqual([`${pool}/.well-known/jwks.json`])
})
