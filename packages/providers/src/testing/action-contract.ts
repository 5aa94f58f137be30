import assert from 'node:assert/strict'
import type {
  ActionOrder,
  ActionParameters,
  ActionPlan,
  ActionState,
  ActionTarget,
  CloudAction,
} from '@cloudoptima/core'
import { isFault } from '@cloudoptima/core'
import fc from 'fast-check'

// The contract of `CloudAction`, as a property of any implementation in any world.

/**
 * What befalls a changing call. `unanswered`: it is carried out, and no answer comes. `lost`: it does not arrive.
 * `throttled`: the cloud refuses it for now.
 */
export type Fate = 'answered' | 'unanswered' | 'lost' | 'throttled'

/** What the world asks before it carries a changing call out. It asks for no call that it refuses, or that repeats one. */
export type FateOf = (call: string) => Fate

/** A cloud with one resource, and the action on it. */
export interface ActionWorld {
  action: CloudAction
  target: ActionTarget
  parameters: ActionParameters
  /** Time goes by, in which the cloud continues its work. */
  pass(seconds: number): void
  /** All that must be as before after an undo, without the things that the plan calls lost. */
  everything(target: ActionTarget): Promise<unknown>
  /** Ends the world. */
  close?(): Promise<void>
}

interface Contract<Given> {
  /** The states of the world in which the action is tried. */
  given: fc.Arbitrary<Given>
  open(given: Given, fateOf: FateOf): Promise<ActionWorld>
  runs?: number
}

const fates = ['answered', 'unanswered', 'lost', 'throttled'] as const
const trouble = fc.record({
  fates: fc.array(fc.constantFrom(...fates), { maxLength: 8 }),
  /** The process ends after the call, and what the call returned is not stored. */
  kills: fc.array(fc.boolean(), { maxLength: 12 }),
})
type Trouble = typeof trouble extends fc.Arbitrary<infer Value> ? Value : never

const scenario = fc.record({
  act: trouble,
  undo: trouble,
  /** The undo begins after so many calls of `act`; undefined: after the last. */
  actCalls: fc.option(fc.nat(8), { nil: undefined }),
})

const mostCalls = 200
const quiet = (): Trouble => ({ fates: [], kills: [] })
const stored = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value

/**
 * Asserts that the action keeps its contract from each given state, whatever befalls its calls: it ends in the planned
 * state, its undo ends in the state of before, each change is made as often as without trouble, each call changes at
 * most one thing, and a refusal changes nothing.
 */
export async function assertContract<Given>({ given, open, runs = 25 }: Contract<Given>): Promise<void> {
  let planned = 0
  // Of few given states, all may be without a plan.
  for (let rounds = 0; planned === 0 && rounds < mostRounds; rounds++)
    await fc.assert(
      fc.asyncProperty(given, scenario, async (state, { act, undo, actCalls }) => {
        const usual = await played(state, open, { act: quiet(), undo: quiet() })
        if (!usual) return
        planned++
        const found = await played(state, open, { act, undo })
        assert.deepEqual(found, usual, 'Trouble led to other changes')
        await played(state, open, { act, undo, actCalls })
      }),
      { numRuns: runs, includeErrorInReport: true },
    )
  assert(planned > 0, 'No given state had a plan: the property is empty')
}

const mostRounds = 5

interface Played {
  act: Trouble
  undo: Trouble
  actCalls?: number | undefined
}

