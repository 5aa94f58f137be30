import type { ActionTarget, TagChange, TagsByKey } from '@cloudoptima/core'
import { Fault } from '@cloudoptima/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assertContract, type FateOf } from '../testing/action-contract.ts'
import { setTags } from './set-tags.ts'
import type { AccessTo, Actor } from './verdict.ts'

const target: ActionTarget = { id: 'vol-1', kind: 'volume', region: 'eu-west-1' }
const access = {} as AccessTo<'aws'>

function world(tags: Record<string, string>, fateOf: FateOf = () => 'answered') {
  const actor: Actor<'aws'> = {
    tags: async () => [{ id: target.id, tags: { ...tags } }],
    retag: async (_, changes: readonly TagChange[]) =>
      changes.map(({ resource: { id }, set, remove }) => {
        const fate = fateOf(JSON.stringify([set, remove]))
        if (fate === 'lost') throw new Fault('unavailable', 'No answer.')
        if (fate === 'throttled') return { id, refusal: 'Try again later.', isPassing: true as const }
        for (const key of Object.keys(remove)) delete tags[key]
        Object.assign(tags, set)
        return fate === 'unanswered' ? { id, refusal: 'No answer.', isPartly: true as const } : { id }
      }),
  }
  return { tags, action: setTags('aws', access, actor) }
}

const tagsOf = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), fc.constantFrom('a', 'b', 'c'))

test('the contract of an action holds, whatever befalls its calls', async () => {
  const held = assertContract({
    given: fc.record({ before: tagsOf(['owner', 'team', 'stage']), tags: tagsOf(['owner', 'team']) }),
    open: async ({ before, tags }, fateOf) => {
      const { action, tags: stored } = world({ ...before }, fateOf)
      return { action, target, parameters: { tags }, pass: () => undefined, everything: async () => ({ ...stored }) }
    },
  })
  await expect(held).resolves.toBeUndefined()
})

test('tags that cannot be read now are asked for again, and those that may not be read are not', async () => {
  const reading = (more: object): Actor<'aws'> => ({
    tags: async () => [{ id: target.id, refusal: 'No.', ...more }],
    retag: async () => [],
  })
  const read = async (more: object) => await setTags('aws', access, reading(more)).readState(target)
  await expect(read({ isPassing: true })).rejects.toMatchObject({ code: 'unavailable' })
  await expect(read({})).rejects.toMatchObject({ code: 'forbidden' })
})

test('an undo takes back its own tags only, where nobody has changed them since', async () => {
  await fc.assert(
    fc.asyncProperty(
      tagsOf(['owner', 'team', 'stage']),
      tagsOf(['owner', 'team']),
      tagsOf(['owner', 'team', 'stage', 'backup']),
      async (before, set, others) => {
        const { action, tags } = world({ ...before })
        const question = { target, parameters: { tags: set }, before: { tags: { ...before } } }
        const plan = await action.plan(question)
        if (plan === 'done already' || 'refusal' in plan) return
        const order = { ...question, after: plan.after, token: 'c0ffee', memory: {} }
        await action.act(order)
        const done: TagsByKey = { ...tags }
        Object.assign(tags, others)
        await action.undo(order)
        for (const key of Object.keys({ ...done, ...others })) {
          const isTouched = key in others && others[key] !== done[key]
          expect([key, tags[key]]).toEqual([key, isTouched ? others[key] : before[key]])
        }
      },
    ),
  )
})
