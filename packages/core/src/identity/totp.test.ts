import { Secret, TOTP } from 'otpauth'
import { describe, expect, test, vi } from 'vitest'
import * as Login from './login.ts'
import { password, refusal, world } from './testing.ts'
import * as Totp from './totp.ts'
import * as User from './user.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

/** Ada, and her authenticator app. */
async function device() {
  const at = world()
  const ada = await at.found()
  const { secret, uri } = await Totp.begin(ada.ctx, { password })
  const code = (seconds = 0): string => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at.now().getTime() + seconds * 1000 })
  const login = async (totpCode?: string, address?: string) =>
    await refusal(Login.login(at.anyone(address), { email: ada.email, password, ...(totpCode !== undefined && { totpCode }) }))
  return { ...at, ada, secret, uri, code, login }
}

async function switchedOn() {
  const found = await device()
  const { recoveryCodes } = await Totp.confirm(found.ada.ctx, { code: found.code() })
  found.pass(30)
  return { ...found, recoveryCodes }
}

describe('a second factor', () => {
  test('counts from its first code on, not before', async () => {
    const { login, code, ada, uri } = await device()
    expect(uri).toMatch(/^otpauth:\/\/totp\/CloudOptima:ada%40example\.com\?/)
    expect(await login()).toBeUndefined()
    await expect(Totp.disable(ada.ctx, { password, code: code() })).rejects.toMatchObject({ code: 'conflict' })
    await expect(Totp.confirm(ada.ctx, { code: '000000' })).rejects.toMatchObject({ code: 'invalid' })
    expect(await login()).toBeUndefined()
    await Totp.confirm(ada.ctx, { code: code() })
    expect(await login()).toMatchObject({ code: 'unauthenticated' })
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject({ hasSecondFactor: true })
  })

  test('is asked for only where the password is right', async () => {
    const { anyone, ada, login } = await switchedOn()
    expect((await login())?.message).toContain('authenticator')
    const said = await refusal(Login.login(anyone(), { email: ada.email, password: 'not the password' }))
    expect(said?.message).toBe('The e-mail address or the password is wrong.')
  })

  test.each([-30, 0, 30])('takes the code of a clock that is %i s off', async (seconds) => {
    const { login, code, pass } = await switchedOn()
    pass(60)
    expect(await login(code(seconds))).toBeUndefined()
  })

  test.each([-90, -60, 60, 90])('refuses the code of a clock that is %i s off', async (seconds) => {
    const { login, code, pass } = await switchedOn()
    pass(120)
    expect(await login(code(seconds))).toMatchObject({ code: 'unauthenticated' })
  })

  test('takes no code twice, nor one older than the last', async () => {
    const { login, code } = await switchedOn()
    const [old, used] = [code(-30), code()]
    expect(await login(used)).toBeUndefined()
    expect(await login(used)).toMatchObject({ code: 'unauthenticated' })
    expect(await login(old)).toMatchObject({ code: 'unauthenticated' })
    expect(await login(code(30))).toBeUndefined()
  })

  test('takes no code again that confirmed it', async () => {
    const { ada, code, login } = await device()
    const first = code()
    await Totp.confirm(ada.ctx, { code: first })
    expect(await login(first)).toMatchObject({ code: 'unauthenticated' })
  })

  test('lets in one of many who come with the same code at once', async () => {
    const { login, code } = await switchedOn()
    const used = code()
    const outcomes = await Promise.all([1, 2, 3, 4].map(async (n) => await login(used, `192.0.2.${n}`)))
    expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
  })

  test('takes each recovery code once, in any case, also of many at once', async () => {
    const { login, recoveryCodes } = await switchedOn()
    expect(new Set(recoveryCodes).size).toBe(10)
    for (const code of recoveryCodes) expect(code).toMatch(/^[a-z0-9]{26}$/)
    const [first = '', second = ''] = recoveryCodes
    expect(await login(first.toUpperCase())).toBeUndefined()
    expect(await login(first)).toMatchObject({ code: 'unauthenticated' })
    const outcomes = await Promise.all([1, 2, 3].map(async (n) => await login(second, `192.0.2.${n}`)))
    expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
  })

  test('cannot be guessed: wrong codes lock like wrong passwords', async () => {
    const { login, code } = await switchedOn()
    for (let n = 0; n < 5; n++) expect((await login('123456x'))?.code).toBe('unauthenticated')
    expect((await login(code()))?.code).toBe('rate_limited')
  })

  test('is begun and switched off with the password alone', async () => {
    const { ada, code, login, pass } = await switchedOn()
    await expect(Totp.begin(ada.ctx, { password })).rejects.toMatchObject({ code: 'conflict' })
    await expect(Totp.disable(ada.ctx, { password: 'wrong', code: code() })).rejects.toMatchObject({ code: 'forbidden', complaints: [{ path: 'password' }] })
    await expect(Totp.disable(ada.ctx, { password, code: '000000' })).rejects.toMatchObject({ code: 'forbidden', complaints: [{ path: 'code' }] })
    pass(30)
    await Totp.disable(ada.ctx, { password, code: code() })
    expect(await login()).toBeUndefined()
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject({ hasSecondFactor: false })
    await expect(Totp.begin((await device()).ada.ctx, { password: 'wrong' })).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('is kept sealed, its recovery codes hashed', async () => {
    const { runtime, ada, secret, recoveryCodes } = await switchedOn()
    const kept = JSON.stringify(await runtime.tables.credentials.all(ada.orgId))
    for (const text of [secret, ...recoveryCodes]) expect(kept).not.toContain(text)
  })
})
