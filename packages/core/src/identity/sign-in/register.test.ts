import * as Members from '../people/members.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Organization from '../../organization/organization.ts'
import { processes, watched } from '../../testing/processes.ts'
import * as Login from './login.ts'
import { register } from './register.ts'
import { password, refusal, world } from '../../testing/identity.ts'
import * as User from '../people/user.ts'

const given = { email: 'ada@example.com', password, companyName: 'Example', role: 'devops' as const }

/** A runtime of which it is known what is left in its tables. */
function ledger({ runtime }: ReturnType<typeof world>) {
  const held = new Set<string>()
  const tables = watched(runtime.tables, (noun, verb, orgId, id) => {
    if (verb !== 'acknowledge') held[verb === 'remove' ? 'delete' : 'add'](`${noun} ${orgId} ${id}`)
  })
  return { runtime: { ...runtime, tables }, left: () => [...held] }
}

/** The same request as often as it is asked: it makes the same ids each time. */
const repeated = (at: ReturnType<typeof world>) => async () => {
  let count = 0
  return await register({ ...at.anyone(), newId: (prefix) => `${prefix}_same${count++}` }, given)
}

describe('registration', () => {
  test('creates an organization and a signed-in admin, for every role in the company', async () => {
    const at = world()
    const made = await register(at.anyone(), { ...given, email: ' ADA@Example.com', fullName: 'Ada' })
    const ctx = await at.as(made.accessToken)
    expect(ctx).toMatchObject({ orgId: made.organizationId, actor: { id: made.userId, role: 'admin' } })
    expect(await Organization.load(ctx)).toMatchObject({ name: 'Example', tier: 'free', adminIds: [made.userId] })
    expect(await at.runtime.tables.users.all(ctx.orgId)).toMatchObject([
      { email: 'ada@example.com', emailVerified: false, persona: 'devops', fullName: 'Ada' },
    ])
    expect(await at.runtime.tables.audit.all(ctx.orgId)).toMatchObject([
      { action: 'auth.register', result: 'success', actorId: made.userId },
    ])
  })

  test('with a taken address of any organization is refused and leaves nothing behind', async () => {
    const at = world()
    await at.found()
    const { runtime, left } = ledger(at)
    await expect(
      register(at.anyone(undefined, runtime), { ...given, email: 'Ada@EXAMPLE.com', companyName: 'Other' }),
    ).rejects.toMatchObject({
      code: 'conflict',
      complaints: [{ path: 'email' }],
    })
    expect(left()).toEqual([])
    await at.deliver()
    expect(at.runtime.mails).toHaveLength(1)
  })

  test('succeeds for exactly one of several concurrent requests with one address', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const at = world()
        const { runtime, left } = ledger(at)
        const apart = processes(4, runtime, seed)
        const outcomes = await Promise.allSettled(
          apart.map(
            async (process, n) =>
              await register(at.anyone(undefined, process), { ...given, companyName: `Company ${n}` }),
          ),
        )
        const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
        expect(made).toHaveLength(1)
        expect(await at.as(made[0]?.accessToken ?? '')).toMatchObject({ orgId: made[0]?.organizationId })
        const noun = (name: string) => left().filter((line) => line.startsWith(`${name} `))
        expect(
          ['organizations', 'users', 'credentials', 'emails', 'sessions'].map((name) => noun(name).length),
        ).toEqual([1, 1, 1, 1, 1])
      }),
      { numRuns: 20 },
    )
  })

  test('retried with its key keeps later changes of the admin', async () => {
    const at = world()
    const again = repeated(at)
    const made = await again()
    const ctx = await at.as(made.accessToken)
    await Organization.update(ctx, { name: 'Renamed', requireSecondFactor: true })
    await User.edit(ctx, made.userId, () => ({ emailVerified: true, fullName: 'Ada' }))
    const before = [await Organization.load(ctx), await User.load(ctx, made.userId)]
    expect((await again()).userId).toBe(made.userId)
    expect([await Organization.load(ctx), await User.load(ctx, made.userId)]).toEqual(before)
    await Login.changePassword(ctx, { currentPassword: password, newPassword: 'another battery staple' })
    expect(await refusal(again())).toMatchObject({ code: 'unauthenticated' })
    await expect(
      Login.login(at.anyone(), { email: given.email, password: 'another battery staple' }),
    ).resolves.toMatchObject({ tokenType: 'Bearer', refreshToken: expect.stringMatching(/^cor_/) })
  })

  test('retried after the deactivation of its admin opens no session and removes nothing', async () => {
    const at = world()
    const again = repeated(at)
    const made = await again()
    const ctx = await at.as(made.accessToken)
    await User.edit(ctx, made.userId, () => ({ emailVerified: true }))
    const eve = await at.join({ ...made, email: given.email, orgId: made.organizationId, ctx }, 'admin')
    await Members.deactivate(eve.ctx, { id: made.userId })
    expect(await refusal(again())).toMatchObject({ code: 'conflict' })
    expect(await User.load(eve.ctx, made.userId)).toMatchObject({ isActive: false })
    expect(await Organization.load(eve.ctx)).toMatchObject({ adminIds: [eve.userId] })
  })

  test.each([
    [{ email: 'not an address' }, 'email'],
    [{ email: `${'x'.repeat(250)}@example.com` }, 'email'],
    [{ password: 'short' }, 'password'],
    [{ password: 'x'.repeat(257) }, 'password'],
    [{ companyName: ' ' }, 'companyName'],
    [{ role: 'admin' }, 'role'],
    [{ orgId: 'org_other' }, ''],
  ])('refuses %j', async (change, path) => {
    await expect(register(world().anyone(), { ...given, ...change } as typeof given)).rejects.toMatchObject({
      code: 'invalid',
      complaints: [{ path }],
    })
  })
})
