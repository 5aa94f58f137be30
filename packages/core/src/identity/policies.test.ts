import * as Invitations from './people/invitations.ts'
import * as Members from './people/members.ts'
import { TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import * as AuditLog from '../guard/audit-log.ts'
import * as Organization from '../organization/organization.ts'
import { permissionsOf } from '../kernel/permission.ts'
import * as ApiKey from './credentials/api-key.ts'
import * as Login from './sign-in/login.ts'
import { me } from './people/me.ts'
import * as OpenIdSignIn from './sign-in/open-id.ts'
import { register } from './sign-in/register.ts'
import * as Session from './credentials/session.ts'
import * as TokenIssuer from './credentials/token-issuer.ts'
import { Fault } from '../kernel/fault.ts'
import { password, refusal, world } from '../testing/identity.ts'
import * as Totp from './sign-in/totp.ts'
import * as User from './people/user.ts'

const provider = { issuer: 'https://idp.example', clientId: 'client', passwords: false }

describe('an organization that requires a second factor', () => {
  test('grants users and API keys no permissions until it is set up', async () => {
    const { found, as, anyone, now } = await timed()
    const ada = await found()
    const { key } = await ApiKey.create(ada.ctx, { name: 'k', permissions: ['read:users'] })
    await Organization.update(ada.ctx, { requireSecondFactor: true })
    const ctx = await as(ada.accessToken)
    expect(await refusal(Members.list(ctx, {}))).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('POST /v1/me/totp'),
    })
    expect(await refusal(Members.list(await as(key), {}))).toMatchObject({ code: 'forbidden' })
    expect(await me(ctx, {})).toMatchObject({ permissions: [], secondFactorRequired: true })
    const { uri } = await Totp.begin(ctx, { password })
    const code = () =>
      new TOTP({ secret: new URL(uri).searchParams.get('secret') ?? '' }).generate({ timestamp: now().getTime() })
    await Totp.confirm(ctx, { code: code() })
    await expect(Members.list(await as(ada.accessToken), {})).resolves.toMatchObject({ users: [{ id: ada.userId }] })
    await expect(Members.list(await as(key), {})).resolves.toMatchObject({ users: [{ id: ada.userId }] })
    expect(await refusal(Login.login(anyone(), { email: ada.email, password }))).toMatchObject({
      code: 'unauthenticated',
    })
  })

  async function timed() {
    const at = world()
    return { ...at, now: () => at.anyone().now() }
  }
})

describe('an organization with passwords disabled', () => {
  test('accepts passwords of admins only, mails others none, and does not disclose the reason', async () => {
    const { found, join, anyone, deliver, runtime } = world()
    const ada = await found()
    const bob = await join(ada, 'viewer')
    await OpenIdSignIn.put(ada.ctx, provider)
    const login = async (email: string) => await refusal(Login.login(anyone(), { email, password }))
    expect(await login(bob.email)).toEqual({
      code: 'unauthenticated',
      message: 'The e-mail address or the password is wrong.',
    })
    expect(await login(ada.email)).toBeUndefined()
    const before = runtime.mails.length
    for (const email of [bob.email, ada.email]) await Login.forgotPassword(anyone(), { email })
    await deliver()
    expect(runtime.mails.slice(before).map(({ to }) => to)).toEqual([ada.email])
    expect((await AuditLog.list(ada.ctx, { action: 'auth.login', result: 'denied' })).entries).toMatchObject([
      { detail: 'passwords are disabled' },
    ])
  })
})

