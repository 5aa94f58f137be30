import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Executions, ExecutionStop, type Fault } from '@cloudoptima/core'
import { safety } from './cloud.ts'
import { type Machine, openMachine, orgId } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-11-23T08:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Model {
  /** In the order of the requests; with the cap of each. */
  requested: { id: string; cap: number; requestedBy: string }[]
}

type Command = fc.AsyncCommand<Model, Machine>

const ids = ['i-1', 'i-2', 'i-3', 'i-4']
const users = ['usr_dev', 'usr_cfo', 'usr_admin', 'usr_engineer'] as const

/** What people may not do is refused, and a killed process does not answer; anything else is an error. */
async function attempt(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const { code } = error as Fault
    if (!['conflict', 'forbidden', 'invalid', 'unavailable'].includes(code)) throw error
  }
}

const chosen = ({ requested }: Model, n: number) => requested[n % Math.max(1, requested.length)]

function command(name: string, run: (machine: Machine, model: Model) => Promise<void>): Command {
  return {
    check: () => true,
    toString: () => name,
    run: async (model, machine) => {
      await run(machine, model)
      await invariants(machine, model)
    },
  }
}

const person = fc.constantFrom(...users)
const some = fc.nat(5)
const request = fc
  .record({ requestedBy: person, cap: fc.integer({ min: 1, max: 4 }), requireApproval: fc.boolean() })
  .map(({ requestedBy, cap, requireApproval }) =>
    command(`request by ${requestedBy}, cap ${cap}, approval ${requireApproval}`, async (machine, model) => {
      const safetyControls = { ...safety, maxResourcesPerExecution: cap, requireApproval }
      await attempt(
        machine.request({ requestedBy, safetyControls }).then((id) => model.requested.push({ id, cap, requestedBy })),
      )
    }),
  )

const approve = fc.record({ n: some, by: person, isRight: fc.nat(3).map((n) => n > 0) }).map(({ n, by, isRight }) =>
  command(`approve ${n} by ${by}, ${isRight ? 'its' : 'another'} hash`, async (machine, model) => {
    const one = chosen(model, n)
    if (!one) return
    const { planHash } = await machine.execution(one.id)
    await attempt(Executions.approve(machine.as(by), { id: one.id, planHash: (isRight && planHash) || 'x' }))
  }),
)

const settle = fc.constant(command('settle', async (machine) => await machine.settle()))

// Twice as likely as the others.
const commands = [
  request,
  request,
  approve,
  approve,
  approve,
  settle,
  settle,
  fc.record({ n: some, by: person }).map(({ n, by }) =>
    command(`reject ${n} by ${by}`, async (machine, model) => {
      const one = chosen(model, n)
      if (one) await attempt(Executions.reject(machine.as(by), { id: one.id, reason: 'No.' }))
    }),
  ),
  fc.record({ n: some, by: person }).map(({ n, by }) =>
    command(`cancel ${n} by ${by}`, async (machine, model) => {
      const one = chosen(model, n)
      if (one) await attempt(Executions.cancel(machine.as(by), { id: one.id }))
    }),
  ),
  fc.record({ n: some, by: person }).map(({ n, by }) =>
    command(`roll back ${n} by ${by}`, async (machine, model) => {
      const one = chosen(model, n)
      if (one) await attempt(Executions.rollback(machine.as(by), { id: one.id }))
    }),
  ),
  fc.constant(
    command('stop', async (machine) => await attempt(ExecutionStop.stop(machine.as('usr_cfo'), { reason: 'Now.' }))),
  ),
  fc.constant(command('resume', async (machine) => void (await ExecutionStop.resume(machine.as('usr_admin'), {})))),
  fc.constantFrom(...ids).map((id) =>
    command(`somebody else changes ${id}`, async (machine) => {
      const { cloud } = machine
      machine.isTouched = true
      const { type = '', status = 'running' } = cloud.instances.get(id) ?? {}
      if (status !== 'stopping') cloud.instances.set(id, { status, type: type === 'large' ? 'huge' : 'large' })
    }),
  ),
  fc
    .record({ after: fc.nat(60), isDone: fc.boolean() })
    .map(({ after, isDone }) =>
      command(`kill after ${after} effects`, async (machine) => machine.killAfter(after, isDone)),
    ),
  fc.nat(4).map((turns) =>
    command(`${turns} turns`, async (machine) => {
      for (let n = 0; n < turns; n++) await machine.turn()
    }),
  ),
]

/** Never beyond a cap; what a rollback took back is as before, unless somebody else changed it. */
async function invariants(machine: Machine, { requested }: Model): Promise<void> {
  if (machine.violations.length > 0) throw new Error(machine.violations.join('\n'))
  for (const { id, cap } of requested) {
    const { targets } = await machine.execution(id)
    const begun = targets.filter(({ startedAt }) => startedAt !== null)
    if (begun.length > cap) throw new Error(`${id} has begun ${begun.length} targets, and its cap is ${cap}`)
    for (const { state, notRestored, logs } of targets)
      if (state === 'restored' && (notRestored ?? []).length > 0 && !machine.isTouched)
        throw new Error(`A rollback does not lead back: ${logs.join('\n')}`)
  }
}

// `npm run faults` sets FAULTS=all.
const runs = process.env['FAULTS'] === 'all' ? 100 : 25

test('no act without a matching approval, none outside of the frozen set, beyond a cap, or while all is stopped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (given) => {
      vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
      const machine = await openMachine(ids)
      machine.cloud.witness = async (resourceId, call) => {
        const complaint = await complaintOf(machine, resourceId)
        if (complaint !== undefined) machine.violations.push(`${resourceId} ${call}: ${complaint}`)
      }
      await fc.asyncModelRun(() => ({ model: { requested: [] }, real: machine }), given)
      await machine.settle()
      expect(machine.violations).toStrictEqual([])
    }),
    { numRuns: runs },
  )
}, 600_000)

/** Why no execution may change the resource now. */
async function complaintOf({ store }: Machine, resourceId: string): Promise<string | undefined> {
  const { tables } = store
  const stopped = (await tables.organizations.get(orgId, orgId))?.stopped
  // What was being sent may still arrive.
  if (stopped && Date.now() - Date.parse(stopped.at) > 5000) return 'all executions are stopped'
  const targets = await tables.executionTargets.all(orgId)
  const allowed = await Promise.all(
    targets.map(async ({ id, target, state, hash }) => {
      if (target.id !== resourceId || (state !== 'acting' && state !== 'undoing') || hash === undefined) return false
      const execution = await tables.policyExecutions.get(orgId, id.split('/')[0] ?? '')
      if (!execution) return false
      const { status, approvals, approvalsNeeded, planHash, requestedBy } = execution
      const good = new Set(
        approvals.filter((one) => one.planHash === planHash && one.by !== requestedBy).map(({ by }) => by),
      )
      return good.size >= approvalsNeeded && status === (state === 'acting' ? 'executing' : 'rolling_back')
    }),
  )
  const count = allowed.filter(Boolean).length
  return count === 1 ? undefined : `${count} executions are approved to change it now`
}
