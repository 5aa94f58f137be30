import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inTurns, merged } from './concurrent.ts'

test('merged sources give each value once, from a bounded number of sources at a time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 8 }), fc.integer({ min: 1, max: 4 }), async (lengths, most) => {
      let open = 0
      let mostOpen = 0
      const source = async function* (number: number, length: number) {
        mostOpen = Math.max(mostOpen, ++open)
        for (let index = 0; index < length; index++) {
          await sleep(Math.random())
          yield `${number}/${index}`
        }
        open--
      }
      const found = await Array.fromAsync(
        merged(
          lengths.map((length, number) => source(number, length)),
          most,
        ),
      )
      const expected = lengths.flatMap((length, number) => Array.from({ length }, (_, index) => `${number}/${index}`))
      expect(found.toSorted()).toEqual(expected.toSorted())
      expect(mostOpen).toBeLessThanOrEqual(most)
      expect(open).toBe(0)
    }),
    { numRuns: 30 },
  )
})

test('a failure of one source ends all, after the others have stopped', async () => {
  let isAtWork = false
  const failing = async function* () {
    yield 1
    throw new Error('lost')
  }
  const slow = async function* () {
    isAtWork = true
    await sleep(20)
    isAtWork = false
    yield 2
  }
  await expect(Array.fromAsync(merged([failing(), slow()], 2))).rejects.toThrow('lost')
  expect(isAtWork).toBe(false)
})

test('results stand in the order of their items', async () => {
  const results = await inTurns([30, 1, 10], 2, async (ms) => {
    await sleep(ms)
    return ms
  })
  expect(results).toEqual([30, 1, 10])
})

test('a failure ends the turns, after those at work', async () => {
  const begun: number[] = []
  let atWork = 0
  const turns = inTurns([1, 2, 3, 4, 5, 6], 2, async (item) => {
    begun.push(item)
    atWork++
    await sleep(item === 2 ? 20 : 1)
    atWork--
    if (item === 1) throw new Error('lost')
  })
  await expect(turns).rejects.toThrow('lost')
  expect(atWork).toBe(0)
  expect(begun).toEqual([1, 2])
})
