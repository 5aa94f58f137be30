import * as Members from './members.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as AuditLog from '../../guard/audit-log.ts'
import * as Organization from '../../organization/organization.ts'
import { permissionsOf, roles } from '../../kernel/permission.ts'
import { processes } from '../../testing/processes.ts'
import { type Person, refresh, refusal, world } from '../../testing/identity.ts'
import { me, updateMe } from './me.ts'
import * as User from './user.ts'
import { over } from '../../testing/runtime.ts'

async function company() {
  const at = world()
  const ada = await at.found()
  return { ...at, ada }
}

async function activeAdmins({ ctx }: Person): Promise<string[]> {
  return (await ctx.runtime.tables.users.all(ctx.orgId))
    .filter(({ role, isActive }) => role === 'admin' && isActive)
    .map(({ id }) => id)
}

describe('the last admin', () => {
  test('can be neither demoted nor deactivated, by others or themselves', async () => {
    const { ada, join } = await company()
    await expect(Members.changeRole(ada.ctx, { id: ada.userId, role: 'viewer' })).rejects.toMatchObject({
      code: 'conflict',
    })
    await expect(Members.deactivate(ada.ctx, { id: ada.userId })).rejects.toMatchObject({ code: 'conflict' })
    const eve = await join(ada, 'admin')
    await expect(Members.deactivate(eve.ctx, { id: eve.userId })).rejects.toMatchObject({ code: 'conflict' })
    await Members.deactivate(eve.ctx, { id: ada.userId })
    await expect(Members.changeRole(eve.ctx, { id: eve.userId, role: 'cfo' })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('remains when two admins demote or deactivate each other concurrently', async () => {
    const act = fc.constantFrom<(by: Person, whom: Person) => Promise<unknown>>(
      async ({ ctx }, { userId: id }) => await Members.changeRole(ctx, { id, role: 'viewer' }),
      async ({ ctx }, { userId: id }) => await Members.deactivate(ctx, { id }),
    )
    await fc.assert(
      fc.asyncProperty(fc.integer(), act, act, async (seed, one, other) => {
        const { ada, join, runtime } = await company()
        const eve = await join(ada, 'admin')
        const at = processes(2, runtime, seed).map(
          (process, i) => ({ ...[ada, eve][i], ctx: over((i ? eve : ada).ctx, process) }) as Person,
        )
        const [left, right] = at as [Person, Person]
        const outcomes = await Promise.all([refusal(one(left, right)), refusal(other(right, left))])
        expect(outcomes.map((fault) => fault?.code).toSorted()).toEqual(['conflict', undefined])
        expect(await activeAdmins(ada)).toHaveLength(1)
      }),
      { numRuns: 40 },
    )
  })

  test('can change again 30 s after a process was killed holding the lock', async () => {
    const { ada, join, pass } = await company()
    const eve = await join(ada, 'admin')
    void Members.withUserLock(ada.ctx, async () => await new Promise(() => undefined))
    await new Promise((wake) => setImmediate(wake))
    const change = async () => await Members.changeRole(ada.ctx, { id: eve.userId, role: 'viewer' })
    await expect(change()).rejects.toMatchObject({ code: 'conflict', retryAfterSeconds: 1 })
    pass(30)
    await expect(change()).resolves.toMatchObject({ role: 'viewer' })
  })

  test('remains after any concurrent changes, and only admins are counted', async () => {
    const deed = fc.record({
      by: fc.nat(2),
      whom: fc.nat(2),
      what: fc.constantFrom('admin' as const, 'viewer' as const, 'deactivate' as const, 'reactivate' as const),
    })
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(deed, { minLength: 2, maxLength: 6 }), async (seed, deeds) => {
        const { ada, join, runtime } = await company()
        const people = [ada, await join(ada, 'admin'), await join(ada, 'viewer')]
        const at = processes(deeds.length, runtime, seed)
        const done = deeds.map(async ({ by, whom, what }, i) => {
          const actor = { ...ada.ctx.actor, id: people[by]?.userId ?? '' }
          const ctx = over({ ...ada.ctx, actor }, at[i] ?? runtime)
          const id = people[whom]?.userId ?? ''
          if (what === 'deactivate') await Members.deactivate(ctx, { id })
          else if (what === 'reactivate') await Members.reactivate(ctx, { id })
          else await Members.changeRole(ctx, { id, role: what })
        })
        await Promise.allSettled(done)
        expect(await Organization.load(ada.ctx)).not.toMatchObject({ usersHeldUntil: expect.any(String) as unknown })
        const admins = await activeAdmins(ada)
        expect(admins.length).toBeGreaterThan(0)
        expect(admins).toEqual(expect.arrayContaining((await Organization.load(ada.ctx)).adminIds))
      }),
      { numRuns: 150 },
    )
  })
})

describe('a role', () => {
  test('applies at once: permissions of existing tokens shrink', async () => {
    const { ada, join, as } = await company()
    const bob = await join(ada, 'devops')
    for (const role of roles) {
      await Members.changeRole(ada.ctx, { id: bob.userId, role })
      const { actor } = await as(bob.accessToken)
      expect(actor.role).toBe(role)
      expect(new Set(actor.permissions)).toEqual(permissionsOf(role).intersection(permissionsOf('devops')))
    }
  })

  test('with more permissions applies with the next token', async () => {
    const { ada, join, as, anyone } = await company()
    const bob = await join(ada, 'viewer')
    await Members.changeRole(ada.ctx, { id: bob.userId, role: 'admin' })
    expect((await as((await refresh(anyone(), bob)).accessToken)).actor.permissions).toEqual(
      new Set(permissionsOf('admin')),
    )
    expect((await Organization.load(ada.ctx)).adminIds).toEqual([ada.userId, bob.userId])
  })

  test('applies in other processes within five seconds', async () => {
    const { ada, join, as, runtime, pass } = await company()
    const bob = await join(ada, 'devops')
    const [elsewhere] = processes(1, runtime)
    await as(bob.accessToken, elsewhere)
    await Members.changeRole(ada.ctx, { id: bob.userId, role: 'viewer' })
    pass(5)
    expect((await as(bob.accessToken, elsewhere)).actor.role).toBe('viewer')
  })

  test('is changed by admins only, and audited with before and after', async () => {
    const { ada, join } = await company()
    const bob = await join(ada, 'devops')
    await expect(Members.changeRole(bob.ctx, { id: bob.userId, role: 'admin' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(Members.deactivate(bob.ctx, { id: ada.userId })).rejects.toMatchObject({ code: 'forbidden' })
    await Members.changeRole(ada.ctx, { id: bob.userId, role: 'cfo' })
    const { entries } = await AuditLog.list(ada.ctx, { action: 'users.*' })
    expect(entries).toMatchObject([
      {
        action: 'users.change-role',
        result: 'success',
        resourceId: bob.userId,
        before: { role: 'devops' },
        after: { role: 'cfo' },
      },
      { action: 'users.deactivate', result: 'denied', actorId: bob.userId },
      { action: 'users.change-role', result: 'denied', actorId: bob.userId },
    ])
  })
})

describe('users', () => {
  test('of another organization are not found', async () => {
    const { ada, found } = await company()
    const { ctx } = await found('eve@example.com', 'Other')
    const id = ada.userId
    const tries = [
      async () => await Members.get(ctx, { id }),
      async () => await Members.changeRole(ctx, { id, role: 'viewer' }),
      async () => await Members.deactivate(ctx, { id }),
      async () => await Members.reactivate(ctx, { id }),
    ]
    for (const attempt of tries) await expect(attempt()).rejects.toMatchObject({ code: 'not_found' })
    expect((await Members.list(ctx, {})).users).toHaveLength(1)
    expect(await User.load(ada.ctx, id)).toMatchObject({ role: 'admin', isActive: true, version: 2 })
  })

  test('read their profile and change only their own name', async () => {
    const { ada, join } = await company()
    const bob = await join(ada, 'viewer')
    expect(await updateMe(bob.ctx, { fullName: ' Bob ' })).toMatchObject({ fullName: 'Bob', role: 'viewer' })
    await expect(updateMe(bob.ctx, { fullName: 'Bob', role: 'admin' } as { fullName: string })).rejects.toMatchObject({
      code: 'invalid',
    })
    const mine = await me(bob.ctx, {})
    expect(mine).toMatchObject({
      kind: 'user',
      user: { id: bob.userId, fullName: 'Bob' },
      organization: { id: ada.orgId },
      role: 'viewer',
    })
    expect(mine.permissions).toEqual([...permissionsOf('viewer')].toSorted())
  })

  test('lose no concurrent change', async () => {
    const { ada, runtime } = await company()
    const edits = [
      { fullName: 'Ada' },
      { lastLogin: '2026-11-23T09:00:00.000Z' },
      { hasSecondFactor: true },
      { persona: 'devops' },
    ] as const
    const at = processes(edits.length, runtime, 3)
    await Promise.all(
      edits.map(async (edit, i) => await User.edit(over(ada.ctx, at[i] ?? runtime), ada.userId, () => edit)),
    )
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject(Object.assign({}, ...edits) as object)
  })
})
