import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as Login from './login.ts'
import { password, refusal, world } from '../../testing/identity.ts'

/** The floors that wait: how long each is, and what ends it. */
const floors = vi.hoisted((): { ms: number; end(): void }[] => [])
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => await new Promise<void>((end) => floors.push({ ms, end })),
}))

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((wake) => setImmediate(wake))
}

beforeEach(() => void floors.splice(0))

describe('the response time does not depend on the account', () => {
  const login = async (at: ReturnType<typeof world>, email: string, given: string) =>
    await Login.login(at.anyone(), { email, password: given })
  test.each([
    ['a right password', async (at: ReturnType<typeof world>) => await login(at, 'ada@example.com', password), 2],
    [
      'a wrong password',
      async (at: ReturnType<typeof world>) => await login(at, 'ada@example.com', 'not the password'),
      2,
    ],
    ['an unknown address', async (at: ReturnType<typeof world>) => await login(at, 'nobody@example.com', password), 1],
    [
      'a forgotten password',
      async (at: ReturnType<typeof world>) => await Login.forgotPassword(at.anyone(), { email: 'ada@example.com' }),
      1,
    ],
    [
      'a forgotten password of nobody',
      async (at: ReturnType<typeof world>) => await Login.forgotPassword(at.anyone(), { email: 'nobody@example.com' }),
      1,
    ],
  ])(
    '%s is answered after 300 ms, and by then all is done, also what stands in the audit log',
    async (_, run, entries) => {
      const at = world()
      const ada = await at.found()
      let isAnswered = false
      const answer = refusal(run(at)).then(() => (isAnswered = true))
      await settled()
      expect([isAnswered, floors.map(({ ms }) => ms)]).toEqual([false, [300]])
      expect(await at.runtime.tables.audit.all(ada.orgId)).toHaveLength(entries)
      floors[0]?.end()
      await answer
      expect(await at.runtime.tables.audit.all(ada.orgId)).toHaveLength(entries)
    },
  )

  test('even if the address is locked', async () => {
    const at = world()
    for (let n = 0; n < 6; n++) {
      const answer = refusal(login(at, 'ada@example.com', password))
      await settled()
      floors[n]?.end()
      expect((await answer)?.code).toBe(n < 5 ? 'unauthenticated' : 'rate_limited')
    }
    expect(floors).toHaveLength(6)
  })
})
