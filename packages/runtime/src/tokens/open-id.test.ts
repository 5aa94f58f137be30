import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OpenIdProvider } from '@cloudoptima/core'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { browse } from '../testing/browser.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { createOpenId } from './open-id.ts'

const redirectUri = 'https://app.example.com/v1/auth/oidc/callback'
const refused = {
  name: 'Fault',
  code: 'unauthenticated',
  message: expect.stringContaining('Start it again') as string,
}
const invalid = { name: 'Fault', code: 'invalid' }
const unavailable = { name: 'Fault', code: 'unavailable' }

const openIdWith = () => createOpenId(createGuardedFetch({ allowLoopback: true }), { allowLoopback: true })
const client = (client_id: string, more: object = {}) => ({
  client_id,
  client_secret: `${client_id}-secret-of-some-length`,
  redirect_uris: [redirectUri],
  ...more,
})

/** Starts a server; `make` creates its listener from the server's URL. */
async function serve(make: (url: string) => RequestListener | Promise<RequestListener>): Promise<string> {
  let answer: RequestListener = (_, response) => response.writeHead(503).end()
  const server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  answer = await make(url)
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return url
}
const closers: (() => void)[] = []

/** A real provider (oidc-provider) that accepts every login name as an account. */
const realProvider = async (more: object = {}) =>
  await serve((issuer) => {
    const provider = new Provider(issuer, {
      clients: [
        client('app', { token_endpoint_auth_method: 'client_secret_post' }),
        client('header', { token_endpoint_auth_method: 'client_secret_basic' }),
        client('public', { client_secret: undefined, token_endpoint_auth_method: 'none' }),
      ],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      findAccount: (_: unknown, id: string) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'eve', name: `Name of ${id}` }),
      }),
      cookies: { keys: ['test'] },
      pkce: { required: () => true },
      ...more,
    })
    return provider.callback()
  })

let issuer: string
/** Silences oidc-provider's warnings about development settings. */
const quiet = () => {
  vi.spyOn(console, 'warn').mockReturnValue(undefined)
  vi.spyOn(console, 'info').mockReturnValue(undefined)
}
beforeAll(async () => {
  quiet()
  issuer = await realProvider()
  return () => closers.splice(0).forEach((close) => close())
})
beforeEach(quiet)

const app = (): OpenIdProvider => ({ issuer, clientId: 'app', clientSecret: 'app-secret-of-some-length' })

test('a sign-in returns the subject, the verified e-mail and the name of the user', async () => {
  const openId = openIdWith()
  const { url, ...flow } = await openId.begin(app(), redirectUri)
  expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
    client_id: 'app',
    response_type: 'code',
    scope: 'openid email profile',
    redirect_uri: redirectUri,
    code_challenge_method: 'S256',
  })
  expect(url).not.toContain(flow.codeVerifier)
  const callback = await browse(url, redirectUri)
  expect(await openIdWith().finish(app(), flow, callback)).toStrictEqual({
    issuer,
    subject: 'ada',
    email: 'ada@example.com',
    emailVerified: true,
    name: 'Name of ada',
  })
})

test('a provider is usable if it answers with a discovery document and a key', async () => {
  await openIdWith().check(app())
  const without = await serve((url) => (request, response) => {
    const endpoint = (name: string) => `${url}/${name}`
    const document = { issuer: url, authorization_endpoint: endpoint('auth'), jwks_uri: endpoint('keys') }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/keys' ? { keys: [] } : document))
  })
  await expect(openIdWith().check({ issuer: without, clientId: 'app' })).rejects.toMatchObject({
    ...invalid,
    message: `${without} publishes no key that can verify a token, at ${without}/keys.`,
  })
  await expect(openIdWith().check({ issuer: 'http://127.0.0.1:1', clientId: 'app' })).rejects.toMatchObject(unavailable)
  await expect(openIdWith().check({ issuer: 'https://10.0.0.1', clientId: 'app' })).rejects.toMatchObject(invalid)
})

