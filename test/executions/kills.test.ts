import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Executions } from '@cloudoptima/core'
import { type Fate, safety } from './cloud.ts'
import { type Machine, openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-11-23T08:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Trouble {
  /** After so many effects of the process it is killed, before or after the effect; then again. */
  kills: { after: number; isDone: boolean }[]
  fates: Fate[]
}

const ids = ['i-1', 'i-2', 'i-3']

/** Requested, approved, carried out, and taken back; the changes of each half, and how many kills happened. */
async function played({ kills, fates }: Trouble) {
  const machine = await openMachine(ids)
  const coming = [...fates]
  machine.cloud.fateOf = () => coming.shift() ?? 'answered'
  const queue = [...kills]
  const next = () => {
    const kill = queue.shift()
    if (kill) machine.killAfter(kill.after, kill.isDone)
  }
  machine.whenRestarted = next
  next()
  const id = await machine.request()
  await machine.settle()
  const planned = await machine.execution(id)
  await Executions.approve(machine.as('usr_cfo'), { id, planHash: planned.planHash ?? '' })
  await machine.settle()
  const done = await machine.execution(id)
  const changes = machine.cloud.changes.splice(0)
  await Executions.rollback(machine.as('usr_cfo'), { id })
  await machine.settle()
  const back = await machine.execution(id)
  const world = [...machine.cloud.instances.values()]
  return {
    stages: [planned.stage, done.stage, back.stage],
    changes: changes.toSorted(),
    undone: machine.cloud.changes.toSorted(),
    world,
    kills: machine.kills(),
    effects: machine.effects(),
  }
}

const usual = {
  stages: ['awaiting_approval', 'succeeded', 'rolled_back'],
  changes: ids.flatMap((id) => [`${id} modify small`, `${id} start`, `${id} stop`]),
  undone: ids.flatMap((id) => [`${id} modify large`, `${id} start`, `${id} stop`]),
  world: ids.map(() => ({ status: 'running', type: 'large' })),
}

const runs = Number(process.env['FAULT_TRIALS'] ?? 30)

test('a kill at any instant, and clouds that answer late or never: nothing is done twice, and all ends', async () => {
  const { effects, ...calm } = await played({ kills: [], fates: [] })
  expect(calm).toMatchObject(usual)
  expect(effects).toBeGreaterThan(100)
  let kills = 0
  const kill = fc.record({ after: fc.nat(effects), isDone: fc.boolean() })
  const fate = fc.constantFrom<Fate>('answered', 'answered', 'unanswered', 'lost')
  await fc.assert(
    fc.asyncProperty(
      fc.record({ kills: fc.array(kill, { minLength: 1, maxLength: 4 }), fates: fc.array(fate, { maxLength: 20 }) }),
      async (trouble) => {
        vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
        const found = await played(trouble)
        expect(found).toMatchObject(usual)
        kills += found.kills
      },
    ),
    { numRuns: runs },
  )
  expect(kills).toBeGreaterThan(runs / 2)
}, 600_000)

/** Of two resources, of which the first never takes the new type: the breaker opens, and takes all back. */
async function failing(prepare: (machine: Machine) => void) {
  vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
  const machine = await openMachine(['i-1', 'i-2'])
  machine.cloud.broken.add('i-1')
  prepare(machine)
  const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
  await machine.settle()
  const { stage, targets } = await machine.execution(id)
  const world = [...machine.cloud.instances.values()]
  return { stage, states: targets.map(({ state }) => state), world, effects: machine.effects() }
}

const takenBack = {
  stage: 'rolled_back',
  states: ['restored', 'restored'],
  world: ids.slice(1).map(() => ({ status: 'running', type: 'large' })),
}

test('a rollback by the breaker is whole, wherever a kill falls and also if each step is called twice', async () => {
  const { effects, ...calm } = await failing(() => undefined)
  expect(calm).toStrictEqual(takenBack)
  expect(await failing((machine) => (machine.isDoubled = true))).toMatchObject(takenBack)
  const stride = process.env['FAULT_TRIALS'] === undefined ? 11 : 1
  for (let after = 0; after < effects; after += stride)
    expect([after, await failing((machine) => machine.killAfter(after, true))]).toMatchObject([after, takenBack])
}, 600_000)
