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
  /** At the boundary of a step of the workflow. */
  boundary?: { number: number; isDone: boolean }
  /** After so many effects of the process it is killed, before or after the effect; then again. */
  kills: { after: number; isDone: boolean }[]
  fates: Fate[]
}

const ids = ['i-1', 'i-2', 'i-3']

/** Requested, approved, carried out, and taken back; the changes of each half, and how many kills happened. */
async function played({ kills, fates, boundary }: Trouble) {
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
  if (boundary) machine.killAtStep(boundary.number, boundary.isDone)
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
    steps: machine.steps(),
  }
}

const usual = {
  stages: ['awaiting_approval', 'succeeded', 'rolled_back'],
  changes: ids.flatMap((id) => [`${id} modify small`, `${id} start`, `${id} stop`]),
  undone: ids.flatMap((id) => [`${id} modify large`, `${id} start`, `${id} stop`]),
  world: ids.map(() => ({ status: 'running', type: 'large' })),
}

// `npm run faults` sets FAULTS=all. The default is a sample.
const isFull = process.env['FAULTS'] === 'all'
const instants = isFull ? 200 : 20
const stride = isFull ? 1 : 9

const report = (line: string) => process.stdout.write(`an execution and its rollback: ${line}\n`)

test('a kill before or after each step of the workflow: nothing is done twice, and all ends', async () => {
  const { steps, effects: _, ...calm } = await played({ kills: [], fates: [] })
  expect(calm).toMatchObject(usual)
  expect(steps).toBeGreaterThan(25)
  let kills = 0
  for (let number = 0; number < steps; number += stride)
    for (const isDone of [false, true]) {
      vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
      const found = await played({ kills: [], fates: [], boundary: { number, isDone } })
      expect([number, isDone, found.kills, found]).toMatchObject([number, isDone, 1, usual])
      kills += found.kills
    }
  report(`${kills} kills at the boundaries of ${steps} steps`)
}, 600_000)

test('a kill at any instant, and clouds that answer late or never: nothing is done twice, and all ends', async () => {
  const { effects } = await played({ kills: [], fates: [] })
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
    { numRuns: instants },
  )
  report(`${kills} kills in ${instants} runs, at random among ${effects} effects`)
  expect(kills).toBeGreaterThan(instants / 2)
}, 900_000)

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
  const every = isFull ? 3 : 11
  for (let after = 0; after < effects; after += every)
    expect([after, await failing((machine) => machine.killAfter(after, true))]).toMatchObject([after, takenBack])
}, 600_000)
