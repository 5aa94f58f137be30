import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '@cloudoptima/api'
import { Identity, noOrganization } from '@cloudoptima/core'
import { browse } from '@cloudoptima/runtime/testing'
import Provider from 'oidc-provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { signedIn } from './api.ts'
import { openWorld, type World } from './world.ts'

const publicUrl = 'https://api.example.com'
const orgId = 'org_oidc'
const callback = `${publicUrl}/v1/auth/oidc/${orgId}/callback`
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

let dir: string
let world: World
let provider: Server
let app: ReturnType<typeof createApp>

/** A real provider (oidc-provider) that accepts every login name. All addresses except Eve's are verified. */
async function serveProvider(): Promise<string> {
  provider = createServer().listen(0, '127.0.0.1')
  await once(provider, 'listening')
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  const real = new Provider(issuer, {
    clients: [
      {
        client_id: 'app',
        client_secret: 'a-secret-of-some-length',
        redirect_uris: [callback],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'eve', name: `Name of ${id}` }),
    }),
    cookies: { keys: ['test'] },
    pkce: { required: () => true },
  })
  provider.on('request', real.callback())
  return issuer
}

/** Silences oidc-provider's warnings about development settings. */
function quiet(): void {
  vi.spyOn(console, 'warn').mockReturnValue(undefined)
  vi.spyOn(console, 'info').mockReturnValue(undefined)
}

beforeAll(async () => {
  quiet()
  dir = await mkdtemp(join(tmpdir(), 'oidc-'))
  world = await openWorld({ dataDir: join(dir, 'data'), orgId })
  const issuer = await serveProvider()
  const admin = await signedIn(world.ctx)
  const put = await admin.request('/v1/organization/sign-in', {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      issuer,
      client_id: 'app',
      client_secret: 'a-secret-of-some-length',
      new_users: { domains: ['example.com'], role: 'viewer' },
    }),
  })
  expect([put.status, await put.json()]).toMatchObject([200, { has_client_secret: true }])
  app = createApp({ runtime: world.ctx.runtime, log: silent, address: () => '192.0.2.1', publicUrl })
})
beforeEach(quiet)
afterAll(async () => {
  provider.closeAllConnections()
  provider.close()
  await world.end()
  await rm(dir, { recursive: true, force: true })
})

/** Starts a sign-in at the API. Returns the redirect and the cookie. */
async function begin(): Promise<{ location: string; cookie: string; setCookie: string }> {
  const begun = await app.request(`/v1/auth/oidc/${orgId}`)
  const setCookie = begun.headers.get('Set-Cookie') ?? ''
  expect(begun.status).toBe(302)
  return { location: begun.headers.get('Location') ?? '', setCookie, cookie: setCookie.split(';')[0] ?? '' }
}

/** Signs in at the provider. Returns the path of the redirect back to the API. */
async function signIn(url: string, login: string): Promise<string> {
  return (await browse(url, callback, login)).slice(publicUrl.length)
}

describe('a sign-in with the provider of an organization', () => {
  it('redirects the browser there and back, and creates a member with the verified address', async () => {
    const { location, cookie, setCookie } = await begin()
    expect(setCookie).toMatch(
      /^__Host-cloudoptima-signin=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    )
    expect(new URL(location).searchParams.get('code_challenge_method')).toBe('S256')
    const back = await signIn(location, 'ada')
    const ended = await app.request(back, { headers: { Cookie: cookie } })
    const tokens = (await ended.json()) as { access_token: string; refresh_token: string }
    expect([ended.status, tokens]).toMatchObject([200, { token_type: 'Bearer', expires_in: 900 }])
    const me = await app.request('/v1/me', { headers: { Authorization: `Bearer ${tokens.access_token}` } })
    expect(await me.json()).toMatchObject({
      user: { email: 'ada@example.com', full_name: 'Name of ada', role: 'viewer' },
      organization: { id: orgId },
    })
    expect((await app.request(back, { headers: { Cookie: cookie } })).status).toBe(401)
  })

  it('is refused for another browser, without the cookie or with its own cookie', async () => {
    const [mine, other] = [await begin(), await begin()]
    const back = await signIn(mine.location, 'ada')
    for (const headers of [{}, { Cookie: other.cookie }])
      expect((await app.request(back, { headers })).status).toBe(401)
    expect((await app.request(back, { headers: { Cookie: mine.cookie } })).status).toBe(200)
  })

  it('is refused at the callback of another organization', async () => {
    const { location, cookie } = await begin()
    const back = (await signIn(location, 'ada')).replace(orgId, 'org_other')
    expect((await app.request(back, { headers: { Cookie: cookie } })).status).toBe(401)
  })

  it('is refused if the address is not verified', async () => {
    const { location, cookie } = await begin()
    expect((await app.request(await signIn(location, 'eve'), { headers: { Cookie: cookie } })).status).toBe(403)
  })

  it('does not reveal which organizations exist', async () => {
    const texts = await Promise.all(
      ['org_none', 'default'].map(async (id) => await (await app.request(`/v1/auth/oidc/${id}`)).json()),
    )
    expect(texts).toMatchObject([{ status: 404 }, { status: 404 }])
  })

  it('never stores the client secret in plain text', async () => {
    const { tables } = world.ctx.runtime
    const kept = JSON.stringify([
      await tables.organizations.all(orgId),
      await tables.audit.all(orgId),
      await tables.signInFlows.all(noOrganization),
      await Identity.OpenIdSignIn.get(world.ctx, {}),
    ])
    expect(kept).not.toContain('a-secret-of-some-length')
  })
})
