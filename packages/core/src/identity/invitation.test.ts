import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Organization from '../organization.ts'
import { processes } from '../testing-processes.ts'
import * as Invitation from './invitation.ts'
import { password, refusal, world } from './testing.ts'
import * as User from './user.ts'

const email = 'bob@example.com'

async function invited(role: 'viewer' | 'admin' = 'viewer') {
  const at = world()
  const ada = await at.found()
  const { id } = await Invitation.create(ada.ctx, { email, role })
  await at.deliver()
  return { ...at, ada, id, token: at.mailedTo(email) }
}
const statuses = async (at: Awaited<ReturnType<typeof invited>>) => (await Invitation.list(at.ada.ctx, {})).invitations.map(({ status }) => status)

describe('an invitation', () => {
  test('makes a member with its role, whose address is proven by it', async () => {
    const at = await invited()
    const made = await Invitation.accept(at.anyone(), { token: at.token, password, fullName: 'Bob' })
    expect(await at.as(made.accessToken)).toMatchObject({ orgId: at.ada.orgId, actor: { role: 'viewer' } })
    expect(await User.get(at.ada.ctx, { id: made.userId })).toMatchObject({ email, emailVerified: true, fullName: 'Bob', role: 'viewer' })
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
          processes(4, at.runtime, seed).map(async (process) => await refusal(Invitation.accept(at.anyone(undefined, process), { token: at.token, password }))),
        )
        expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
        expect((await User.list(at.ada.ctx, {})).users).toHaveLength(2)
        await expect(Invitation.accept(at.anyone(), { token: at.token, password })).rejects.toMatchObject({ code: 'invalid' })
      }),
      { numRuns: 15 },
    )
  })

  test('that is taken back while it is accepted ends one way, for both', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const at = await invited()
        const [one, two] = processes(2, at.runtime, seed)
        const accepted = refusal(Invitation.accept(at.anyone(undefined, one), { token: at.token, password }))
        const revoked = refusal(Invitation.revoke({ ...at.ada.ctx, runtime: two ?? at.runtime }, { id: at.id }))
        const isIn = (await accepted) === undefined
        expect((await revoked) === undefined).toBe(!isIn)
        expect((await User.list(at.ada.ctx, {})).users).toHaveLength(isIn ? 2 : 1)
      }),
      { numRuns: 20 },
    )
  })

  test('is not good once it is taken back, or a week old, or another one was mailed for it', async () => {
    const revoked = await invited()
    await Invitation.revoke(revoked.ada.ctx, { id: revoked.id })
    const expired = await invited()
    expired.pass(7 * 24 * 3600)
    for (const at of [revoked, expired]) await expect(Invitation.accept(at.anyone(), { token: at.token, password })).rejects.toMatchObject({ code: 'invalid' })
    expect([await statuses(revoked), await statuses(expired)]).toEqual([['revoked'], ['expired']])
  })

  test('of somebody who has an account elsewhere is refused, and stays open', async () => {
    const at = await invited()
    const elsewhere = await at.found(email, 'Other')
    await expect(Invitation.accept(at.anyone(), { token: at.token, password })).rejects.toMatchObject({ code: 'conflict' })
    expect(await statuses(at)).toEqual(['open'])
    expect((await User.list(at.ada.ctx, {})).users).toHaveLength(1)
    await expect(at.as(elsewhere.accessToken)).resolves.toMatchObject({ orgId: elsewhere.orgId })
  })

  test('tells nobody whether somebody is with another company', async () => {
    const at = await invited()
    await at.found('eve@example.com', 'Other')
    const known = await Invitation.create(at.ada.ctx, { email: 'eve@example.com', role: 'viewer' })
    const unknown = await Invitation.create(at.ada.ctx, { email: 'new@example.com', role: 'viewer' })
    expect({ ...known, id: '', email: '' }).toEqual({ ...unknown, id: '', email: '' })
    await expect(Invitation.create(at.ada.ctx, { email: 'ADA@example.com', role: 'viewer' })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('is made by an admin alone, whose own address is confirmed', async () => {
    const { ada, join } = await invited()
    const cfo = await join(ada, 'cfo')
    await expect(Invitation.create(cfo.ctx, { email: 'new@example.com', role: 'viewer' })).rejects.toMatchObject({ code: 'forbidden' })
    await User.edit(ada.ctx, ada.userId, () => ({ emailVerified: false }))
    await expect(Invitation.create(ada.ctx, { email: 'new@example.com', role: 'viewer' })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('of another organisation is not found', async () => {
    const at = await invited()
    const other = await at.found('eve@example.com', 'Other')
    await expect(Invitation.revoke(other.ctx, { id: at.id })).rejects.toMatchObject({ code: 'not_found' })
    expect((await Invitation.list(other.ctx, {})).invitations).toEqual([])
    expect(JSON.stringify(await Invitation.list(at.ada.ctx, {}))).not.toContain('hash')
  })

  test('takes no password that is common, and stays open', async () => {
    const at = await invited()
    await expect(Invitation.accept(at.anyone(), { token: at.token, password: 'password123' })).rejects.toMatchObject({ code: 'invalid' })
    await expect(Invitation.accept(at.anyone(), { token: at.token, password })).resolves.toBeDefined()
  })
})
