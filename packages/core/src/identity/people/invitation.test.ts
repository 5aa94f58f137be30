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
  test('makes a member with its role, whose address is proven by it', async () => {
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

  test('as admin makes one who counts as such', async () => {
    const { ada, join } = await invited()
    const eve = await join(ada, 'admin', 'eve@example.com')
    expect((await Organization.load(ada.ctx)).adminIds).toEqual([ada.userId, eve.userId])
  })

  test('is accepted once, of many at once', async () => {
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

  test('that is taken back while it is accepted ends one way, for both', async () => {
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

  test('is not good once it is taken back, or a week old, or another one was mailed for it', async () => {
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

  test('of somebody who has an account elsewhere is refused, and stays open', async () => {
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

  test('tells nobody whether somebody is with another company', async () => {
    const at = await invited()
    await at.found('eve@example.com', 'Other')
    const known = await Invitations.create(at.ada.ctx, { email: 'eve@example.com', role: 'viewer' })
    const unknown = await Invitations.create(at.ada.ctx, { email: 'new@example.com', role: 'viewer' })
    expect({ ...known, id: '', email: '' }).toEqual({ ...unknown, id: '', email: '' })
    await expect(Invitations.create(at.ada.ctx, { email: 'ADA@example.com', role: 'viewer' })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('is made by an admin alone, whose own address is confirmed', async () => {
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

  test('takes no password that is common, and stays open', async () => {
    const at = await invited()
    await expect(Invitations.accept(at.anyone(), { token: at.token, password: 'password123' })).rejects.toMatchObject({
      code: 'invalid',
    })
    await expect(Invitations.accept(at.anyone(), { token: at.token, password })).resolves.toBeDefined()
  })
})

describe('an acceptance that is carried out again with its key', () => {
  /** The same request as often as it is asked: it makes the same ids each time. */
  const repeated = (at: ReturnType<typeof world>, token: string) => async (runtime?: Runtime) => {
    let count = 0
    return await Invitations.accept(
      { ...at.anyone(undefined, runtime), newId: (prefix) => `${prefix}_same${count++}` },
      { token, password },
    )
  }

  test('finishes what is missing, wherever it was cut off', async () => {
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

  test('gives nobody back the role that they lost since', async () => {
    const at = await invited('admin')
    const again = repeated(at, at.token)
    const { userId } = await again()
    await Members.changeRole(at.ada.ctx, { id: userId, role: 'viewer' })
    const { accessToken } = await again()
    expect((await at.as(accessToken)).actor.role).toBe('viewer')
    expect((await Organization.load(at.ada.ctx)).adminIds).toEqual([at.ada.userId])
  })

  test('does not let in who was deactivated since', async () => {
    const at = await invited()
    const again = repeated(at, at.token)
    const { userId } = await again()
    await Members.deactivate(at.ada.ctx, { id: userId })
    expect(await refusal(again())).toMatchObject({ code: 'invalid' })
    expect(await Members.get(at.ada.ctx, { id: userId })).toMatchObject({ isActive: false })
    expect(await statuses(at)).toEqual(['accepted'])
  })

  test('neither brings the first password back nor signs in with it, and takes no second factor away', async () => {
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

describe('an invitation of an organization that leaves signing in to its provider', () => {
  const provider = { issuer: 'https://idp.example', clientId: 'client', passwords: false }

  test('opens no session: it says where to sign in, and stays open for that', async () => {
    const at = await invited()
    await OpenIdSignIn.put(at.ada.ctx, provider)
    const said = await refusal(Invitations.accept(at.anyone(), { token: at.token, password }))
    expect(said).toMatchObject({ code: 'conflict', message: expect.stringContaining(`/v1/auth/oidc/${at.ada.orgId}`) })
    expect(await statuses(at)).toEqual(['open'])
    expect((await Members.list(at.ada.ctx, {})).users).toHaveLength(1)
    expect(JSON.stringify(await Invitations.list(at.ada.ctx, {}))).not.toContain('isProven')
  })

  test('is accepted with a password by an admin, who keeps a way in when the provider fails', async () => {
    const at = await invited('admin')
    await OpenIdSignIn.put(at.ada.ctx, provider)
    await expect(Invitations.accept(at.anyone(), { token: at.token, password })).resolves.toBeDefined()
  })

  test('is mailed with the address of that sign-in', async () => {
    const at = await invited()
    await OpenIdSignIn.put(at.ada.ctx, provider)
    await Invitations.create(at.ada.ctx, { email: 'new@example.com', role: 'viewer' })
    await at.deliver()
    expect(at.runtime.mails.at(-1)?.text).toContain(`https://example.com/v1/auth/oidc/${at.ada.orgId}\n`)
  })
})