/** Plays a scenario in a new world; the changes in alphabetical order, or undefined if there is no plan. */
async function played<Given>(
  state: Given,
  open: Contract<Given>['open'],
  { act, undo, actCalls }: Played,
): Promise<{ act: string[]; undo: string[] } | undefined> {
  const cloud = recorded()
  const world = await open(state, cloud.fateOf)
  try {
    const { action, target, parameters } = world
    const read = await action.readState(target)
    assert(read !== undefined, 'The world has no such resource')
    const before = stored(read)
    assert.deepEqual(stored(await action.readState(target)), before, 'The state is volatile')
    const all = stored(await world.everything(target))
    const plan = await action.plan({ target, parameters, before })
    assert.deepEqual(cloud.take(), [], 'The plan changed something')
    if (!isFeasible(plan)) return undefined
    const order: ActionOrder = { ...stored({ target, parameters, before, after: plan.after }), token, memory: {} }
    if (plan.losesData !== null) {
      assert.match(plan.losesData, /^[A-Z].*\.$/s, 'A loss of data is a sentence')
      assert.notEqual(plan.undo, 'full', 'An undo that loses data is not full')
    }
    await run(world, order, 'act', { ...act, cloud, most: actCalls })
    const changes = { act: cloud.take(), undo: new Array<string>() }
    if (actCalls === undefined) await checkDone(world, order, cloud)
    if (plan.undo === 'none') return changes
    await run(world, order, 'undo', { ...undo, cloud })
    changes.undo = cloud.take()
    const restored = action.restored?.(order) ?? target
    assert.deepEqual(stored(await world.everything(restored)), all, 'The undo does not lead back')
    await run(world, order, 'undo', { ...quiet(), cloud, most: 1 })
    assert.deepEqual(cloud.take(), [], 'A repeated undo changes something')
    return changes
  } finally {
    await world.close?.()
  }
}

const token = 'c0ffee00c0ffee00c0ffee00c0ffee00'

function isFeasible(plan: ActionPlan): plan is Extract<ActionPlan, { after: ActionState | null }> {
  if (plan === 'done already') return false
  if (!('refusal' in plan)) return true
  assert.match(plan.refusal, /^\S.*[.!]$/s, 'A refusal is a sentence')
  return false
}

async function checkDone(world: ActionWorld, order: ActionOrder, cloud: Recorded): Promise<void> {
  const { action, target } = world
  assert.deepEqual(await action.verify(order), [], 'The action ends in another state than planned')
  assert.deepEqual(stored((await action.readState(target)) ?? null), order.after)
  await run(world, order, 'act', { ...quiet(), cloud, most: 1 })
  assert.deepEqual(cloud.take(), [], 'A repeated act changes something')
}

interface Recorded {
  fateOf: FateOf
  /** The changing calls that arrived, whatever befell them. */
  attempts(): number
  meet(fates: readonly Fate[]): void
  /** The changes since the last time, in alphabetical order. */
  take(): string[]
}

function recorded(): Recorded {
  const changes: string[] = []
  let [attempts, coming]: [number, Fate[]] = [0, []]
  return {
    fateOf: (call) => {
      attempts++
      const fate = coming.shift() ?? 'answered'
      if (fate === 'answered' || fate === 'unanswered') changes.push(call)
      return fate
    },
    attempts: () => attempts,
    meet: (next) => void (coming = [...next]),
    take: () => changes.splice(0).toSorted(),
  }
}

/** Calls a step until it is done, or `most` times; `order.memory` becomes as it would be stored. */
async function run(
  { action, pass }: ActionWorld,
  order: ActionOrder,
  step: 'act' | 'undo',
  { fates: coming, kills, cloud, most }: Trouble & { cloud: Recorded; most?: number | undefined },
): Promise<void> {
  cloud.meet(coming)
  const killed = kills.values()
  for (let calls = 0; calls < (most ?? mostCalls); calls++) {
    const attempts = cloud.attempts()
    const answer = await action[step](stored(order)).catch((error: unknown) => {
      if (isFault(error, 'unavailable') || isFault(error, 'rate_limited')) return undefined
      throw error
    })
    assert(cloud.attempts() - attempts <= 1, `One call of ${step} made more than one change`)
    if (answer?.state === 'refused') assert.fail(`${step} was refused: ${answer.message}`)
    if (answer === undefined || killed.next().value === true) {
      pass(1)
      continue
    }
    order.memory = stored(answer.memory)
    if (answer.state === 'done') return
    pass(answer.waitSeconds)
  }
  assert(most !== undefined, `${step} does not end`)
  cloud.meet([])
}
