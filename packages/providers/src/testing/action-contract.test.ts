import type { ActionOrder, ActionStep, CloudAction } from '@cloudoptima/core'
import { Fault } from '@cloudoptima/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ActionWorld, assertContract, type FateOf } from './action-contract.ts'

type Mistake = 'two changes at once' | 'no way back' | 'trusts its memory' | 'changes in the plan'

/** A disk that is copied and then deleted, with the mistakes that the contract must find. */
function diskOf(state: 'there' | 'protected', fateOf: FateOf, mistake?: Mistake): ActionWorld {
  const copies: string[] = []
  let exists = true
  const change = (call: string, carryOut: () => void) => {
    const fate = fateOf(call)
    if (fate === 'answered' || fate === 'unanswered') carryOut()
    if (fate === 'throttled') throw new Fault('rate_limited', 'Slower.', [], 1)
    if (fate !== 'answered') throw new Fault('unavailable', 'No answer.')
  }
  const copy = ({ token }: ActionOrder) => change('Copy', () => void copies.push(token))
  const remove = () => change('Delete', () => void (exists = false))
  const restore = () => change('Restore', () => void (exists = true))
  const forget = () => change('Forget', () => void copies.splice(0, 1))
  const done: ActionStep = { state: 'done', memory: { copy: true } }
  const goingOn: ActionStep = { state: 'going on', memory: { copy: true }, waitSeconds: 1, says: 'It goes on.' }
  const action: CloudAction = {
    readState: async () => (exists ? { State: state } : undefined),
    plan: async () => {
      if (mistake === 'changes in the plan') remove()
      if (state === 'protected') return { refusal: 'It is protected.' }
      return { after: null, undo: 'full', lost: [], losesData: null, notes: [] }
    },
    act: async (order) => {
      if (!exists) return done
      const isCopied = mistake === 'trusts its memory' ? order.memory['copy'] === true : copies.includes(order.token)
      if (!isCopied) copy(order)
      if (isCopied || mistake === 'two changes at once') remove()
      return goingOn
    },
    verify: async () => (exists ? ['It is still there.'] : []),
    undo: async () => {
      if (mistake === 'no way back') return done
      if (!exists) restore()
      else if (copies.length > 0) forget()
      else return done
      return goingOn
    },
  }
  return {
    action,
    target: { id: 'disk', kind: 'volume', region: 'here' },
    parameters: {},
    pass: () => undefined,
    everything: async () => ({ exists, copies }),
  }
}

const contractOf = (states: readonly ('there' | 'protected')[], mistake?: Mistake) =>
  assertContract({
    given: fc.constantFrom(...states),
    open: async (state, fateOf) => diskOf(state, fateOf, mistake),
    runs: 100,
  })

test('an action that keeps the contract passes', async () => {
  await expect(contractOf(['there', 'protected'])).resolves.toBeUndefined()
})

test.each([
  ['two changes at once', 'more than one change'],
  ['no way back', 'does not lead back'],
  ['trusts its memory', 'Trouble led to other changes|does not lead back'],
  ['changes in the plan', 'The plan changed something'],
] as const)('a mistake is found: %s', async (mistake, message) => {
  await expect(contractOf(['there'], mistake)).rejects.toThrow(new RegExp(message))
})

test('states without any plan prove nothing', async () => {
  await expect(contractOf(['protected'])).rejects.toThrow('the property is empty')
})