test('an e-mail that the provider did not verify is reported as unverified', async () => {
  const openId = openIdWith()
  const { url, ...flow } = await openId.begin(app(), redirectUri)
  expect(await openId.finish(app(), flow, await browse(url, redirectUri, 'eve'))).toMatchObject({
    email: 'eve@example.com',
    emailVerified: false,
  })
})

test.each([
  [
    'a provider that accepts the secret in the header only',
    { clientAuthMethods: ['client_secret_basic'] },
    { clientId: 'header', clientSecret: 'header-secret-of-some-length' },
  ],
  ['a client without a secret', {}, { clientId: 'public' }],
  [
    'a provider with all claims in the ID token',
    { conformIdTokenClaims: false },
    { clientId: 'app', clientSecret: 'app-secret-of-some-length' },
  ],
])('works with %s', async (name, configuration, credentials) => {
  const only = name.includes('header')
    ? { clients: [client('header', { token_endpoint_auth_method: 'client_secret_basic' })] }
    : {}
  const provider = { issuer: await realProvider({ ...configuration, ...only }), ...credentials }
  const openId = openIdWith()
  const { url, ...flow } = await openId.begin(provider, redirectUri)
  expect(await openId.finish(provider, flow, await browse(url, redirectUri))).toMatchObject({
    subject: 'ada',
    email: 'ada@example.com',
  })
})

test('the callback may have another host than the redirect URI, behind a proxy', async () => {
  const openId = openIdWith()
  const { url, ...flow } = await openId.begin(app(), redirectUri)
  const { search } = new URL(await browse(url, redirectUri))
  expect(await openId.finish(app(), flow, `http://10.0.0.7:3000/other${search}`)).toMatchObject({ subject: 'ada' })
})

test('a changed flow, callback or client is refused with the same answer', async () => {
  const openId = openIdWith()
  const attempt = async (
    change: (flow: Awaited<ReturnType<typeof openId.begin>>, callback: URL) => void,
    provider = app(),
  ) => {
    const begun = await openId.begin(app(), redirectUri)
    const callback = new URL(await browse(begun.url, redirectUri))
    change(begun, callback)
    return await openId.finish(provider, begun, callback.href)
  }
  const attacks: Record<string, Parameters<typeof attempt>> = {
    'another state': [(_, callback) => callback.searchParams.set('state', 'x')],
    'no state': [(_, callback) => callback.searchParams.delete('state')],
    'the state of another flow': [(flow) => void (flow.state = 'x')],
    'another nonce': [(flow) => void (flow.nonce = 'x')],
    'another PKCE verifier': [(flow) => void (flow.codeVerifier = 'x'.repeat(43))],
    'another redirect': [(flow) => void (flow.redirectUri = 'https://evil.example/callback')],
    'another code': [(_, callback) => callback.searchParams.set('code', 'x')],
    'no code': [(_, callback) => callback.searchParams.delete('code')],
    'two codes': [(_, callback) => callback.searchParams.append('code', 'x')],
    'another issuer (RFC 9207)': [(_, callback) => callback.searchParams.set('iss', 'https://evil.example')],
    'no issuer': [(_, callback) => callback.searchParams.delete('iss')],
    'an error': [(_, callback) => callback.searchParams.set('error', 'access_denied')],
    'the code of another client': [
      () => undefined,
      { issuer, clientId: 'header', clientSecret: 'header-secret-of-some-length' },
    ],
    'another secret': [() => undefined, { ...app(), clientSecret: 'wrong' }],
  }
  for (const [name, [change, provider]] of Object.entries(attacks))
    await expect(attempt(change, provider), name).rejects.toMatchObject(refused)
  const flow = await openId.begin(app(), redirectUri)
  for (const garbage of ['', 'x', 'http://', '?code=x&state=x', `${redirectUri}#code=x`])
    await expect(openId.finish(app(), flow, garbage)).rejects.toMatchObject(refused)
})

