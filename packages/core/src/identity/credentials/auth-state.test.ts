import { expect, test } from 'vitest'
import { forgetAuthStates } from '../../guard/auth-memory.ts'
import type { Runtime } from '../../effects/runtime.ts'
import { replacing, over } from '../../testing/runtime.ts'
import { world } from '../../testing/identity.ts'
import { authStateOf, trustMs } from './auth-state.ts'

test('an auth state is trusted for a while, and read again after forgetAuthStates', async () => {
  const { found } = world()
  const { ctx, userId } = await found()
  let now = ctx.now().getTime()
  const { runtime, reads } = countingReads(ctx.runtime)
  const asked = over({ ...ctx, now: () => new Date(now) }, runtime)
  for (let n = 0; n < 3; n++) await authStateOf(asked, userId)
  expect(reads()).toBe(1)
  forgetAuthStates(runtime)
  await authStateOf(asked, userId)
  expect(reads()).toBe(2)
  now += trustMs
  await authStateOf(asked, userId)
  expect(reads()).toBe(3)
})

test('a read that began before forgetAuthStates is used once and not remembered', async () => {
  const { found } = world()
  const { ctx, userId } = await found()
  const { runtime, reads } = countingReads(ctx.runtime)
  const before = authStateOf(over(ctx, runtime), userId)
  forgetAuthStates(runtime)
  expect((await before)?.user.id).toBe(userId)
  await authStateOf(over(ctx, runtime), userId)
  expect(reads()).toBe(2)
})

/** The runtime, and how many users were read through it. */
function countingReads(given: Runtime) {
  let count = 0
  const { users } = given.tables
  const get: typeof users.get = (...input) => (count++, users.get(...input))
  return { runtime: { ...given, tables: replacing(given.tables, { users: { ...users, get } }) }, reads: () => count }
}
