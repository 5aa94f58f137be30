import * as Invitations from './invitations.ts'
import * as Members from './members.ts'
import fc from 'fast-check'
import { TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import * as Organization from '../../organization/organization.ts'
import type { Runtime } from '../../effects/runtime.ts'
import { eachTable, killedAt, processes } from '../../testing/processes.ts'
import * as Login from '../sign-in/login.ts'
import * as OpenIdSignIn from '../sign-in/open-id.ts'
import { password, refusal, world } from '../../testing/identity.ts'
import * as Totp from '../sign-in/totp.ts'
import * as User from './user.ts'
import { over } from '../../testing/runtime.ts'

const email = 'bob@example.com'

async function invited(role: 'viewer' | 'admin' = 'viewer') {
  const at = world()
  const ada = await at.found()
  const { id } = await Invitations.create(ada.ctx, { email, role })
  await at.deliver()
  return { ...at, ada, id, token: at.mailedTo(email) }
}
const statuses = async (at: Awaited<ReturnType<typeof invited>>) =>
  (await Invitations.list(at.ada.ctx, {})).invitations.map(({ status }) => status)

describe('an invitation', () => {
  test('creates a member with its role and a verified address', async () => {
    const at = await invited()
    const made = await Invitations.accept(at.anyone(), { token: at.token, password, fullName: 'Bob' })
    expect(await at.as(made.accessToken)).toMatchObject({ orgId: at.ada.orgId, actor: { role: 'viewer' } })
    expect(await Members.get(at.ada.ctx, { id: made.userId })).toMatchObject({
      email,
      emailVerified: true,
      fullName: 'Bob',
      role: 'viewer',
    })
    expect(await statuses(at)).toEqual(['accepted'])
  })

  test('as admin creates a counted admin', async () => {
    const { ada, join } = await invited()
    const eve = await join(ada, 'admin', 'eve@example.com')
    expect((await Organization.load(ada.ctx)).adminIds).toEqual([ada.userId, eve.userId])
  })

  test('is accepted once among concurrent attempts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const at = await invited()
        const outcomes = await Promise.all(
          processes(4, at.runtime, seed).map(
            async (process) =>
              await refusal(Invitations.accept(at.anyone(undefined, process), { token: at.token, password })),
          ),
        )
        expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
        expect((await Members.list(at.ada.ctx, {})).users).toHaveLength(2)
        await expect(Invitations.accept(at.anyone(), { token: at.token, password })).rejects.toMatchObject({
          code: 'invalid',
        })
      }),
      { numRuns: 15 },
    )
  })

  test('revoked and accepted concurrently has one outcome', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const at = await invited()
        const [one, two] = processes(2, at.runtime, seed)
        const accepted = refusal(Invitations.accept(at.anyone(undefined, one), { token: at.token, password }))
        const revoked = refusal(Invitations.revoke(over(at.ada.ctx, two ?? at.runtime), { id: at.id }))
        const isIn = (await accepted) === undefined
        expect((await revoked) === undefined).toBe(!isIn)
        expect((await Members.list(at.ada.ctx, {})).users).toHaveLength(isIn ? 2 : 1)
      }),
      { numRuns: 20 },
    )
  })

  test('is refused once revoked, expired or mailed anew', async () => {
    const revoked = await invited()
    await Invitations.revoke(revoked.ada.ctx, { id: revoked.id })
    const expired = await invited()
    expired.pass(7 * 24 * 3600)
    for (const at of [revoked, expired])
      await expect(Invitations.accept(at.anyone(), { token: at.token, password })).rejects.toMatchObject({
        code: 'invalid',
      })
    expect([await statuses(revoked), await statuses(expired)]).toEqual([['revoked'], ['expired']])
  })

  test('is refused for an address of another account, and stays open', async () => {
    const at = await invited()
    const elsewhere = await at.found(email, 'Other')
    const before = await Organization.load(elsewhere.ctx)
    await expect(Invitations.accept(at.anyone(), { token: at.token, password })).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await statuses(at)).toEqual(['open'])
    expect((await Members.list(at.ada.ctx, {})).users).toHaveLength(1)
    await expect(at.as(elsewhere.accessToken)).resolves.toMatchObject({ orgId: elsewhere.orgId })
    expect(await Organization.load(elsewhere.ctx)).toEqual(before)
  })

  test('does not disclose accounts of other organizations', async () => {
    const at = await invited()
    await at.found('eve@example.com', 'Other')
    const known = await Invitations.create(at.ada.ctx, { email: 'eve@example.com', role: 'viewer' })
    const unknown = await Invitations.create(at.ada.ctx, { email: 'new@example.com', role: 'viewer' })
    expect({ ...known, id: '', email: '' }).toEqual({ ...unknown, id: '', email: '' })
    await expect(Invitations.create(at.ada.ctx, { email: 'ADA@example.com', role: 'viewer' })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('requires an admin with a verified address', async () => {
    const { ada, join } = await invited()
    const cfo = await join(ada, 'cfo')
    await expect(Invitations.create(cfo.ctx, { email: 'new@example.com', role: 'viewer' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await User.edit(ada.ctx, ada.userId, () => ({ emailVerified: false }))
    await expect(Invitations.create(ada.ctx, { email: 'new@example.com', role: 'viewer' })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('of another organization is not found', async () => {
    const at = await invited()
    const other = await at.found('eve@example.com', 'Other')
    await expect(Invitations.revoke(other.ctx, { id: at.id })).rejects.toMatchObject({ code: 'not_found' })
    expect((await Invitations.list(other.ctx, {})).invitations).toEqual([])
    expect(JSON.stringify(await Invitations.list(at.ada.ctx, {}))).not.toContain('hash')
  })

  test('refuses a common password, and stays open', async () => {
    const at = await invited()
    await expect(Invitations.accept(at.anyone(), { token: at.token, password: 'password123' })).rejects.toMatchObject({
      code: 'invalid',
    })
    await expect(Invitations.accept(at.anyone(), { token: at.token, password })).resolves.toMatchObject({
      organizationId: at.ada.orgId,
    })
  })
})

describe('an acceptance retried with its key', () => {
  /** The same request as often as it is asked: it makes the same ids each time. */
  const repeated = (at: ReturnType<typeof world>, token: string) => async (runtime?: Runtime) => {
    let count = 0
    return await Invitations.accept(
      { ...at.anyone(undefined, runtime), newId: (prefix) => `${prefix}_same${count++}` },
      { token, password },
    )
  }

  test('completes after any interruption', async () => {
    for (let writes = 0; ; writes++) {
      const at = await invited('admin')
      const again = repeated(at, at.token)
      const left = { left: writes }
      const tables = eachTable(at.runtime.tables, (table) => killedAt(table, left))
      const isDone = (await refusal(again({ ...at.runtime, tables }))) === undefined
      at.pass(31)
      const made = await again()
      expect(await at.as(made.accessToken)).toMatchObject({
        orgId: at.ada.orgId,
        actor: { id: made.userId, role: 'admin' },
      })
      expect((await Members.list(at.ada.ctx, {})).users).toHaveLength(2)
      expect((await Organization.load(at.ada.ctx)).adminIds).toEqual([at.ada.userId, made.userId])
      expect(await statuses(at)).toEqual(['accepted'])
      if (isDone) break
    }
  })

  test('does not restore a former role', async () => {
    const at = await invited('admin')
    const again = repeated(at, at.token)
    const { userId } = await again()
    await Members.changeRole(at.ada.ctx, { id: userId, role: 'viewer' })
    const { accessToken } = await again()
    expect((await at.as(accessToken)).actor.role).toBe('viewer')
    expect((await Organization.load(at.ada.ctx)).adminIds).toEqual([at.ada.userId])
  })

  test('is refused after a deactivation', async () => {
    const at = await invited()
    const again = repeated(at, at.token)
    const { userId } = await again()
    await Members.deactivate(at.ada.ctx, { id: userId })
    expect(await refusal(again())).toMatchObject({ code: 'invalid' })
    expect(await Members.get(at.ada.ctx, { id: userId })).toMatchObject({ isActive: false })
    expect(await statuses(at)).toEqual(['accepted'])
  })

  test('restores no former password, opens no session with it, and keeps the second factor', async () => {
    const at = await invited()
    const again = repeated(at, at.token)
    const made = await again()
    const ctx = await at.as(made.accessToken)
    await Login.changePassword(ctx, { currentPassword: password, newPassword: 'another battery staple' })
    const { uri } = await Totp.begin(ctx, { password: 'another battery staple' })
    await Totp.confirm(ctx, {
      code: new TOTP({ secret: new URL(uri).searchParams.get('secret') ?? '' }).generate({
        timestamp: at.now().getTime(),
      }),
    })
    const before = await User.credentialsOf(ctx, made.userId)
    expect(await refusal(again())).toMatchObject({ code: 'unauthenticated' })
    expect(await User.credentialsOf(ctx, made.userId)).toEqual(before)
  })
})

describe('an invitation of an organization with passwords disabled', () => {
  const provider = { issuer: 'https://idp.example', clientId: 'client', passwords: false }

  test('opens no session, names the sign-in URL, and stays open', async () => {
    const at = await invited()
    await OpenIdSignIn.put(at.ada.ctx, provider)
    const said = await refusal(Invitations.accept(at.anyone(), { token: at.token, password }))
    expect(said).toMatchObject({ code: 'conflict', message: expect.stringContaining(`/v1/auth/oidc/${at.ada.orgId}`) })
    expect(await statuses(at)).toEqual(['open'])
    expect((await Members.list(at.ada.ctx, {})).users).toHaveLength(1)
    expect(JSON.stringify(await Invitations.list(at.ada.ctx, {}))).not.toContain('isProven')
  })

  test('is accepted with a password by an admin', async () => {
    const at = await invited('admin')
    await OpenIdSignIn.put(at.ada.ctx, provider)
    await expect(Invitations.accept(at.anyone(), { token: at.token, password })).resolves.toMatchObject({
      organizationId: at.ada.orgId,
    })
  })

  test("is mailed with the sign-in's URL", async () => {
    const at = await invited()
    await OpenIdSignIn.put(at.ada.ctx, provider)
    await Invitations.create(at.ada.ctx, { email: 'new@example.com', role: 'viewer' })
    await at.deliver()
    expect(at.runtime.mails.at(-1)?.text).toContain(`https://example.com/v1/auth/oidc/${at.ada.orgId}\n`)
  })
})