test('an authorization code works once', async () => {
  const openId = openIdWith()
  const { url, ...flow } = await openId.begin(app(), redirectUri)
  const callback = await browse(url, redirectUri)
  await expect(openId.finish(app(), flow, callback)).resolves.toMatchObject({ subject: 'ada' })
  await expect(openId.finish(app(), flow, callback)).rejects.toMatchObject(refused)
})

test('the code of another provider is refused', async () => {
  const openId = openIdWith()
  const other = { ...app(), issuer: await realProvider() }
  const { url, ...flow } = await openId.begin(other, redirectUri)
  await expect(openId.finish(app(), flow, await browse(url, redirectUri))).rejects.toMatchObject(refused)
})

const keys = await generateKeyPair('RS256', { extractable: true })
const foreignKeys = await generateKeyPair('RS256')

/** A fake provider that answers any code with the ID token from `idToken`. */
async function fakeProvider(idToken: (issuer: string, nonce: string) => Promise<string> | string, name?: string) {
  const state = { nonce: '' }
  const url = await serve(async (address) => {
    const issuer = name ?? address
    const documents: Record<string, () => unknown> = {
      '/.well-known/openid-configuration': () => ({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['RS256', 'none', 'HS256'],
      }),
      '/jwks': async () => ({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k', use: 'sig', alg: 'RS256' }] }),
      '/token': async () => ({ access_token: 'a', token_type: 'Bearer', id_token: await idToken(issuer, state.nonce) }),
    }
    return (request, response) => {
      const answered = Promise.resolve(documents[request.url ?? '']?.())
      void answered.then((document) =>
        response
          .writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
          .end(JSON.stringify(document ?? {})),
      )
    }
  })
  const guarded = createGuardedFetch({ allowLoopback: true })
  const openId = createOpenId(async (to, init) => await guarded(String(to).replace(name ?? url, url), init), {
    allowLoopback: true,
  })
  return {
    provider: { issuer: name ?? url, clientId: 'app', clientSecret: 'app-secret-of-some-length' },
    state,
    openId,
  }
}

const claimsOf = (iss: string, nonce: string) => ({
  iss,
  aud: 'app',
  sub: 'ada',
  nonce,
  email: 'ada@example.com',
  iat: now(),
  exp: now() + 60,
})
const now = () => Math.floor(Date.now() / 1000)
const signed = async (claims: object, key = keys.privateKey, alg = 'RS256') =>
  await new SignJWT({ ...claims }).setProtectedHeader({ alg, kid: 'k' }).sign(key)
const unsigned = (claims: object) =>
  `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`

async function signIn(idToken: Parameters<typeof fakeProvider>[0], name?: string) {
  const { provider, state, openId } = await fakeProvider(idToken, name)
  const { url, ...flow } = await openId.begin(provider, redirectUri)
  expect(new URL(url).origin).toBe(new URL(provider.issuer).origin)
  state.nonce = flow.nonce
  return await openId.finish(provider, flow, `${redirectUri}?code=x&state=${flow.state}`)
}

test('an ID token with any wrong part is refused', async () => {
  expect(await signIn(async (iss, nonce) => await signed(claimsOf(iss, nonce)))).toMatchObject({
    subject: 'ada',
    emailVerified: false,
  })
  const wrong: Record<string, Parameters<typeof signIn>[0]> = {
    'not signed': (iss, nonce) => unsigned(claimsOf(iss, nonce)),
    'signed by another key': async (iss, nonce) => await signed(claimsOf(iss, nonce), foreignKeys.privateKey),
    'signed with the client secret': async (iss, nonce) =>
      await new SignJWT(claimsOf(iss, nonce))
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from('app-secret-of-some-length')),
    expired: async (iss, nonce) => await signed({ ...claimsOf(iss, nonce), iat: now() - 3600, exp: now() - 60 }),
    'without an expiry': async (iss, nonce) => await signed({ ...claimsOf(iss, nonce), exp: undefined }),
    'of another issuer': async (_, nonce) => await signed(claimsOf('https://evil.example', nonce)),
    'for another client': async (iss, nonce) => await signed({ ...claimsOf(iss, nonce), aud: 'other' }),
    'with another nonce': async (iss) => await signed(claimsOf(iss, 'x')),
    'without a nonce': async (iss) => await signed({ ...claimsOf(iss, ''), nonce: undefined }),
    'without a subject': async (iss, nonce) => await signed({ ...claimsOf(iss, nonce), sub: undefined }),
    none: () => '',
  }
  for (const [name, idToken] of Object.entries(wrong))
    await expect(signIn(idToken), name).rejects.toMatchObject(refused)
})

test('xms_edov verifies an e-mail for a Microsoft Entra tenant, and for no other issuer', async () => {
  const tenant = 'https://login.microsoftonline.com/8f2e4c1a-5b7d-4e3f-9a6b-0c1d2e3f4a5b/v2.0'
  const isVerified = async (name: string, change: object) =>
    (await signIn(async (iss, nonce) => await signed({ ...claimsOf(iss, nonce), ...change }), name)).emailVerified
  for (const yes of [true, 'true', 1, '1']) expect(await isVerified(tenant, { xms_edov: yes }), String(yes)).toBe(true)
  for (const no of [undefined, false, 'false', 0, '0', null, 'yes', [true]])
    expect(await isVerified(tenant, { xms_edov: no }), String(no)).toBe(false)
  for (const email_verified of [false, 'false', null])
    expect(await isVerified(tenant, { xms_edov: true, email_verified })).toBe(false)
  expect(await isVerified(tenant, { email_verified: true })).toBe(true)
  for (const other of [
    'https://login.microsoftonline.com/common/v2.0',
    'https://login.microsoftonline.com.evil.example/8f2e4c1a-5b7d-4e3f-9a6b-0c1d2e3f4a5b/v2.0',
    'https://evil.example/login.microsoftonline.com/8f2e4c1a-5b7d-4e3f-9a6b-0c1d2e3f4a5b/v2.0',
    'https://accounts.google.com',
  ])
    expect(await isVerified(other, { xms_edov: true }), other).toBe(false)
})

test('an invalid discovery document is Fault invalid; a server error is Fault unavailable', async () => {
  const openId = openIdWith()
  const begin = async (issuer: string) => await openId.begin({ issuer, clientId: 'app' }, redirectUri)
  const answering = async (status: number, body: string) =>
    await serve(
      (url) => (_, response) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(body.replaceAll('URL', url)),
    )
  for (const body of [
    '{}',
    'no json',
    '[]',
    '{"issuer":"https://evil.example"}',
    '{"issuer":"URL/"}x',
    '{"issuer":"URL"}',
    '{"issuer":"URL","authorization_endpoint":"javascript:alert(1)"}',
  ])
    await expect(begin(await answering(200, body)), body).rejects.toMatchObject(invalid)
  await expect(begin(await answering(404, ''))).rejects.toMatchObject(invalid)
  await expect(begin('not an address')).rejects.toMatchObject(invalid)
  await expect(
    begin(`${await answering(200, '{"issuer":"URL"}')}/.well-known/openid-configuration`),
  ).rejects.toMatchObject(invalid)
  await expect(begin(await answering(503, ''))).rejects.toMatchObject(unavailable)
  await expect(begin('http://127.0.0.1:1')).rejects.toMatchObject(unavailable)
})

test('without allowLoopback, private addresses and plain HTTP are refused', async () => {
  const openId = createOpenId(createGuardedFetch(), { allowLoopback: false })
  for (const inside of [issuer, 'https://127.0.0.1', 'https://169.254.169.254', 'http://example.com'])
    await expect(openId.begin({ issuer: inside, clientId: 'app' }, redirectUri), inside).rejects.toMatchObject(invalid)
})

test('a provider that stops during a sign-in is Fault unavailable', async () => {
  const { provider } = await fakeProvider(() => '')
  const openId = openIdWith()
  const { url: _, ...flow } = await openId.begin(provider, redirectUri)
  closers.pop()?.()
  await expect(openId.finish(provider, flow, `${redirectUri}?code=x&state=${flow.state}`)).rejects.toMatchObject(
    unavailable,
  )
})
