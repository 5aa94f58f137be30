import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Actor, Approvals, Executions, ExecutionStop, type Fault } from '@cloudoptima/core'
import { testContext } from '@cloudoptima/core/testing'
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
  /** In the order of the requests. */
  requested: { id: string; caps: Caps }[]
  /** Links that have decided. */
  used: Set<string>
}

interface Caps {
  resources: number
  /** Of resources that cost 10 a month each. */
  money: number
  sharePercent: number
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
      // The time passes while an operation waits, as after a conflict of two writers.
      let isOver = false
      const done = run(machine, model).finally(() => (isOver = true))
      while (!isOver) await Promise.race([done, machine.tick(50)])
      await done
      await invariants(machine, model)
    },
  }
}

const person = fc.constantFrom(...users)
const some = fc.nat(5)
const request = fc
  .record({
    requestedBy: fc.oneof({ arbitrary: person, weight: 4 }, { arbitrary: fc.constant('key_usr_cfo'), weight: 1 }),
    caps: fc.record({
      resources: fc.integer({ min: 1, max: 4 }),
      money: fc.constantFrom(9, 10, 25, 1000),
      sharePercent: fc.constantFrom(30, 50, 100),
    }),
    requireApproval: fc.boolean(),
  })
  .map(({ requestedBy, caps, requireApproval }) =>
    command(
      `request by ${requestedBy} ${JSON.stringify(caps)}, approval ${requireApproval}`,
      async (machine, model) => {
        const safetyControls = {
          ...safety,
          maxResourcesPerExecution: caps.resources,
          maxMonthlyCost: { amount: String(caps.money), currency: 'USD' },
          maxSharePercent: caps.sharePercent,
          requireApproval,
        }
        await attempt(machine.request({ requestedBy, safetyControls }).then((id) => model.requested.push({ id, caps })))
      },
    ),
  )

const approve = fc.record({ n: some, by: person, isRight: fc.nat(3).map((n) => n > 0) }).map(({ n, by, isRight }) =>
  command(`approve ${n} by ${by}, ${isRight ? 'its' : 'another'} hash`, async (machine, model) => {
    const one = chosen(model, n)
    if (!one) return
    const { planHash } = await machine.execution(one.id)
    await attempt(Executions.approve(machine.as(by), { id: one.id, planHash: (isRight && planHash) || 'x' }))
  }),
)

/** Each link of the mails that were sent to the person, by its number. */
const linksOf = ({ store }: Machine, n: number): string | undefined => {
  const tokens = store.mails.flatMap(({ text }) => /token=(\S+)/.exec(text)?.[1] ?? [])
  return tokens[n % Math.max(1, tokens.length)]
}

const byMail = fc
  .record({ n: fc.nat(20), isRight: fc.nat(3).map((n) => n > 0), isNo: fc.nat(4).map((n) => n === 0) })
  .map(({ n, isRight, isNo }) =>
    command(
      `${isNo ? 'reject' : 'approve'} by link ${n}, ${isRight ? 'its' : 'another'} hash`,
      async (machine, model) => {
        const token = linksOf(machine, n)
        if (token === undefined) return
        const anyone = testContext(machine.store, { now: () => new Date(), actor: Actor.anonymous() })
        const opened = await Approvals.shown(anyone, token).catch(() => undefined)
        const planHash = (isRight && opened?.execution.planHash) || 'x'
        const decision = isNo ? 'reject' : 'approve'
        const input = { token, planHash, decision, confirm: '', reason: '' } as const
        await attempt(
          Approvals.decide(anyone, input).then(() => {
            if (model.used.has(token)) machine.violations.push(`A link has decided twice: ${token}`)
            model.used.add(token)
          }),
        )
      },
    ),
  )

const byKey = fc.record({ n: some, by: person }).map(({ n, by }) =>
  command(`approve ${n} by a key of ${by}`, async (machine, model) => {
    const one = chosen(model, n)
    if (!one) return
    const { planHash } = await machine.execution(one.id)
    await attempt(
      Executions.approve(machine.byKeyOf(by), { id: one.id, planHash: planHash ?? 'x' }).then(() =>
        machine.violations.push('An API key has approved.'),
      ),
    )
  }),
)

const settle = fc.constant(command('settle', async (machine) => await machine.settle()))

