import * as Members from '../people/members.ts'
import { describe, expect, test, vi } from 'vitest'
import * as AuditLog from '../../guard/audit-log.ts'
import { eachTable, processes, wrapped } from '../../testing/processes.ts'
import * as Lockout from './lockout.ts'
import * as Login from './login.ts'
import { password, refusal, world } from '../../testing/identity.ts'
import * as User from '../people/user.ts'

vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

const wrong = 'not the password'

async function failing(email: string) {
  const at = world()
  const ada = await at.found()
  const attempt = async (given = wrong, address?: string) =>
    await refusal(Login.login(at.anyone(address), { email, password: given }))
  const fail = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) expect((await attempt())?.code).toBe('unauthenticated')
  }
  return { ...at, ada, attempt, fail }
}

describe('signing in', () => {
  test('accepts the address in any case with spaces, and records the time', async () => {
    const { anyone, ada, now, as } = await failing('')
    const tokens = await Login.login(anyone(), { email: '  ADA@Example.COM ', password })
    expect((await as(tokens.accessToken)).actor).toMatchObject({ kind: 'user', id: ada.userId, role: 'admin' })
    expect(await User.load(ada.ctx, ada.userId)).toMatchObject({ lastLogin: now().toISOString() })
  })

  test('makes 13 table calls, at most 8 sequential, and reads the credentials twice', async () => {
    const { anyone, ada, runtime } = await failing('')
    const calls: string[] = []
    let rounds = 0
    let round: Promise<void> | undefined
    // Calls that are made while none of the round before is answered are one round.
    const answered = async (): Promise<void> =>
      await (round ??= new Promise((resolve) => {
        setImmediate(() => {
          rounds++
          round = undefined
          resolve()
        })
      }))
    const tables = eachTable(runtime.tables, (table, noun) =>
      wrapped(table, async (verb, call) => {
        if (verb !== 'update' && verb !== 'upsert') {
          calls.push(`${noun}.${verb}`)
          await answered()
        }
        return await call()
      }),
    )
    const process = { ...runtime, tables }
    await Login.login(anyone(undefined, process), { email: ada.email, password })
    ;[calls.length, rounds] = [0, 0]
    await Login.login(anyone(undefined, process), { email: ada.email, password })
    expect(calls).toHaveLength(13)
    expect(rounds).toBeLessThanOrEqual(8)
    expect(calls.filter((call) => call === 'credentials.get')).toHaveLength(2)
  })

  test('neither trims the password nor ignores its case', async () => {
    const { attempt } = await failing('ada@example.com')
    for (const other of [password.toUpperCase(), ` ${password}`, `${password} `, '', 'x'.repeat(256)])
      expect((await attempt(other))?.code).toMatch(/unauthenticated|invalid/)
    expect(await attempt(password, '203.0.113.5')).toBeUndefined()
  })

  test('is refused with the same fault for unknown addresses, wrong passwords and deactivated users', async () => {
    const { anyone, join, ada } = await failing('')
    const bob = await join(ada, 'viewer')
    await Members.deactivate(ada.ctx, { id: bob.userId })
    const attempts = [
      { email: 'nobody@example.com', password },
      { email: ada.email, password: wrong },
      { email: bob.email, password },
    ]
    const said = await Promise.all(attempts.map(async (given) => await refusal(Login.login(anyone(), given))))
    expect(said[0]?.code).toBe('unauthenticated')
    expect(new Set(said.map((fault) => JSON.stringify(fault))).size).toBe(1)
  })

  test('is audited, also on failure, with user and address', async () => {
    const { ada, attempt } = await failing('ada@example.com')
    await attempt(wrong, '203.0.113.5')
    await attempt(password, '203.0.113.6')
    const { entries } = await AuditLog.list(ada.ctx, { action: 'auth.login' })
    expect(entries).toMatchObject([
      { result: 'success', actorKind: 'user', actorId: ada.userId, ipAddress: '203.0.113.6', resourceId: ada.userId },
      {
        result: 'denied',
        actorKind: 'anonymous',
        ipAddress: '203.0.113.5',
        resourceId: ada.userId,
        detail: 'wrong password',
      },
    ])
  })
})

describe.each([
  ['somebody we know', 'ada@example.com'],
  ['somebody we do not know', 'nobody@example.com'],
])('five failures with the address of %s', (_, email) => {
  test('lock it for 1, 2, 4 ... up to 60 minutes', async () => {
    const { attempt, fail, pass } = await failing(email)
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await fail(5)
      const said = await attempt(password)
      expect(said).toMatchObject({ code: 'rate_limited' })
      expect(said?.message).toContain(`Try again in ${minutes * 60} s`)
      pass(minutes * 60 - 1)
      expect((await attempt(password))?.code).toBe('rate_limited')
      pass(1)
    }
  })

  test('count for 15 minutes', async () => {
    const { attempt, fail, pass } = await failing(email)
    await fail(4)
    pass(15 * 60)
    await fail(4)
    expect((await attempt())?.code).toBe('unauthenticated')
    expect((await attempt())?.code).toBe('rate_limited')
  })

  test('lock it for that network only', async () => {
    const { attempt, fail } = await failing(email)
    await fail(5)
    expect((await attempt())?.code).toBe('rate_limited')
    expect((await attempt(password, '198.51.100.4'))?.code).toBe(
      email === 'ada@example.com' ? undefined : 'unauthenticated',
    )
  })

  test('are the most that 100 concurrent guesses check', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { anyone, runtime } = await failing(email)
      let looks = 0
      const passwords = {
        ...runtime.passwords,
        verify: async (hash: string, given: string) => (looks++, await runtime.passwords.verify(hash, given)),
      }
      const at = processes(4, { ...runtime, passwords }, seed)
      const guesses = Array.from(
        { length: 100 },
        async (_, n) =>
          await refusal(Login.login(anyone('192.0.2.1', at[n % 4]), { email, password: `guess number ${n}` })),
      )
      const codes = (await Promise.all(guesses)).map((fault) => fault?.code)
      expect(looks).toBe(5)
      expect(codes.filter((code) => code === 'unauthenticated')).toHaveLength(5)
      expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(95)
    }
  })

  test('expire after a day, even if the item is still stored', async () => {
    const { attempt, fail, pass } = await failing(email)
    await fail(5)
    pass(60)
    await fail(5)
    pass(24 * 3600 + 1)
    await fail(5)
    expect((await attempt())?.message).toContain('Try again in 60 s')
  })
})

test('a success clears earlier failures', async () => {
  const { attempt, fail } = await failing('ada@example.com')
  for (let n = 0; n < 3; n++) {
    await fail(4)
    expect(await attempt(password)).toBeUndefined()
  }
})

test('the fifth attempt is still checked; its success prevents the lock', async () => {
  const { attempt, fail } = await failing('ada@example.com')
  await fail(4)
  expect(await attempt(password)).toBeUndefined()
  expect((await attempt(wrong))?.code).toBe('unauthenticated')
})

test('unknown network addresses count as one', async () => {
  const { anyone } = world()
  const nowhere = { ...anyone(), actor: { ...anyone().actor } }
  delete nowhere.actor.address
  for (let n = 0; n < 5; n++) await Lockout.attempt(nowhere, 'hash')
  await expect(Lockout.attempt(nowhere, 'hash')).rejects.toMatchObject({ code: 'rate_limited' })
})
