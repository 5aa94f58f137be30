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

/** The web as our fetch sees it: what lies at which address, and what was asked. */
async function web(documents: Record<string, unknown> = {}) {
  const keys = await Promise.all((Object.keys(keyPairs) as Alg[]).map(jwk))
  const lies: Record<string, unknown> = {
    [`${issuer}.well-known/openid-configuration`]: { issuer, jwks_uri: 'https://keys.example.net/jwks' },
    'https://keys.example.net/jwks': { keys },
    ...documents,
  }
  const asked: string[] = []
  const fetch: GuardedFetch = async (url) => {
    asked.push(String(url))
    const document = lies[String(url)]
    if (document instanceof Error) throw document
    return document === undefined
      ? new Response('', { status: 404 })
      : new Response(typeof document === 'string' ? document : JSON.stringify(document))
  }
  return { lies, asked, verify: createIssuerTokens(fetch) }
}

async function signed(alg: Alg, payload: object = {}, header: object = {}): Promise<string> {
  const claims = { iss: issuer, aud: 'our-client', sub: 'them', exp: Math.floor(Date.now() / 1000) + 600, ...payload }
  return await new SignJWT(claims).setProtectedHeader({ alg, kid: alg, ...header }).sign(keyPairs[alg].privateKey)
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

test.each(['RS256', 'ES256', 'EdDSA'] as const)(
  'a token signed by %s is verified with keys that are found once',
  async (alg) => {
    const { verify, asked } = await web()
    for (let n = 0; n < 3; n++)
      expect(await verify(await signed(alg), trusted)).toMatchObject({ sub: 'them', aud: 'our-client' })
    expect(asked).toStrictEqual([`${issuer}.well-known/openid-configuration`, 'https://keys.example.net/jwks'])
  },
)

test('what is not of this issuer, for this audience, of this hour and by these algorithms is refused', async () => {
  const { verify } = await web()
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = part({ iss: issuer, aud: 'our-client', sub: 'them', exp: start / 1000 + 600 })
  const hmac = `${part({ alg: 'HS256', kid: 'RS256' })}.${payload}`
  const attacks = {
    'another audience': await signed('RS256', { aud: 'another-client' }),
    'no audience': await signed('RS256', { aud: undefined }),
    'another issuer': await signed('RS256', { iss: 'https://login.example.com/other/' }),
    ended: await signed('RS256', { exp: start / 1000 - 60 }),
    'no end': await signed('RS256', { exp: undefined }),
    'not yet': await signed('RS256', { nbf: start / 1000 + 60 }),
    'an algorithm that is not on the list': await signed('RS512'),
    'another key': await signed('ES256', {}, { kid: 'EdDSA' }),
    'no kid': await signed('RS256', {}, { kid: undefined }),
    'no algorithm': `${part({ alg: 'none', kid: 'RS256' })}.${payload}.`,
    'a shared secret': `${hmac}.${createHmac('sha256', 'RS256').update(hmac).digest('base64url')}`,
    garbage: 'a.b.c',
    'too long': `${await signed('RS256')}${'A'.repeat(9_000)}`,
    nothing: '',
  }
  for (const [name, token] of Object.entries(attacks))
    await expect(verify(token, trusted), name).rejects.toMatchObject(refused)
  await expect(verify(await signed('RS256'), trusted)).resolves.toMatchObject({ sub: 'them' })
})

test('a token that does not even claim to be of the issuer has nobody asked', async () => {
  const { verify, asked } = await web()
  for (const token of ['garbage', await signed('RS256', { iss: 'https://other.example' }), await signed('RS512')]) {
    await expect(verify(token, trusted)).rejects.toMatchObject(refused)
  }
  expect(asked).toStrictEqual([])
})

test('tokens under unknown names of keys have the keys read again once, not each time', async () => {
  const { verify, asked } = await web()
  await verify(await signed('RS256'), trusted)
  for (let n = 0; n < 20; n++)
    await expect(verify(await signed('RS256', {}, { kid: `unknown${n}` }), trusted)).rejects.toMatchObject(refused)
  expect(asked).toHaveLength(3)
  await expect(verify(await signed('ES256'), trusted)).resolves.toMatchObject({ sub: 'them' })
})

test('keys that an issuer takes back count for an hour at most', async () => {
  const { verify, lies } = await web()
  await verify(await signed('RS256'), trusted)
  lies['https://keys.example.net/jwks'] = { keys: [await jwk('ES256')] }
  later(59 * minute)
  await expect(verify(await signed('RS256'), trusted)).resolves.toMatchObject({ sub: 'them' })
  later(2 * minute)
  await expect(verify(await signed('RS256'), trusted)).rejects.toMatchObject(refused)
})

test.each([
  ['is not there', undefined],
  ['is no JSON', '<html>'],
  ['is of another issuer', { issuer: 'https://evil.example', jwks_uri: 'https://keys.example.net/jwks' }],
  ['names no keys', { issuer }],
  ['names keys that are not there', { issuer, jwks_uri: 'https://keys.example.net/none' }],
  ['names keys that are none', { issuer, jwks_uri: 'https://keys.example.net/page' }],
  ['names keys at no address', { issuer, jwks_uri: 'keys' }],
])('an issuer whose discovery document %s is unavailable, and left alone for half a minute', async (_, document) => {
  const { verify, asked, lies } = await web({
    [`${issuer}.well-known/openid-configuration`]: document,
    'https://keys.example.net/page': '<html>',
  })
  const token = await signed('RS256')
  for (let n = 0; n < 5; n++) await expect(verify(token, trusted)).rejects.toMatchObject(unavailable)
  expect(asked.length).toBeLessThanOrEqual(2)
  lies[`${issuer}.well-known/openid-configuration`] = { issuer, jwks_uri: 'https://keys.example.net/jwks' }
  later(29_000)
  await expect(verify(token, trusted)).rejects.toMatchObject(unavailable)
  later(2_000)
  await expect(verify(await signed('RS256'), trusted)).resolves.toMatchObject({ sub: 'them' })
})

test('keys on the inside of our network are not asked for', async () => {
  const asked: string[] = []
  const guarded = createGuardedFetch()
  const discovery = { issuer, jwks_uri: 'https://169.254.169.254/latest/meta-data/' }
  const verify = createIssuerTokens(async (url, init) => {
    asked.push(String(url))
    return String(url).startsWith(issuer) ? new Response(JSON.stringify(discovery)) : await guarded(url, init)
  })
  await expect(verify(await signed('RS256'), trusted)).rejects.toMatchObject(unavailable)
  expect(asked).toHaveLength(2)
})

test('of a Cognito pool both tokens are taken, by the client they were made for', async () => {
  const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123'
  const { verify, asked } = await web({ [`${pool}/.well-known/jwks.json`]: { keys: [await jwk('RS256')] } })
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
  expect(asked).toStrictEqual([`${pool}/.well-known/jwks.json`])
})
