import { describe, expect, test, vi } from 'vitest'
import { processes } from '../../testing/processes.ts'
import * as Login from '../sign-in/login.ts'
import * as Sessions from './sessions.ts'
import { password, refresh, world } from '../../testing/identity.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

async function twoSessions() {
  const at = world()
  const ada = await at.found()
  at.pass(1)
  const { accessToken, refreshToken } = await Login.login(at.anyone('198.51.100.4'), { email: ada.email, password })
  return { ...at, ada, other: { accessToken, refreshToken, ctx: await at.as(accessToken) } }
}

describe('sessions', () => {
  test('are listed to their owner with address and user agent', async () => {
    const { ada, other, found } = await twoSessions()
    expect((await Sessions.list(other.ctx, {})).sessions).toMatchObject([
      { method: 'password', ipAddress: '198.51.100.4', userAgent: 'test', isCurrent: true },
      { method: 'registration', ipAddress: '192.0.2.1', isCurrent: false },
    ])
    expect((await Sessions.list((await found('bob@example.com')).ctx, {})).sessions).toHaveLength(1)
    expect(JSON.stringify(await Sessions.list(ada.ctx, {}))).not.toMatch(/current"|nonce|previous/)
  })

  test('end by logout, which revokes only its own tokens', async () => {
    const { ada, other, anyone, as } = await twoSessions()
    await Sessions.logout(other.ctx, {})
    await expect(refresh(anyone(), other)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(as(other.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(as(ada.accessToken)).resolves.toMatchObject({ orgId: ada.orgId, actor: { id: ada.userId } })
    await expect(refresh(anyone(), ada)).resolves.toMatchObject({
      tokenType: 'Bearer',
      refreshToken: expect.stringMatching(/^cor_/),
    })
  })

  test('end in another process within five seconds', async () => {
    const { other, as, runtime, pass } = await twoSessions()
    const [elsewhere] = processes(1, runtime)
    await as(other.accessToken, elsewhere)
    await Sessions.logout(other.ctx, {})
    pass(5)
    await expect(as(other.accessToken, elsewhere)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('end one by one, or all others at once', async () => {
    const { ada, other, as } = await twoSessions()
    expect(await Sessions.endOthers(other.ctx, {})).toEqual({ ended: 1 })
    await expect(as(ada.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
    await Sessions.end(other.ctx, { id: other.ctx.actor.sessionId ?? '' })
    await expect(as(other.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('of other users and organizations are not found', async () => {
    const { ada, join, found, as } = await twoSessions()
    for (const stranger of [await join(ada, 'admin'), await found('bob@example.com')]) {
      await expect(Sessions.end(stranger.ctx, { id: ada.ctx.actor.sessionId ?? '' })).rejects.toMatchObject({
        code: 'not_found',
      })
    }
    await expect(as(ada.accessToken)).resolves.toMatchObject({ orgId: ada.orgId, actor: { id: ada.userId } })
  })

  test('except the current one end with a new password', async () => {
    const { ada, other, anyone, as } = await twoSessions()
    await Login.changePassword(other.ctx, { currentPassword: password, newPassword: 'a quite different one' })
    await expect(as(ada.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(refresh(anyone(), ada)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(refresh(anyone(), other)).resolves.toMatchObject({
      tokenType: 'Bearer',
      refreshToken: expect.stringMatching(/^cor_/),
    })
    await expect(Login.login(anyone(), { email: ada.email, password })).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    await expect(Login.login(anyone(), { email: ada.email, password: 'a quite different one' })).resolves.toMatchObject(
      { tokenType: 'Bearer', refreshToken: expect.stringMatching(/^cor_/) },
    )
  })

  test('do not open with a password that changes concurrently', async () => {
    const { ada, other, anyone, runtime } = await twoSessions()
    const given = { currentPassword: password, newPassword: 'a quite different one' }
    const { put } = runtime.tables.sessions
    runtime.tables.sessions.put = async (...input) => {
      runtime.tables.sessions.put = put
      await Login.changePassword(other.ctx, given)
      await put(...input)
    }
    await expect(Login.login(anyone(), { email: ada.email, password })).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    expect((await Sessions.list(other.ctx, {})).sessions).toMatchObject([{ isCurrent: true }])
  })

  test('a password change requires the current password', async () => {
    const { ada, other, as } = await twoSessions()
    const given = { currentPassword: 'not the password', newPassword: 'a quite different one' }
    await expect(Login.changePassword(other.ctx, given)).rejects.toMatchObject({
      code: 'forbidden',
      complaints: [{ path: 'currentPassword' }],
    })
    await expect(as(ada.accessToken)).resolves.toMatchObject({ orgId: ada.orgId, actor: { id: ada.userId } })
    for (let n = 1; n < 5; n++)
      await expect(Login.changePassword(other.ctx, given)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(Login.changePassword(other.ctx, { ...given, currentPassword: password })).rejects.toMatchObject({
      code: 'rate_limited',
    })
  })
})
