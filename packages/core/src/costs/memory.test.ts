import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inTurns, leastRecentlyUsed } from './memory.ts'

test('a shared read began after the call, and many concurrent calls cause two reads', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('ask', 'write'), fc.integer({ min: 0, max: 3 })), { maxLength: 40 }),
      async (acts) => {
        let version = 0
        const read = inTurns<number>()
        const asked: Promise<void>[] = []
        for (const [act, pauseMs] of acts) {
          if (act === 'write') version++
          else {
            const known = version
            const answer = read('org', async () => {
              const seen = version
              await setTimeout(1)
              return seen
            })
            asked.push(answer.then((seen) => expect(seen).toBeGreaterThanOrEqual(known)))
          }
          if (pauseMs > 0) await setTimeout(pauseMs - 1)
        }
        await Promise.all(asked)
      },
    ),
    { numRuns: 30 },
  )
  let reads = 0
  const read = inTurns<number>()
  const once = async (): Promise<number> => {
    await setTimeout(5)
    return ++reads
  }
  expect(await Promise.all(Array.from({ length: 50 }, async () => await read('org', once)))).toEqual([
    1,
    ...Array.from({ length: 49 }, () => 2),
  ])
  expect([await read('org', once), await read('other', once)]).toEqual([3, 4])
})

test('a failed read fails for the calls that shared it, and for no later call', async () => {
  const read = inTurns<string>()
  const failing = async (): Promise<string> => {
    await setTimeout(1)
    throw new Error('away')
  }
  const all = await Promise.allSettled(['a', 'b', 'c'].map(async () => await read('org', failing)))
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(await read('org', async () => 'back')).toBe('back')
})

test('concurrent recalls share one value, and a failure is not remembered', async () => {
  const memory = leastRecentlyUsed<number>(2)
  let calls = 0
  const failing = async (): Promise<number> => {
    calls++
    await setTimeout(1)
    throw new Error('away')
  }
  const all = await Promise.allSettled([memory.recall('a', failing), memory.recall('a', failing)])
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([calls, memory.has('a')]).toEqual([1, false])
  const make = async (): Promise<number> => ++calls
  expect(await Promise.all([memory.recall('a', make), memory.recall('a', make)])).toEqual([2, 2])
  expect(await memory.recall('a', failing)).toBe(2)
})

test('a full memory forgets the least recently used value', async () => {
  const memory = leastRecentlyUsed<string>(2)
  for (const key of ['a', 'b', 'a', 'c']) await memory.recall(key, async () => key)
  expect(['a', 'b', 'c'].map(memory.has)).toEqual([true, false, true])
})

test('the late failure of an evicted recall leaves the newer value of its key', async () => {
  const memory = leastRecentlyUsed<string>(1)
  const late = memory.recall('a', async () => {
    await setTimeout(5)
    throw new Error('away')
  })
  await memory.recall('b', async () => 'b')
  await memory.recall('a', async () => 'newer')
  await expect(late).rejects.toThrow('away')
  expect(memory.has('a')).toBe(true)
})