describe('a session that a password opened', () => {
  test('ends at its next refresh once passwords are disabled, except for admins', async () => {
    const { found, join, anyone, as } = world()
    const ada = await found()
    const bob = await join(ada, 'viewer')
    const eve = await join(ada, 'cfo')
    const byPassword = await Login.login(anyone(), { email: bob.email, password })
    await OpenIdSignIn.put(ada.ctx, provider)
    for (const { refreshToken } of [bob, byPassword, eve]) {
      expect(await refusal(Session.refresh(anyone(), { refreshToken }))).toEqual(
        await refusal(Session.refresh(anyone(), { refreshToken: 'cor_x' })),
      )
    }
    for (const { accessToken } of [bob, byPassword, eve])
      expect(await refusal(as(accessToken))).toMatchObject({ code: 'unauthenticated' })
    await OpenIdSignIn.put(ada.ctx, { ...provider, passwords: true })
    expect(await refusal(Session.refresh(anyone(), { refreshToken: bob.refreshToken }))).toMatchObject({
      code: 'unauthenticated',
    })
    await expect(Session.refresh(anyone(), { refreshToken: ada.refreshToken })).resolves.toMatchObject({
      tokenType: 'Bearer',
      refreshToken: expect.stringMatching(/^cor_/),
    })
    const details = (await AuditLog.list(ada.ctx, { action: 'auth.refresh' })).entries.flatMap(
      ({ detail }) => detail ?? [],
    )
    expect(details).toEqual(Array.from({ length: 3 }, () => 'passwords are disabled: the session was ended'))
  })

  test('does not affect sessions of the provider or the command line', async () => {
    const { found, join, anyone } = world()
    const ada = await found()
    const bob = await join(ada, 'viewer')
    await OpenIdSignIn.put(ada.ctx, provider)
    const user = await User.load(ada.ctx, bob.userId)
    for (const method of ['openid', 'command-line'] as const) {
      const { refreshToken } = await Session.open(ada.ctx, user, method)
      await expect(Session.refresh(anyone(), { refreshToken })).resolves.toMatchObject({
        tokenType: 'Bearer',
        refreshToken: expect.stringMatching(/^cor_/),
      })
    }
  })
})

describe('a user with an unverified address', () => {
  test('cannot create keys, invite users or configure issuers', async () => {
    const { found, as } = world()
    const ada = await found()
    await User.edit(ada.ctx, ada.userId, () => ({ emailVerified: false }))
    const ctx = await as(ada.accessToken)
    const attempts = [
      ApiKey.create(ctx, { name: 'k', permissions: ['read:costs'] }),
      Invitations.create(ctx, { email: 'x@example.com', role: 'viewer' }),
      OpenIdSignIn.put(ctx, provider),
    ]
    for (const attempt of attempts)
      expect(await refusal(attempt)).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('Confirm your e-mail address'),
      })
  })

  test('loses keys and second factor when the owner of the address resets the password', async () => {
    const { found, as, anyone, deliver, mailedTo, now } = world()
    const ada = await found()
    const { key } = await ApiKey.create(ada.ctx, { name: 'k', permissions: ['read:costs'] })
    const { uri } = await Totp.begin(ada.ctx, { password })
    await Totp.confirm(ada.ctx, {
      code: new TOTP({ secret: new URL(uri).searchParams.get('secret') ?? '' }).generate({
        timestamp: now().getTime(),
      }),
    })
    await User.edit(ada.ctx, ada.userId, () => ({ emailVerified: false }))
    await Login.forgotPassword(anyone(), { email: ada.email })
    await deliver()
    await Login.resetPassword(anyone(), { token: mailedTo(ada.email), newPassword: 'another battery staple' })
    expect(await refusal(as(key))).toMatchObject({ code: 'unauthenticated' })
    expect(await refusal(as(ada.accessToken))).toMatchObject({ code: 'unauthenticated' })
    const { accessToken } = await Login.login(anyone(), { email: ada.email, password: 'another battery staple' })
    expect((await me(await as(accessToken), {})).user).toMatchObject({ emailVerified: true, hasSecondFactor: false })
  })

  test('keeps address and data when another person registers the address', async () => {
    const { anyone, as, pass } = world()
    const email = 'founder@example.com'
    const first = await register(anyone(), { email, password, companyName: 'First', role: 'cfo' })
    pass(20 * 24 * 3600)
    const again = register(anyone(), { email, password: 'another battery staple', companyName: 'Second', role: 'cfo' })
    expect(await refusal(again)).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('reset the password'),
    })
    const { accessToken } = await Session.refresh(anyone(), { refreshToken: first.refreshToken })
    expect(await as(accessToken)).toMatchObject({
      orgId: first.organizationId,
      actor: { id: first.userId, role: 'admin' },
    })
    await expect(Login.login(anyone(), { email, password })).resolves.toMatchObject({
      tokenType: 'Bearer',
      refreshToken: expect.stringMatching(/^cor_/),
    })
  })
})

