import * as Members from '../people/members.ts'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import * as AuditLog from '../../guard/audit-log.ts'
import { processes } from '../../testing/processes.ts'
import * as Secret from './secret.ts'
import * as Sessions from './sessions.ts'
import { refresh, refusal, world } from '../../testing/identity.ts'
import * as User from '../people/user.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

const day = 24 * 3600

describe('a refresh token', () => {
  test('is single-use and yields a successor and a valid access token', async () => {
    const { found, anyone, as, pass } = world()
    const ada = await found()
    let { refreshToken } = ada
    const seen = new Set([refreshToken])
    for (let n = 1; n <= 20; n++) {
      pass(60)
      const next = await refresh(anyone(), { refreshToken })
      expect(next).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 })
      expect(await as(next.accessToken)).toMatchObject({ orgId: ada.orgId, actor: { id: ada.userId } })
      seen.add((refreshToken = next.refreshToken))
      expect(seen.size).toBe(n + 1)
    }
  })

  test('is not stored, nor is its secret value', async () => {
    const { found, runtime, anyone } = world()
    const { refreshToken } = await found()
    const next = await refresh(anyone(), { refreshToken })
    const kept = JSON.stringify([
      await runtime.tables.sessions.all((await found('bob@example.com')).orgId),
      runtime.events,
    ])
    for (const token of [refreshToken, next.refreshToken]) expect(kept).not.toContain(token.split('.')[1])
  })

  test('reused within ten seconds yields the same successor', async () => {
    const { found, anyone, pass } = world()
    const { refreshToken } = await found()
    const first = await refresh(anyone(), { refreshToken })
    pass(10)
    expect((await refresh(anyone(), { refreshToken })).refreshToken).toBe(first.refreshToken)
    await expect(refresh(anyone(), first)).resolves.toMatchObject({
      tokenType: 'Bearer',
      refreshToken: expect.stringMatching(/^cor_/),
    })
  })

  test('reused later revokes its family, with an audit entry', async () => {
    const { found, anyone, as, pass, runtime } = world()
    const ada = await found()
    const next = await refresh(anyone(), ada)
    pass(11)
    await expect(refresh(anyone('203.0.113.9'), ada)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(refresh(anyone(), next)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(as(next.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(await runtime.tables.sessions.all(ada.orgId)).toMatchObject([{ revokedBecause: 'reuse' }])
    const { entries } = await AuditLog.list(ada.ctx, { action: 'auth.refresh' })
    expect(entries).toMatchObject([
      { result: 'denied', resourceType: 'session', actorKind: 'anonymous', ipAddress: '203.0.113.9' },
    ])
  })

  test('reused after many rotations revokes the family too', async () => {
    const { found, anyone, pass } = world()
    const ancient = await found()
    let last: { refreshToken: string } = ancient
    for (let n = 0; n < 30; n++) {
      pass(day)
      last = await refresh(anyone(), last)
    }
    await expect(refresh(anyone(), ancient)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(refresh(anyone(), last)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('sent 50 times concurrently leaves exactly one valid lineage', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { found, anyone, runtime, pass } = world()
      const ada = await found()
      const at = processes(5, runtime, seed)
      const answers = await Promise.all(
        Array.from({ length: 50 }, async (_, n) => await refresh(anyone(`192.0.2.${n}`, at[n % 5]), ada)),
      )
      expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(1)
      pass(60)
      await expect(refresh(anyone(), answers[0] ?? ada)).resolves.toMatchObject({
        tokenType: 'Bearer',
        refreshToken: expect.stringMatching(/^cor_/),
      })
      expect(await runtime.tables.sessions.all(ada.orgId)).toHaveLength(1)
    }
  })

  test('that was never issued is refused with the same fault and revokes nothing', async () => {
    const { found, anyone } = world()
    const [ada, bob] = [await found(), await found('bob@example.com')]
    const [head, value] = ada.refreshToken.split('.') as [string, string]
    const locator = Secret.read('refresh', ada.refreshToken) ?? { orgId: '', id: '', value: '' }
    const wrong = [
      `${head}.${Secret.random()}`,
      `${head}.${bob.refreshToken.split('.')[1]}`,
      `${bob.refreshToken.split('.')[0]}.${value}`,
      `${head}.${value}x`,
      `${head}.${value.slice(1)}`,
      Secret.write('refresh', { ...locator, orgId: bob.orgId }),
      Secret.write('refresh', { ...locator, id: 'ses_other' }),
      Secret.write('key', locator),
      'x',
    ]
    const said = await Promise.all(
      wrong.map(async (refreshToken) => await refusal(refresh(anyone(), { refreshToken }))),
    )
    expect(new Set(said.map((fault) => JSON.stringify(fault))).size).toBe(1)
    expect(said[0]?.code).toBe('unauthenticated')
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 300 }), fc.boolean(), async (garbage, isAfterHead) => {
        const refreshToken = isAfterHead ? `${head}.${garbage}` : garbage
        expect(await refusal(refresh(anyone(), { refreshToken }))).toEqual(said[0])
      }),
    )
    for (const person of [ada, bob])
      await expect(refresh(anyone(), person)).resolves.toMatchObject({
        tokenType: 'Bearer',
        refreshToken: expect.stringMatching(/^cor_/),
      })
  })

  test('expires after 30 idle days, and with its session after 90 days', async () => {
    const idle = world()
    const bob = await idle.found()
    idle.pass(30 * day)
    await expect(refresh(idle.anyone(), bob)).rejects.toMatchObject({ code: 'unauthenticated' })
    const busy = world()
    let last: { refreshToken: string } = await busy.found()
    for (let n = 1; n < 90; n++) {
      busy.pass(day)
      last = await refresh(busy.anyone(), last)
    }
    busy.pass(day)
    await expect(refresh(busy.anyone(), last)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('and the access token of a deactivated user are refused', async () => {
    const { found, join, anyone, as } = world()
    const ada = await found()
    const bob = await join(ada, 'engineer')
    await Members.deactivate(ada.ctx, { id: bob.userId })
    await expect(refresh(anyone(), bob)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(as(bob.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
    const eve = await join(ada, 'viewer')
    await User.edit(ada.ctx, eve.userId, () => ({ isActive: false }))
    await expect(refresh(anyone(), eve)).rejects.toMatchObject({ code: 'unauthenticated' })
    await Members.reactivate(ada.ctx, { id: bob.userId })
    await expect(refresh(anyone(), bob)).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})

test('after any sequence of refresh, reuse, logout and time, only the last token of an active family is valid', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'refresh' as const }) },
    { weight: 2, arbitrary: fc.nat(20).map((back) => ({ kind: 'reuse' as const, back })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'logout' as const }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }).map((seconds) => ({ kind: 'pass' as const, seconds })) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { found, anyone, pass, runtime, now } = world()
      const ada = await found()
      const tokens = [ada.refreshToken]
      let isOpen = true
      let rotatedAt = 0
      for (const given of steps) {
        if (given.kind === 'pass') pass(given.seconds)
        else if (given.kind === 'logout') {
          if (isOpen) await Sessions.logout(ada.ctx, {})
          isOpen = false
        } else {
          const back = given.kind === 'refresh' ? 0 : given.back % tokens.length
          const answer = refresh(anyone(), { refreshToken: tokens.at(-1 - back) ?? '' })
          const isGrace = back === 1 && now().getTime() - rotatedAt <= 10_000
          if (!isOpen || (back > 0 && !isGrace)) {
            await expect(answer).rejects.toMatchObject({ code: 'unauthenticated' })
            isOpen = false
          } else if (isGrace) expect((await answer).refreshToken).toBe(tokens.at(-1))
          else {
            tokens.push((await answer).refreshToken)
            rotatedAt = now().getTime()
          }
        }
        const [session] = await runtime.tables.sessions.all(ada.orgId)
        expect(session?.revokedAt === undefined).toBe(isOpen)
      }
      expect(new Set(tokens).size).toBe(tokens.length)
    }),
  )
})
