import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { definitionOf, programs, start } from './testing/programs.ts'
import { type Kill, runMortal, stable } from './testing/mortal.ts'

const kills: fc.Arbitrary<Kill[]> = fc.array(
  fc.record({ write: fc.integer({ min: 1, max: 25 }), moment: fc.constantFrom('before', 'after') }),
  { minLength: 1, maxLength: 4 },
)

test('killed at any write, a workflow comes to what it comes to without, and runs nothing again that had ended', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  let lives = 0
  let invoked = 0
  await fc.assert(
    fc.asyncProperty(programs, kills, async (program, kills) => {
      const definition = definitionOf(program)
      const unkilled = await runMortal(definition, start, [])
      const killed = await runMortal(definition, start, kills)
      lives += killed.life
      invoked += unkilled.invoked
      expect(killed.repeated).toEqual([])
      expect(stable(killed.end)).toBe(stable(unkilled.end))
    }),
    { numRuns: 200 },
  )
  process.stdout.write(`${lives} kills, ${invoked} tasks\n`)
  expect(lives).toBeGreaterThan(100)
  expect(invoked).toBeGreaterThan(500)
})