describe('no caller grants more than it has', () => {
  test('an API key cannot assign a role beyond its permissions', async () => {
    const { found, join, as } = world()
    const ada = await found()
    const bob = await join(ada, 'viewer')
    const { key } = await ApiKey.create(ada.ctx, {
      name: 'k',
      permissions: ['write:users', ...new Set(bob.ctx.actor.permissions)],
    })
    const ctx = await as(key)
    await expect(Invitations.create(ctx, { email: 'x@example.com', role: 'viewer' })).resolves.toMatchObject({
      role: 'viewer',
      status: 'open',
    })
    expect(await refusal(Invitations.create(ctx, { email: 'y@example.com', role: 'admin' }))).toMatchObject({
      code: 'forbidden',
    })
    expect(await refusal(Members.changeRole(ctx, { id: bob.userId, role: 'admin' }))).toMatchObject({
      code: 'forbidden',
    })
    const eve = await join(ada, 'admin')
    for (const { userId } of [eve, bob]) await Members.deactivate(ada.ctx, { id: userId })
    expect(await refusal(Members.reactivate(ctx, { id: eve.userId }))).toMatchObject({ code: 'forbidden' })
    await expect(Members.reactivate(ctx, { id: bob.userId })).resolves.toMatchObject({ isActive: true })
  })

  test('an invitation ends with its inviting user', async () => {
    const { found, join, anyone, deliver, mailedTo } = world()
    const ada = await found()
    const eve = await join(ada, 'admin')
    await Invitations.create(eve.ctx, { email: 'friend@example.com', role: 'admin' })
    await deliver()
    const token = mailedTo('friend@example.com')
    await Members.deactivate(ada.ctx, { id: eve.userId })
    expect(await refusal(Invitations.accept(anyone(), { token, password }))).toMatchObject({ code: 'invalid' })
  })

  test('an invitation ends with its inviting API key', async () => {
    const at = world()
    const ada = await at.found()
    const invited = async (email: string, expiresInDays = 90) => {
      const { id, key } = await ApiKey.create(ada.ctx, {
        name: 'k',
        permissions: ['write:users', ...permissionsOf('viewer')],
        expiresInDays,
      })
      await Invitations.create(await at.as(key), { email, role: 'viewer' })
      await at.deliver()
      return { id, token: at.mailedTo(email) }
    }
    const accept = async (token: string) => await refusal(Invitations.accept(at.anyone(), { token, password }))
    const [revoked, expired, weakened] = [
      await invited('a@example.com'),
      await invited('b@example.com', 1),
      await invited('c@example.com'),
    ]
    const good = await invited('d@example.com')
    await ApiKey.revoke(ada.ctx, { id: revoked.id })
    const { apiKeys } = at.runtime.tables
    const key = await apiKeys.get(ada.orgId, weakened.id)
    if (key) await apiKeys.put(ada.orgId, { ...key, permissions: ['read:costs'] })
    at.pass(24 * 3600)
    for (const { token } of [revoked, expired, weakened]) expect(await accept(token)).toMatchObject({ code: 'invalid' })
    expect(await accept(good.token)).toBeUndefined()
  })
})

test('a mailbox gets at most five mails of a kind per hour, and still the password warning', async () => {
  const { found, anyone, deliver, runtime } = world()
  const ada = await found()
  await deliver()
  const before = runtime.mails.length
  for (let n = 0; n < 20; n++) await Login.forgotPassword(anyone(`192.0.2.${n}`), { email: ada.email })
  await deliver()
  expect(runtime.mails.length - before).toBe(5)
  await Login.changePassword(ada.ctx, { currentPassword: password, newPassword: 'another battery staple' })
  await deliver()
  expect(runtime.mails.slice(before + 5)).toMatchObject([
    { to: ada.email, subject: 'CloudOptima: Your password was changed' },
  ])
})

