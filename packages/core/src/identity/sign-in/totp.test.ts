import * as MailedToken from './mailed-token.ts'
import { Secret, TOTP } from 'otpauth'
import { describe, expect, test, vi } from 'vitest'
import { anonymous } from '../../kernel/actor.ts'
import { type Context, noOrganization } from '../../effects/context.ts'
import * as Idempotency from '../../guard/idempotency.ts'
import { eachTable, killedAt, wrapped } from '../../testing/processes.ts'
import * as ApiKey from '../credentials/api-key.ts'
import * as Login from './login.ts'
import { password, refusal, world } from '../../testing/identity.ts'
import * as Totp from './totp.ts'
import * as User from '../people/user.ts'
import { over } from '../../testing/runtime.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

/** Ada, and her authenticator app. */
async function device() {
  const at = world()
  const ada = await at.found()
  const { secret, uri } = await Totp.begin(ada.ctx, { password })
  const code = (seconds = 0): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at.now().getTime() + seconds * 1000 })
  const login = async (totpCode?: string, address?: string) =>
    await refusal(
      Login.login(at.anyone(address), { email: ada.email, password, ...(totpCode !== undefined && { totpCode }) }),
    )
  return { ...at, ada, secret, uri, code, login }
}

async function switchedOn() {
  const found = await device()
  const { recoveryCodes } = await Totp.confirm(found.ada.ctx, { code: found.code() })
  found.pass(30)
  return { ...found, recoveryCodes }
}