// Twice as likely as the others.
const commands = [
  request,
  request,
  approve,
  approve,
  byMail,
  byMail,
  byKey,
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
  fc.integer({ min: 1, max: 2 }).map((approvals) =>
    command(`${approvals} approvals from now on`, async (machine) => {
      await machine.organization({ approvalRules: { approvals, allowSelfApproval: false } })
    }),
  ),
  fc
    .constantFrom(0, 3000, 14_000)
    .map((ms) => command(`changes arrive after ${ms} ms`, async ({ cloud }) => void (cloud.delayOf = () => ms))),
  fc.nat(4).map((turns) =>
    command(`${turns} turns`, async (machine) => {
      for (let n = 0; n < turns; n++) await machine.turn()
    }),
  ),
]

/** Never beyond a cap; what a rollback took back is as before, unless somebody else changed it. */
async function invariants(machine: Machine, { requested }: Model): Promise<void> {
  if (machine.violations.length > 0) throw new Error(machine.violations.join('\n'))
  for (const { id, caps } of requested) {
    const { targets } = await machine.execution(id)
    const begun = targets.filter(({ startedAt }) => startedAt !== null).length
    const isBeyond =
      begun > caps.resources || begun * 10 > caps.money || begun > Math.floor((ids.length * caps.sharePercent) / 100)
    if (isBeyond) throw new Error(`${id} has begun ${begun} targets, and its caps are ${JSON.stringify(caps)}`)
    for (const { state, notRestored, logs } of targets)
      if (state === 'restored' && (notRestored ?? []).length > 0 && !machine.isTouched)
        throw new Error(`A rollback does not lead back: ${logs.join('\n')}`)
  }
}

// `npm run faults` sets FAULTS=all. The default is a sample.
const runs = process.env['FAULTS'] === 'all' ? 100 : 20
const mostRounds = 10

test('no act without a matching approval, none outside of the frozen set, beyond a cap, or while all is stopped', async () => {
  const seen = { changes: 0, kills: 0, links: 0, executions: 0 }
  let rounds = 0
  // A few runs may have no kill, or no link.
  for (; rounds === 0 || (Object.values(seen).includes(0) && rounds < mostRounds); rounds++)
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (given) => {
        vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
        const machine = await openMachine(ids)
        await machine.store.tables.apiKeys.put(orgId, keyOf('usr_cfo'))
        machine.cloud.witness = async (resourceId, call) => {
          const complaint = await complaintOf(machine, resourceId)
          if (complaint !== undefined) machine.violations.push(`${resourceId} ${call}: ${complaint}`)
        }
        const model: Model = { requested: [], used: new Set() }
        await fc.asyncModelRun(() => ({ model, real: machine }), given)
        await machine.settle()
        await invariants(machine, model)
        seen.changes += machine.cloud.changes.length
        seen.kills += machine.kills()
        seen.links += model.used.size
        seen.executions += model.requested.length
      }),
      { numRuns: runs, endOnFailure: true },
    )
  process.stdout.write(`the model of executions: ${rounds * runs} runs, ${JSON.stringify(seen)}\n`)
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
}, 900_000)

const keyOf = (createdBy: string) => ({
  id: `key_${createdBy}`,
  name: 'key',
  permissions: [],
  hash: 'x',
  createdBy,
  createdAt: '2026-11-23T08:00:00Z',
  expiresAt: '2027-11-23T08:00:00Z',
  lastUsedAt: null,
})

/** Why no execution may change the resource now. */
async function complaintOf({ store }: Machine, resourceId: string): Promise<string | undefined> {
  const { tables } = store
  const stopped = (await tables.organizations.get(orgId, orgId))?.stopped
  if (stopped) return 'all executions are stopped'
  const targets = await tables.executionTargets.all(orgId)
  const allowed = await Promise.all(
    targets.map(async ({ id, target, state, hash }) => {
      if (target.id !== resourceId || (state !== 'acting' && state !== 'undoing') || hash === undefined) return false
      const execution = await tables.policyExecutions.get(orgId, id.split('/')[0] ?? '')
      if (!execution) return false
      const { status, approvals, approvalsNeeded, planHash, requestedBy } = execution
      const good = new Set(
        approvals.filter((one) => one.planHash === planHash && !requestedBy.endsWith(one.by)).map(({ by }) => by),
      )
      return good.size >= approvalsNeeded && status === (state === 'acting' ? 'executing' : 'rolling_back')
    }),
  )
  const count = allowed.filter(Boolean).length
  return count === 1 ? undefined : `${count} executions are approved to change it now`
}