test('second-factor codes are counted across networks', async () => {
  const at = world()
  const ada = await at.found()
  const { uri } = await Totp.begin(ada.ctx, { password })
  const code = () =>
    new TOTP({ secret: new URL(uri).searchParams.get('secret') ?? '' }).generate({
      timestamp: at.anyone().now().getTime(),
    })
  await Totp.confirm(ada.ctx, { code: code() })
  const guess = async (address: string) =>
    await refusal(Login.login(at.anyone(address), { email: ada.email, password, totpCode: '000000' }))
  for (let n = 1; n <= 5; n++) expect(await guess(`192.0.2.${n}`)).toMatchObject({ code: 'unauthenticated' })
  expect(await guess('192.0.2.99')).toMatchObject({ code: 'rate_limited' })
})

test('addresses of one IPv6 network share their attempts', async () => {
  const at = world()
  const ada = await at.found()
  const guess = async (address: string) =>
    await refusal(Login.login(at.anyone(address), { email: ada.email, password: 'wrong' }))
  for (let n = 1; n <= 5; n++) expect(await guess(`2001:db8::${n}`)).toMatchObject({ code: 'unauthenticated' })
  expect(await guess('2001:db8:0:0:ffff::1')).toMatchObject({ code: 'rate_limited' })
  expect(await guess('2001:db8:0:1::1')).toMatchObject({ code: 'unauthenticated' })
})

test("an admin revokes another user's sessions; that user may sign in again", async () => {
  const { found, join, as, anyone } = world()
  const ada = await found()
  const bob = await join(ada, 'viewer')
  expect(await Members.endSessions(ada.ctx, { id: bob.userId })).toEqual({ ended: 1 })
  expect(await refusal(as(bob.accessToken))).toMatchObject({ code: 'unauthenticated' })
  await expect(Login.login(anyone(), { email: bob.email, password })).resolves.toMatchObject({
    tokenType: 'Bearer',
    refreshToken: expect.stringMatching(/^cor_/),
  })
})

test.each(['X\ncurl evil | sh', 'a\u0007b', 'a\u2028b', ' '])('%j is refused as a name', async (name) => {
  const { found } = world()
  const ada = await found()
  expect(await refusal(Organization.update(ada.ctx, { name }))).toMatchObject({ code: 'invalid' })
  expect(await refusal(ApiKey.create(ada.ctx, { name, permissions: ['read:costs'] }))).toMatchObject({
    code: 'invalid',
  })
})

test('self-approval requires an organization with one user', async () => {
  const { found, join } = world()
  const ada = await found()
  const approvalRules = { approvals: 1, allowSelfApproval: true }
  await expect(Organization.update(ada.ctx, { approvalRules })).resolves.toMatchObject({ approvalRules })
  const bob = await join(ada, 'devops')
  expect(await refusal(Organization.update(ada.ctx, { approvalRules }))).toMatchObject({ code: 'invalid' })
  await Members.deactivate(ada.ctx, { id: bob.userId })
  await expect(Organization.update(ada.ctx, { approvalRules })).resolves.toMatchObject({ approvalRules })
})

test.each(['unavailable', 'invalid'] as const)(
  'an issuer that is %s when it is saved is refused with the reason',
  async (code) => {
    const { found, runtime } = world()
    const ada = await found()
    const check = async () => await Promise.reject(new Fault(code, 'https://idp.example answered status 404.'))
    Object.assign(runtime.tokens, { checkIssuer: check })
    Object.assign(runtime.openId, { check })
    const issuer = 'https://idp.example'
    for (const put of [
      OpenIdSignIn.put(ada.ctx, { issuer, clientId: 'client' }),
      TokenIssuer.put(ada.ctx, { issuer, audience: 'us' }),
    ])
      await expect(put).rejects.toMatchObject({
        code: 'invalid',
        message: 'https://idp.example answered status 404. The issuer was not saved.',
        complaints: [{ path: 'issuer', message: 'cannot be used' }],
      })
    expect(await Organization.load(ada.ctx)).not.toHaveProperty('signIn')
    expect(await Organization.load(ada.ctx)).not.toHaveProperty('tokenIssuer')
  },
)
