import fc from 'fast-check'
import { expect, test } from 'vitest'
import { confirmationsOf } from './confirmation.ts'

type Given = Parameters<typeof confirmationsOf>[0][number]

const text = fc.constantFrom('a', 'b', 'vol-1', ' vol-1', 'a\nb', 'a\u200b', '')

/** Resources with ids of their own, and names that meet names and ids of others. */
const targets = fc
  .uniqueArray(
    fc.record({
      id: fc.oneof(text, fc.string({ minLength: 1 })),
      name: fc.option(fc.oneof(text, fc.string()), { nil: undefined }),
      state: fc.constantFrom('planned' as const, 'left_out' as const),
      undo: fc.constantFrom('full' as const, 'partial' as const, 'none' as const),
      losesData: fc.option(fc.constant('Its data is lost.'), { nil: undefined }),
    }),
    { selector: ({ id }) => id, maxLength: 6 },
  )
  .map((given) =>
    given.map(({ id, name, state, undo, losesData }, index): Given => ({
      number: index + 1,
      state,
      undo,
      target: { id, kind: 'volume', region: 'eu-west-1', ...(name !== undefined && { name }) },
      ...(losesData !== undefined && { losesData }),
    })),
  )

test('each planned resource that loses something has a text of its own, and no other resource has one', () => {
  fc.assert(
    fc.property(targets, (given) => {
      const confirmations = confirmationsOf(given)
      const lost = given.filter(
        ({ state, undo, losesData }) => state === 'planned' && (undo === 'none' || losesData !== undefined),
      )
      expect(confirmations.map(({ number }) => number)).toEqual(lost.map(({ number }) => number))
      for (const { number, resourceId, text: own } of confirmations) {
        const { name } = given.find((one) => one.number === number)?.target ?? {}
        expect([name, resourceId]).toContain(own)
        // Nobody confirms two resources with one text.
        for (const other of confirmations)
          if (other.number !== number) expect([other.text, other.resourceId]).not.toContain(own)
      }
    }),
  )
})

test.each([
  ['a name of its own', 'shop', 'shop'],
  ['no name', undefined, 'vol-1'],
  ['the name of another resource', 'twin', 'vol-1'],
  ['the id of another resource', 'vol-2', 'vol-1'],
  ['a name that nobody can type', 'shop\u202e', 'vol-1'],
  ['a name that begins with a space', ' shop', 'vol-1'],
])('%s', (_, name, wanted) => {
  const lost = (number: number, id: string, own: string | undefined): Given => ({
    number,
    state: 'planned',
    undo: 'none',
    target: { id, kind: 'volume', region: 'eu-west-1', ...(own !== undefined && { name: own }) },
  })
  expect(confirmationsOf([lost(1, 'vol-1', name), lost(2, 'vol-2', 'twin')])[0]?.text).toBe(wanted)
})
