import * as Invitations from '../people/invitations.ts'
import * as Members from '../people/members.ts'
import { describe, expect, test } from 'vitest'
import * as AuditLog from '../../guard/audit-log.ts'
import { Fault } from '../../kernel/fault.ts'
import * as Organization from '../../organization/organization.ts'
import type { OpenIdIdentity, OpenIdProvider } from '../../effects/runtime.ts'
import * as OpenIdSignIn from './open-id.ts'
import { password, refusal, world } from '../../testing/identity.ts'
import * as User from '../people/user.ts'

const issuer = 'https://idp.example'
const clientSecret = 'canary-client-secret'
const redirectUri = 'https://example.com/callback'
const said = { code: 'unauthenticated', message: 'This sign-in is invalid or expired. Begin again.' }

/** A provider that asserts the configured user. */
async function provider(newUsers: { domains: string[]; role: 'viewer' } | null = null) {
  const at = world()
  const seen: OpenIdProvider[] = []
  let identity: Partial<OpenIdIdentity> = {}
  let flows = 0
  at.runtime.openId = {
    check: async () => undefined,
    begin: async (_, redirectUri) => ({
      url: `${issuer}/authorize`,
      state: `state-${++flows}`,
      nonce: 'nonce',
      codeVerifier: 'verifier',
      redirectUri,
    }),
    finish: async (provider, flow, callbackUrl) => {
      seen.push(provider)
      if (!callbackUrl.includes(`state=${flow.state}`)) throw new Fault('unauthenticated', 'no')
      return { issuer, subject: 'subject-1', emailVerified: true, ...identity }
    },
  }
  const ada = await at.found()
  at.pass(1)
  await OpenIdSignIn.put(ada.ctx, { issuer, clientId: 'client', clientSecret, newUsers })
  const begin = async () => {
    const { browser } = await OpenIdSignIn.begin(at.anyone(), { organizationId: ada.orgId, redirectUri })
    return {
      organizationId: ada.orgId,
      state: `state-${flows}`,
      callbackUrl: `${redirectUri}?code=c&state=state-${flows}`,
      browser,
    }
  }
  const finish = async (given: Parameters<typeof OpenIdSignIn.finish>[1]) =>
    await OpenIdSignIn.finish(at.anyone(), given)
  const signIn = async (who: Partial<OpenIdIdentity>) => {
    identity = who
    return await at.as((await finish(await begin())).accessToken)
  }
  return { ...at, ada, begin, finish, signIn, seen, vouch: (who: Partial<OpenIdIdentity>) => void (identity = who) }
}