describe('a second factor', () => {
  test('is active only after its first code', async () => {
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

  test('is requested only after a correct password', async () => {
    const { anyone, ada, login } = await switchedOn()
    expect((await login())?.message).toContain('authenticator')
    const said = await refusal(Login.login(anyone(), { email: ada.email, password: 'not the password' }))
    expect(said?.message).toBe('The e-mail address or the password is wrong.')
  })

  test.each([-30, 0, 30])('accepts a code from a clock %i s off', async (seconds) => {
    const { login, code, pass } = await switchedOn()
    pass(60)
    expect(await login(code(seconds))).toBeUndefined()
  })

  test.each([-90, -60, 60, 90])('refuses a code from a clock %i s off', async (seconds) => {
    const { login, code, pass } = await switchedOn()
    pass(120)
    expect(await login(code(seconds))).toMatchObject({ code: 'unauthenticated' })
  })

  test('refuses used codes and older ones (replay)', async () => {
    const { login, code } = await switchedOn()
    const [old, used] = [code(-30), code()]
    expect(await login(used)).toBeUndefined()
    expect(await login(used)).toMatchObject({ code: 'unauthenticated' })
    expect(await login(old)).toMatchObject({ code: 'unauthenticated' })
    expect(await login(code(30))).toBeUndefined()
  })

  test('refuses the confirmation code at sign-in (replay)', async () => {
    const { ada, code, login } = await device()
    const first = code()
    await Totp.confirm(ada.ctx, { code: first })
    expect(await login(first)).toMatchObject({ code: 'unauthenticated' })
  })

  test('admits one of many concurrent uses of a code', async () => {
    const { login, code } = await switchedOn()
    const used = code()
    const outcomes = await Promise.all([1, 2, 3, 4].map(async (n) => await login(used, `192.0.2.${n}`)))
    expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
  })

  test('accepts each recovery code once, in any letter case, also concurrently', async () => {
    const { login, recoveryCodes } = await switchedOn()
    expect(new Set(recoveryCodes).size).toBe(10)
    for (const code of recoveryCodes) expect(code).toMatch(/^[a-z0-9]{26}$/)
    const [first = '', second = ''] = recoveryCodes
    expect(await login(first.toUpperCase())).toBeUndefined()
    expect(await login(first)).toMatchObject({ code: 'unauthenticated' })
    const outcomes = await Promise.all([1, 2, 3].map(async (n) => await login(second, `192.0.2.${n}`)))
    expect(outcomes.filter((fault) => fault === undefined)).toHaveLength(1)
  })

  test('locks after wrong codes', async () => {
    const { login, code } = await switchedOn()
    for (let n = 0; n < 5; n++) expect((await login('123456x'))?.code).toBe('unauthenticated')
    expect((await login(code()))?.code).toBe('rate_limited')
  })

  test('locks after wrong codes to disable or confirm it, across networks', async () => {
    const { ada, code, login, pass, anyone } = await switchedOn()
    const from = (n: number) => ({ ...ada.ctx, actor: { ...ada.ctx.actor, address: `192.0.2.${n}` } })
    const disable = async (n: number, given: string) => await refusal(Totp.disable(from(n), { password, code: given }))
    for (let n = 0; n < 5; n++) expect(await disable(n, '000000')).toMatchObject({ code: 'forbidden' })
    expect(await disable(9, code())).toMatchObject({ code: 'rate_limited' })
    expect(await login(code(), '192.0.2.77')).toMatchObject({ code: 'rate_limited' })
    pass(61)
    expect(await disable(9, code())).toBeUndefined()
    expect(await refusal(Login.login(anyone(), { email: ada.email, password }))).toBeUndefined()
    const begun = await device()
    for (let n = 0; n < 5; n++)
      expect(await refusal(Totp.confirm(begun.ada.ctx, { code: '000000' }))).toMatchObject({ code: 'invalid' })
    expect(await refusal(Totp.confirm(begun.ada.ctx, { code: begun.code() }))).toMatchObject({ code: 'rate_limited' })
    begun.pass(61)
    expect(await refusal(Totp.confirm(begun.ada.ctx, { code: begun.code() }))).toBeUndefined()
  })

  test('locks after wrong recovery codes', async () => {
    const { ada, recoveryCodes } = await switchedOn()
    const disable = async (given: string) => await refusal(Totp.disable(ada.ctx, { password, code: given }))
    for (let n = 0; n < 5; n++) expect(await disable(`${'a'.repeat(25)}${n}`)).toMatchObject({ code: 'forbidden' })
    expect(await disable(recoveryCodes[0] ?? '')).toMatchObject({ code: 'rate_limited' })
  })

  test('requires the password to begin and to disable', async () => {
    const { ada, code, login, pass } = await switchedOn()
    await expect(Totp.begin(ada.ctx, { password })).rejects.toMatchObject({ code: 'conflict' })
    await expect(Totp.disable(ada.ctx, { password: 'wrong', code: code() })).rejects.toMatchObject({
      code: 'forbidden',
      complaints: [{ path: 'password' }],
    })
    await expect(Totp.disable(ada.ctx, { password, code: '000000' })).rejects.toMatchObject({
      code: 'forbidden',
      complaints: [{ path: 'code' }],
    })
    pass(30)
    await Totp.disable(ada.ctx, { password, code: code() })
    expect(await login()).toBeUndefined()
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject({ hasSecondFactor: false })
    await expect(Totp.begin((await device()).ada.ctx, { password: 'wrong' })).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test('is stored sealed, its recovery codes hashed', async () => {
    const { runtime, ada, secret, recoveryCodes } = await switchedOn()
    const kept = JSON.stringify(await runtime.tables.credentials.all(ada.orgId))
    for (const text of [secret, ...recoveryCodes]) expect(kept).not.toContain(text)
  })
})

describe('a process killed while a second factor is', () => {
  type Device = Awaited<ReturnType<typeof device>>

  /** The stored flag and the actual state of Ada's second factor. */
  const stateOf = async ({ ada, runtime }: Device) => ({
    said: (await User.load(ada.ctx, ada.userId)).hasSecondFactor,
    isOn: (await runtime.tables.credentials.get(ada.orgId, ada.userId))?.totp?.isConfirmed === true,
  })

  /** A request with a key, by a process that is killed once so many writes are done; whether it came to its end. */
  async function killed(at: Device, writes: number, run: (ctx: Context) => Promise<unknown>): Promise<boolean> {
    const left = { left: writes }
    const tables = eachTable(at.runtime.tables, (table) => killedAt(table, left))
    return (await refusal(keyed(at, run, over(at.ada.ctx, { ...at.runtime, tables })))) === undefined
  }

  const keyed = async (at: Device, run: (ctx: Context) => Promise<unknown>, ctx = at.ada.ctx) =>
    await Idempotency.once(ctx, { key: 'k', request: 1 }, run)

  /** Kills at every write in turn. */
  async function everywhere(
    made: () => Promise<Device>,
    run: (at: Device) => (ctx: Context) => Promise<unknown>,
    then: (at: Device) => Promise<void>,
  ) {
    for (let writes = 0, ended = false; !ended; writes++) {
      const at = await made()
      const asked = run(at)
      ended = await killed(at, writes, asked)
      const { said, isOn } = await stateOf(at)
      expect({ writes, said, isOn: isOn || !said }).toEqual({ writes, said, isOn: true })
      // Longer than the lease of the key, within the validity of the code.
      at.pass(31)
      if (!ended) await keyed(at, asked)
      await then(at)
    }
  }

  test('disabled leaves no flag without factor; a retry completes', async () => {
    const run = ({ code }: Device) =>
      (
        (given) => async (ctx: Context) =>
          await Totp.disable(ctx, { password, code: given })
      )(code())
    await everywhere(switchedOn, run, async (at) => {
      expect(await stateOf(at)).toEqual({ said: false, isOn: false })
      expect(await at.login()).toBeUndefined()
    })
  })

  test('disabled can be completed by another request', async () => {
    for (let writes = 0, ended = false; !ended; writes++) {
      const at = await switchedOn()
      const first = at.code()
      ended = await killed(at, writes, async (ctx) => await Totp.disable(ctx, { password, code: first }))
      at.pass(60)
      if ((await stateOf(at)).isOn) await Totp.disable(at.ada.ctx, { password, code: at.code() })
      expect(await stateOf(at)).toEqual({ said: false, isOn: false })
    }
  })

  test('confirmed sets no flag too early; a retry gets valid recovery codes', async () => {
    let codes: string[] = []
    const run =
      ({ code }: Device) =>
      async (ctx: Context) =>
        ({ recoveryCodes: codes } = await Totp.confirm(ctx, { code: code() }))
    await everywhere(device, run, async (at) => {
      expect(await stateOf(at)).toEqual({ said: true, isOn: true })
      expect(await at.login(codes[0])).toBeUndefined()
    })
  })

  test('removed by a password reset leaves no flag, key or factor of the former user', async () => {
    let token = ''
    const prepared = async () => {
      const at = await switchedOn()
      await ApiKey.create(at.ada.ctx, { name: 'k', permissions: ['read:costs'] })
      await User.edit(at.ada.ctx, at.ada.userId, () => ({ emailVerified: false }))
      token = await MailedToken.mint(at.ada.ctx, 'reset-password', at.ada.userId)
      return at
    }
    const run = () => async (ctx: Context) =>
      await Login.resetPassword(
        { ...ctx, orgId: noOrganization, actor: anonymous() },
        { token, newPassword: 'another battery' },
      )
    await everywhere(prepared, run, async (at) => {
      expect(await stateOf(at)).toEqual({ said: false, isOn: false })
      expect(await User.load(at.ada.ctx, at.ada.userId)).toMatchObject({ emailVerified: true })
      expect(
        (await at.runtime.tables.apiKeys.all(at.ada.orgId)).filter(({ revokedAt }) => revokedAt === undefined),
      ).toEqual([])
      expect(
        await refusal(Login.login(at.anyone(), { email: at.ada.email, password: 'another battery' })),
      ).toBeUndefined()
    })
  })

  test('confirmed sets no flag if it is disabled concurrently', async () => {
    for (let accesses = 0, reached = true; reached; accesses++) {
      const at = await device()
      const next = at.code(30)
      let left = accesses
      const off = async () => await refusal(Totp.disable(at.ada.ctx, { password, code: next }))
      const around = async (_: string, call: () => Promise<unknown>) => (left-- === 0 && (await off()), await call())
      const runtime = { ...at.runtime, tables: eachTable(at.runtime.tables, (table) => wrapped(table, around)) }
      await refusal(Totp.confirm(over(at.ada.ctx, runtime), { code: at.code() }))
      const { said, isOn } = await stateOf(at)
      expect({ accesses, said, isOn: isOn || !said }).toEqual({ accesses, said, isOn: true })
      reached = left < 0
    }
  })

  test('a sign-in without a factor clears the flag', async () => {
    const at = world()
    const ada = await at.found()
    await User.edit(ada.ctx, ada.userId, () => ({ hasSecondFactor: true }))
    await Login.login(at.anyone(), { email: ada.email, password })
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject({ hasSecondFactor: false })
  })
})
