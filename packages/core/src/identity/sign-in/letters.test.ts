import * as MailedToken from './mailed-token.ts'
import * as Members from '../people/members.ts'
import { describe, expect, test, vi } from 'vitest'
import { processes } from '../../testing/processes.ts'
import * as Email from '../people/email.ts'
import * as Login from './login.ts'
import { password, refusal, world } from '../../testing/identity.ts'
import * as User from '../people/user.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

const newPassword = 'a quite different one'

async function registered() {
  const at = world()
  const ada = await at.found()
  const tokenOf = async (kind: MailedToken.Kind): Promise<string> => {
    await MailedToken.request(ada.ctx, kind, Email.hashOf(ada.email))
    await at.deliver()
    return at.mailedTo(ada.email)
  }
  return { ...at, ada, tokenOf }
}

describe('a mailed token', () => {
  test('verifies an address once', async () => {
    const { anyone, ada, tokenOf } = await registered()
    await User.edit(ada.ctx, ada.userId, () => ({ emailVerified: false }))
    const token = await tokenOf('verify-email')
    await Login.verifyEmail(anyone(), { token })
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject({ emailVerified: true })
    await expect(Login.verifyEmail(anyone(), { token })).rejects.toMatchObject({ code: 'invalid' })
    await expect(Login.resendVerification(ada.ctx, {})).rejects.toMatchObject({ code: 'conflict' })
  })

  test('sets a password once, also concurrently, revokes all sessions and lifts the lock', async () => {
    const { anyone, ada, tokenOf, runtime, as, pass } = await registered()
    for (let n = 0; n < 5; n++) await refusal(Login.login(anyone(), { email: ada.email, password: 'not the password' }))
    const token = await tokenOf('reset-password')
    const at = processes(3, runtime, 7)
    const outcomes = await Promise.all(
      at.map(
        async (process, n) =>
          await refusal(Login.resetPassword(anyone(undefined, process), { token, newPassword: `${newPassword} ${n}` })),
      ),
    )
    expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
    pass(5)
    await expect(as(ada.accessToken)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(
      await refusal(
        Login.login(anyone(), { email: ada.email, password: `${newPassword} ${outcomes.indexOf(undefined)}` }),
      ),
    ).toBeUndefined()
    expect(await refusal(Login.login(anyone(), { email: ada.email, password }))).toMatchObject({
      code: 'unauthenticated',
    })
  })

  test('is not used up by a refused password', async () => {
    const { anyone, ada, tokenOf } = await registered()
    const token = await tokenOf('reset-password')
    for (const bad of ['password123', ada.email.toUpperCase()]) {
      await expect(Login.resetPassword(anyone(), { token, newPassword: bad })).rejects.toMatchObject({
        complaints: [{ path: 'newPassword' }],
      })
    }
    await expect(Login.resetPassword(anyone(), { token, newPassword })).resolves.toEqual({ success: true })
  })

  test('is valid for one kind and for its hours', async () => {
    const { anyone, tokenOf, pass } = await registered()
    const [reset, proof] = [await tokenOf('reset-password'), await tokenOf('verify-email')]
    await expect(Login.verifyEmail(anyone(), { token: reset })).rejects.toMatchObject({ code: 'invalid' })
    await expect(Login.resetPassword(anyone(), { token: proof, newPassword })).rejects.toMatchObject({
      code: 'invalid',
    })
    pass(3600)
    await expect(Login.resetPassword(anyone(), { token: reset, newPassword })).rejects.toMatchObject({
      code: 'invalid',
    })
    pass(47 * 3600 - 1)
    await expect(Login.verifyEmail(anyone(), { token: proof })).resolves.toEqual({ success: true })
  })

  test('is replaced by a newer one', async () => {
    const { anyone, tokenOf } = await registered()
    const [older, newer] = [await tokenOf('reset-password'), await tokenOf('reset-password')]
    await expect(Login.resetPassword(anyone(), { token: older, newPassword })).rejects.toMatchObject({
      code: 'invalid',
    })
    await expect(Login.resetPassword(anyone(), { token: newer, newPassword })).resolves.toEqual({ success: true })
  })

  test('that is wrong is refused with the same fault', async () => {
    const { anyone, tokenOf, found } = await registered()
    const token = await tokenOf('reset-password')
    const bob = await found('bob@example.com')
    const [head] = token.split('.')
    const wrong = ['x', `${head}.${'x'.repeat(43)}`, bob.refreshToken, `${token}x`, token.toUpperCase()]
    const said = await Promise.all(
      wrong.map(async (token) => await refusal(Login.resetPassword(anyone(), { token, newPassword }))),
    )
    expect(new Set(said.map((fault) => JSON.stringify(fault))).size).toBe(1)
  })
})

describe('a mail', () => {
  test('of each kind goes to its recipient and names no other person', async () => {
    const { ada, anyone, tokenOf, join, runtime } = await registered()
    await tokenOf('verify-email')
    await Login.resetPassword(anyone(), { token: await tokenOf('reset-password'), newPassword })
    await tokenOf('verify-email')
    await join(ada, 'viewer', 'bob@example.com').catch(() => undefined)
    const subjects = runtime.mails.map(({ to, subject }) => `${to}: ${subject}`)
    expect(new Set(subjects)).toEqual(
      new Set([
        'ada@example.com: CloudOptima: Confirm your e-mail address',
        'ada@example.com: CloudOptima: Choose a new password',
        'ada@example.com: CloudOptima: Your password was changed',
        'bob@example.com: CloudOptima: You are invited to CloudOptima',
      ]),
    )
  })

  test('is not sent to unknown addresses or deactivated users; the answer is the same', async () => {
    const { ada, anyone, join, deliver, runtime } = await registered()
    const bob = await join(ada, 'viewer')
    await Members.deactivate(ada.ctx, { id: bob.userId })
    await deliver()
    runtime.mails.length = 0
    const answers = []
    for (const email of ['nobody@example.com', bob.email, ada.email])
      answers.push(await Login.forgotPassword(anyone(), { email }))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    // Neither the address nor a token goes over the bus.
    expect(JSON.stringify(runtime.events)).not.toContain('example.com')
    await deliver()
    expect(runtime.mails.map(({ to }) => to)).toEqual([ada.email])
  })
})