describe('a sign-in by OpenID Connect', () => {
  test('authenticates a member and verifies the address', async () => {
    const { ada, signIn, seen } = await provider()
    await User.edit(ada.ctx, ada.userId, () => ({ emailVerified: false }))
    const ctx = await signIn({ email: 'ADA@example.com' })
    expect(ctx).toMatchObject({ orgId: ada.orgId, actor: { id: ada.userId, role: 'admin' } })
    expect(seen).toEqual([{ issuer, clientId: 'client', clientSecret }])
    expect(await User.load(ctx, ada.userId)).toMatchObject({
      emailVerified: true,
      openId: { issuer, subject: 'subject-1' },
    })
    expect((await AuditLog.list(ctx, { action: 'openid.finish' })).entries).toMatchObject([
      { result: 'success', actorId: ada.userId },
    ])
  })

  test('completes only in the browser that began it', async () => {
    const { begin, finish, vouch, ada } = await provider()
    vouch({ email: ada.email })
    const [mine, other] = [await begin(), await begin()]
    for (const browser of [other.browser, 'x', '']) expect(await refusal(finish({ ...mine, browser }))).toEqual(said)
    const { browser: _, ...without } = mine
    expect(await refusal(finish(without))).toEqual(said)
    // At the address of another organization, where another provider leads back to.
    expect(await refusal(finish({ ...mine, organizationId: 'org_other' }))).toEqual(said)
    await expect(finish(mine)).resolves.toMatchObject({
      tokenType: 'Bearer',
      refreshToken: expect.stringMatching(/^cor_/),
    })
  })

  test('is single-use, also concurrently, and valid for ten minutes', async () => {
    const { begin, finish, vouch, ada, pass } = await provider()
    vouch({ email: ada.email })
    const flow = await begin()
    const outcomes = await Promise.all([refusal(finish(flow)), refusal(finish(flow))])
    expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
    expect(await refusal(finish(flow))).toEqual(said)
    const late = await begin()
    pass(600)
    expect(await refusal(finish(late))).toEqual(said)
    expect(await refusal(finish({ ...late, state: 'state-unknown' }))).toEqual(said)
  })

  test('is refused if the provider does not assert a verified address', async () => {
    const { signIn, ada } = await provider()
    for (const who of [{ email: ada.email, emailVerified: false }, {}, { email: 'not an address' }])
      await expect(signIn(who)).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('gives the Entra hint only for Microsoft Entra', async () => {
    const { signIn, ada } = await provider()
    const who = { email: ada.email, emailVerified: false }
    expect((await refusal(signIn(who)))?.message).toBe(
      'Your provider does not assert that your e-mail address is verified.',
    )
    await OpenIdSignIn.put(ada.ctx, {
      issuer: 'https://login.microsoftonline.com/8f2e4c1a-5b7d-4e3f-9a6b-0c1d2e3f4a5b/v2.0',
      clientId: 'client',
    })
    expect((await refusal(signIn(who)))?.message).toMatch(
      /is verified\. For Microsoft Entra, .* xms_edov .* app registration \(Token configuration/,
    )
  })

  test('refuses users of other or no organizations with the same fault, and an audit entry', async () => {
    const { signIn, found, ada } = await provider({ domains: ['example.com'], role: 'viewer' })
    const eve = await found('eve@example.com', 'Other')
    const faults = [
      await refusal(signIn({ email: eve.email })),
      await refusal(signIn({ email: 'x@elsewhere.example' })),
    ]
    expect(faults[0]).toMatchObject({ code: 'forbidden' })
    expect(faults[1]).toEqual(faults[0])
    expect((await AuditLog.list(ada.ctx, { action: 'openid.finish' })).entries).toMatchObject([
      { result: 'denied' },
      { result: 'denied' },
    ])
    expect((await AuditLog.list(eve.ctx, { action: 'openid.finish' })).entries).toEqual([])
  })

  test('adds users of the configured domains only', async () => {
    const { signIn, ada } = await provider({ domains: ['Example.com'], role: 'viewer' })
    const ctx = await signIn({ email: 'new@example.com', name: 'New', subject: 'subject-2' })
    expect(ctx).toMatchObject({ orgId: ada.orgId, actor: { role: 'viewer' } })
    expect((await signIn({ email: 'new@example.com', subject: 'subject-2' })).actor.id).toBe(ctx.actor.id)
    for (const email of ['x@sub.example.com', 'x@notexample.com', 'x@example.com.evil.example'])
      await expect(signIn({ email })).rejects.toMatchObject({ code: 'forbidden' })
    expect((await Members.list(ada.ctx, {})).users).toMatchObject([
      { id: ada.userId },
      { id: ctx.actor.id, fullName: 'New', role: 'viewer', emailVerified: true },
    ])
  })

  test('is refused for another subject with the same address, and for a deactivated member', async () => {
    const { signIn, ada, join } = await provider()
    const bob = await join(ada, 'viewer')
    await signIn({ email: bob.email, subject: 'bob' })
    await expect(signIn({ email: bob.email, subject: 'another bob' })).rejects.toMatchObject({ code: 'forbidden' })
    await Members.deactivate(ada.ctx, { id: bob.userId })
    await expect(signIn({ email: bob.email, subject: 'bob' })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('of an organization without provider and of a missing one is the same not_found', async () => {
    const { anyone, found, ada } = await provider()
    const eve = await found('eve@example.com', 'Other')
    await OpenIdSignIn.remove(ada.ctx, {})
    const ids = [eve.orgId, ada.orgId, 'org_none', 'identity']
    const faults = await Promise.all(
      ids.map(async (organizationId) => await refusal(OpenIdSignIn.begin(anyone(), { organizationId, redirectUri }))),
    )
    expect(new Set(faults.map((fault) => JSON.stringify(fault))).size).toBe(1)
    expect(faults[0]).toMatchObject({ code: 'not_found' })
  })
})

describe('an invitation', () => {
  const email = 'guest@elsewhere.example'

  async function invited(role: 'viewer' | 'admin' = 'viewer') {
    const at = await provider({ domains: ['example.com'], role: 'viewer' })
    const { id } = await Invitations.create(at.ada.ctx, { email, role })
    await at.deliver()
    const status = async () =>
      (await Invitations.list(at.ada.ctx, {})).invitations.find((invitation) => invitation.id === id)?.status
    const redirectToProvider = async () =>
      await OpenIdSignIn.put(at.ada.ctx, { issuer, clientId: 'client', clientSecret, passwords: false })
    return { ...at, id, status, redirectToProvider, token: at.mailedTo(email) }
  }

  test.each(['viewer', 'admin'] as const)('as %s is accepted once by a sign-in with its address', async (role) => {
    const { signIn, status, ada, anyone, token } = await invited(role)
    const ctx = await signIn({ email, subject: 'guest', name: 'Guest' })
    expect(ctx).toMatchObject({ orgId: ada.orgId, actor: { role } })
    expect(await User.load(ctx, ctx.actor.id)).toMatchObject({
      email,
      fullName: 'Guest',
      emailVerified: true,
      openId: { issuer, subject: 'guest' },
    })
    expect((await Organization.load(ada.ctx)).adminIds).toEqual([
      ada.userId,
      ...(role === 'admin' ? [ctx.actor.id] : []),
    ])
    expect(await status()).toBe('accepted')
    expect((await signIn({ email, subject: 'guest' })).actor.id).toBe(ctx.actor.id)
    await expect(Invitations.accept(anyone(), { token, password })).rejects.toMatchObject({ code: 'invalid' })
  })

  test('takes precedence over the domain', async () => {
    const { signIn, ada } = await provider({ domains: ['example.com'], role: 'viewer' })
    await Invitations.create(ada.ctx, { email: 'new@example.com', role: 'devops' })
    expect((await signIn({ email: 'new@example.com' })).actor.role).toBe('devops')
  })

  test('that was revoked, expired or whose inviting user was deactivated is refused', async () => {
    const revoked = await invited()
    await Invitations.revoke(revoked.ada.ctx, { id: revoked.id })
    const expired = await invited()
    expired.pass(7 * 24 * 3600)
    const left = await invited()
    await User.edit(left.ada.ctx, left.ada.userId, () => ({ role: 'viewer' }))
    for (const { signIn } of [revoked, expired, left])
      await expect(signIn({ email })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test("takes no address from another organization by the provider's assertion alone", async () => {
    const { signIn, found, join, status } = await invited()
    const eve = await found('eve@example.com', 'Other')
    const guest = await join(eve, 'viewer', email)
    await Members.deactivate(eve.ctx, { id: guest.userId })
    await expect(signIn({ email })).rejects.toMatchObject({ code: 'forbidden' })
    expect(await status()).toBe('open')
    await expect(Members.reactivate(eve.ctx, { id: guest.userId })).resolves.toMatchObject({ isActive: true })
  })

  test('takes over an address once the mailed token was presented too', async () => {
    const { signIn, found, join, redirectToProvider, anyone, token, ada, status } = await invited()
    const eve = await found('eve@example.com', 'Other')
    const guest = await join(eve, 'viewer', email)
    await Members.deactivate(eve.ctx, { id: guest.userId })
    await redirectToProvider()
    expect(await refusal(Invitations.accept(anyone(), { token, password }))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('/v1/auth/oidc/'),
    })
    expect(await signIn({ email })).toMatchObject({ orgId: ada.orgId, actor: { role: 'viewer' } })
    expect(await status()).toBe('accepted')
  })
})

describe('the settings of a provider', () => {
  test('hide the secret, and keep it only for the same issuer and client', async () => {
    const { ada, runtime, seen, signIn } = await provider()
    const answers = [
      await OpenIdSignIn.get(ada.ctx, {}),
      await OpenIdSignIn.put(ada.ctx, {
        issuer,
        clientId: 'client',
        newUsers: { domains: ['example.com'], role: 'cfo' },
      }),
    ]
    expect(answers).toMatchObject([
      { hasClientSecret: true },
      { hasClientSecret: true, newUsers: { domains: ['example.com'] } },
    ])
    await signIn({ email: ada.email })
    expect(seen).toMatchObject([{ clientSecret }])
    expect(await OpenIdSignIn.put(ada.ctx, { issuer, clientId: 'other' })).toMatchObject({
      hasClientSecret: false,
      newUsers: null,
    })
    const kept = JSON.stringify([
      answers,
      await runtime.tables.organizations.all(ada.orgId),
      await runtime.tables.audit.all(ada.orgId),
    ])
    expect(kept).not.toContain(clientSecret)
  })

  test('are for admins only and cannot assign the role admin', async () => {
    const { ada, join } = await provider()
    const given = { issuer, clientId: 'client' }
    await expect(OpenIdSignIn.put((await join(ada, 'devops')).ctx, given)).rejects.toMatchObject({ code: 'forbidden' })
    const newUsers = { domains: ['example.com'], role: 'admin' as 'viewer' }
    await expect(OpenIdSignIn.put(ada.ctx, { ...given, newUsers })).rejects.toMatchObject({ code: 'invalid' })
    await expect(
      OpenIdSignIn.put(ada.ctx, { ...given, newUsers: { domains: ['com'], role: 'viewer' } }),
    ).rejects.toMatchObject({ code: 'invalid' })
  })
})
