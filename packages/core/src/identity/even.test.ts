import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as Login from './login.ts'
import { password, world } from './testing.ts'

// The floor is as high as the slowest part of the answer: here the audit log, of which only known addresses have one.
let slowMs = 0
let endedAt: number[] = []

async function timed() {
  const { found, anyone, runtime } = world()
  await found()
  const { insert } = runtime.tables.audit
  runtime.tables.audit.insert = async (...input) => {
    await new Promise((wake) => setTimeout(wake, slowMs))
    await insert(...input)
    endedAt.push(performance.now())
  }
  return async (run: typeof Login.login | typeof Login.forgotPassword, input: object): Promise<number> => {
    const start = performance.now()
    await (run as (ctx: ReturnType<typeof anyone>, input: object) => Promise<unknown>)(anyone(), input).catch(() => undefined)
    return performance.now() - start
  }
}

beforeEach(() => {
  vi.useRealTimers()
  slowMs = 150
  endedAt = []
})

describe('how long it takes tells nothing', () => {
  test('of whether an address is known, a password right, or something was written down', async () => {
    const take = await timed()
    const kinds = {
      right: await take(Login.login, { email: 'ada@example.com', password }),
      wrong: await take(Login.login, { email: 'ada@example.com', password: 'not the password' }),
      unknown: await take(Login.login, { email: 'nobody@example.com', password }),
      forgotten: await take(Login.forgotPassword, { email: 'ada@example.com' }),
      forgottenUnknown: await take(Login.forgotPassword, { email: 'nobody@example.com' }),
    }
    expect(endedAt).toHaveLength(2)
    for (const ms of Object.values(kinds)) {
      expect(ms).toBeGreaterThan(295)
      expect(ms).toBeLessThan(420)
    }
  })
})
