import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../kernel/fault.ts'
import * as RateLimit from './rate-limit.ts'
import type { Runtime } from '../effects/runtime.ts'
import { processes } from '../testing/processes.ts'
import { memoryRuntime, testContext } from '../testing/runtime.ts'

const hourly = { name: 'requests', most: 1000, windowSeconds: 3600 }
const start = new Date('2026-11-23T08:00:00Z')

function counted(runtime: Runtime) {
  let writes = 0
  const { add } = runtime.counters
  const counters = {
    ...runtime.counters,
    add: async (...input: Parameters<typeof add>) => (writes++, await add(...input)),
  }
  return { runtime: { ...runtime, counters }, writes: () => writes }
}

/** Whether a request passed. */
async function passes(runtime: Runtime, limit: RateLimit.Limit, now = start): Promise<boolean> {
  try {
    await RateLimit.spend(testContext(runtime, { now: () => now }), limit)
    return true
  } catch (error) {
    if (error instanceof Fault && error.code === 'rate_limited') return false
    throw error
  }
}

describe('a limit', () => {
  test('is never exceeded, for any number and order of processes', async () => {
    const given = {
      most: fc.integer({ min: 1, max: 120 }),
      count: fc.integer({ min: 1, max: 6 }),
      seed: fc.integer(),
      turns: fc.array(fc.nat(5), { maxLength: 300 }),
    }
    await fc.assert(
      fc.asyncProperty(fc.record(given), async ({ most, count, seed, turns }) => {
        const at = processes(count, memoryRuntime(), seed)
        const limit = { ...hourly, most }
        const passed = await Promise.all(
          turns.map(async (turn) => await passes(at[turn % count] ?? memoryRuntime(), limit)),
        )
        expect(passed.filter(Boolean).length).toBeLessThanOrEqual(most)
        // Until each process was refused, little is left unused: what others hold, a twentieth of the whole at most.
        for (const runtime of at) while (await passes(runtime, limit)) passed.push(true)
        expect(passed.filter(Boolean)).toHaveLength(most)
      }),
      { numRuns: 60 },
    )
  })

  test.each([1, 19, 20, 21, 1000, 10_000])(
    'of %i can be used by one process to the last, with few writes',
    async (most) => {
      const { runtime, writes } = counted(memoryRuntime())
      const limit = { ...hourly, most }
      for (let n = 0; n < most; n++) expect(await passes(runtime, limit)).toBe(true)
      expect(await passes(runtime, limit)).toBe(false)
      expect(writes()).toBeLessThanOrEqual(Math.min(most, 50 + 20 * Math.ceil(Math.log(most + 1))))
    },
  )

  test('leaves the rest to other processes once one is idle', async () => {
    const [busy, other] = processes(2, memoryRuntime()).map((runtime) => ({ ...runtime }))
    if (!busy || !other) throw new Error('two processes')
    for (let n = 0; n < 600; n++) expect(await passes(busy, hourly)).toBe(true)
    let passed = 0
    while (await passes(other, hourly)) passed++
    expect(passed).toBeGreaterThanOrEqual(1000 - 600 - 400 / 20)
  })

  test('costs one write for many concurrent requests', async () => {
    const { runtime, writes } = counted(memoryRuntime())
    const outcomes = await Promise.all(Array.from({ length: 1500 }, async () => await passes(runtime, hourly)))
    expect(outcomes.filter(Boolean)).toHaveLength(1000)
    expect(writes()).toBeLessThan(200)
  })

  test('reports the rest and the time to retry', async () => {
    const ctx = testContext(memoryRuntime(), { now: () => new Date('2026-11-23T08:45:00Z') })
    const limit = { ...hourly, most: 2 }
    expect(await RateLimit.spend(ctx, limit)).toEqual({ limit: 2, remaining: 1, resetSeconds: 900 })
    expect(await RateLimit.spend(ctx, limit)).toEqual({ limit: 2, remaining: 0, resetSeconds: 900 })
    await expect(RateLimit.spend(ctx, limit)).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 900 })
    expect(RateLimit.peek(ctx, limit)).toEqual({ limit: 2, remaining: 0, resetSeconds: 900 })
  })

  test('starts afresh with the next window', async () => {
    const runtime = memoryRuntime()
    const limit = { ...hourly, most: 3 }
    for (const hour of [0, 1, 2]) {
      const now = new Date(start.getTime() + hour * 3600_000)
      const last = new Date(now.getTime() + 3599_000)
      const outcomes = [now, now, last, last].map(async (at) => await passes(runtime, limit, at))
      expect(await Promise.all(outcomes)).toEqual([true, true, true, false])
    }
  })

  test('is separate for each organization and name', async () => {
    const runtime = memoryRuntime()
    const limit = { ...hourly, most: 1 }
    expect(await passes(runtime, limit)).toBe(true)
    expect(await passes(runtime, { ...limit, name: 'sign-in' })).toBe(true)
    await expect(
      RateLimit.spend(testContext(runtime, { orgId: 'org_other', now: () => start }), limit),
    ).resolves.toMatchObject({ limit: 1, remaining: 0 })
    expect(await passes(runtime, limit)).toBe(false)
  })

  test('recovers after one failure of the counters', async () => {
    const runtime = memoryRuntime()
    const { add } = runtime.counters
    runtime.counters.add = async () => {
      throw new Fault('unavailable', 'down')
    }
    await expect(passes(runtime, hourly)).rejects.toMatchObject({ code: 'unavailable' })
    runtime.counters.add = add
    expect(await passes(runtime, hourly)).toBe(true)
  })
})
