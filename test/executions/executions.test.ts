import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CloudAction, Executions, ExecutionStop } from '@cloudoptima/core'
import { safety } from './cloud.ts'
import { type Machine, openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-11-23T08:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

const [daySeconds, hourSeconds] = [86_400, 3_600]

/** The execution, planned and approved by the CFO. */
async function approved(machine: Machine, given: Parameters<Machine['request']>[0] = {}): Promise<string> {
  const id = await machine.request(given)
  await machine.settle()
  const { planHash } = await machine.execution(id)
  await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
  await machine.settle()
  return id
}

const typesIn = ({ cloud }: Machine) => [...cloud.instances.values()].map(({ type }) => type).join(' ')
const statesOf = ({ targets }: { targets: { state: string }[] }) => targets.map(({ state }) => state).join(' ')

describe('an execution', () => {
  test('plans, waits for somebody else, does exactly the plan, and takes it back', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await machine.request()
    await machine.settle()
    const planned = await machine.execution(id)
    expect(planned).toMatchObject({ stage: 'awaiting_approval', resourcesAffected: 0, approvalsNeeded: 1 })
    expect(planned.targets.map(({ before, after }) => [before?.['type'], after?.['type']])).toStrictEqual([
      ['large', 'small'],
      ['large', 'small'],
    ])
    expect(machine.cloud.changes).toStrictEqual([])
    const planHash = planned.planHash ?? ''
    const refused = Executions.approve(machine.as('usr_dev'), { id, planHash })
    await expect(refused).rejects.toMatchObject({ code: 'forbidden' })
    const otherPlan = Executions.approve(machine.as('usr_cfo'), { id, planHash: 'another' })
    await expect(otherPlan).rejects.toMatchObject({ code: 'conflict' })
    await Executions.approve(machine.as('usr_cfo'), { id, planHash })
    await machine.settle()
    expect(await machine.execution(id)).toMatchObject({ stage: 'succeeded', status: 'success', resourcesAffected: 2 })
    expect([...machine.cloud.instances.values()]).toStrictEqual([
      { status: 'running', type: 'small' },
      { status: 'running', type: 'small' },
    ])
    await Executions.rollback(machine.as('usr_cfo'), { id, reason: 'Too slow.' })
    await machine.settle()
    expect(await machine.execution(id)).toMatchObject({ stage: 'rolled_back', status: 'failed', resourcesAffected: 0 })
    expect([...machine.cloud.instances.values()]).toStrictEqual([
      { status: 'running', type: 'large' },
      { status: 'running', type: 'large' },
    ])
    const entries = await machine.store.tables.audit.all('org_1')
    const audited = entries.filter(({ result }) => result === 'success')
    expect(audited.map(({ action, resourceId }) => [action, resourceId])).toStrictEqual([
      ['executions.approve', id],
      ['executions.act', 'i-1'],
      ['executions.act', 'i-2'],
      ['executions.rollback', id],
      ['executions.undo', 'i-2'],
      ['executions.undo', 'i-1'],
    ])
    expect(machine.cloud.changes.filter((call) => call.startsWith('i-1'))).toStrictEqual([
      'i-1 stop',
      'i-1 modify small',
      'i-1 start',
      'i-1 stop',
      'i-1 modify large',
      'i-1 start',
    ])
  })

  test('a dry run changes nothing, and needs no approval', async () => {
    const machine = await openMachine(['i-1'])
    const id = await machine.request({ dryRun: true })
    await machine.settle()
    expect(await machine.execution(id)).toMatchObject({ stage: 'planned', status: null })
    expect(machine.cloud.changes).toStrictEqual([])
    const trigger = { type: 'event' as const, name: 'resource.changed' as const, eventId: 'evt_1' }
    const cause = { kind: 'policy' as const, policyId: 'pol_1', policyName: 'Smaller instances', trigger }
    const first = await machine.request({ dryRun: true, cause })
    await machine.settle()
    const { outcome } = await machine.execution(first)
    expect(outcome).toContain('The same trigger does not come again: execute the policy to change them.')
  })

  test('is found by each of its resources, the newest first, unless it left the resource out', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const first = await machine.request({ dryRun: true })
    await machine.settle()
    // The type is the one that it should have already.
    machine.cloud.instances.set('i-2', { status: 'running', type: 'small' })
    const second = await machine.request()
    await machine.settle()
    const of = async (id: string, accountId = '123456789012') =>
      await Executions.ofResource(machine.as('usr_admin'), { provider: 'aws', accountId, id })
    const found = await of('I-1')
    expect(found.map(({ id, action, stage }) => [id, action, stage])).toStrictEqual([
      [second, 'resize-instance', 'awaiting_approval'],
      [first, 'resize-instance', 'planned'],
    ])
    expect((await of('i-2')).map(({ id }) => id)).toStrictEqual([first])
    expect(await of('i-3')).toStrictEqual([])
    expect(await of('i-1', '999999999999')).toStrictEqual([])
    const other = { ...machine.as('usr_admin'), orgId: 'org_2' }
    expect(await Executions.ofResource(other, { provider: 'aws', accountId: '123456789012', id: 'i-1' })).toStrictEqual(
      [],
    )
  })

  test('one that is rejected, canceled or never decided changes nothing', async () => {
    const machine = await openMachine(['i-1'])
    const [rejected, canceled, forgotten] = [await machine.request(), await machine.request(), await machine.request()]
    await machine.settle()
    await Executions.reject(machine.as('usr_cfo'), { id: rejected, reason: 'We need it.' })
    await Executions.cancel(machine.as('usr_engineer'), { id: canceled })
    await machine.settle()
    for (let day = 0; day < 8; day++) await machine.pass(daySeconds)
    const mails = machine.store.mails.filter(({ to }) => to === 'cfo@example.com')
    expect(mails.length).toBeGreaterThan(6)
    expect(mails[0]?.text).toContain('/v1/approve?token=coa_')
    expect((await machine.execution(rejected)).stage).toBe('rejected')
    expect((await machine.execution(canceled)).stage).toBe('canceled')
    expect((await machine.execution(forgotten)).stage).toBe('expired')
    expect(machine.cloud.changes).toStrictEqual([])
  })

  test('where two approvals are needed, one person cannot give both', async () => {
    const machine = await openMachine(['i-1'])
    await machine.organization({ approvalRules: { approvals: 2, allowSelfApproval: false } })
    const id = await approved(machine)
    const { planHash } = await machine.execution(id)
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    expect(await machine.execution(id)).toMatchObject({ stage: 'awaiting_approval', approvals: [{ by: 'usr_cfo' }] })
    await Executions.approve(machine.as('usr_admin'), { id, planHash: planHash ?? '' })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('succeeded')
  })

  test('a resource that has moved since the plan is dropped and named', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await machine.request()
    await machine.settle()
    machine.cloud.instances.set('i-1', { status: 'running', type: 'huge' })
    const { planHash } = await machine.execution(id)
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await machine.settle()
    const done = await machine.execution(id)
    expect(done).toMatchObject({ stage: 'partial', status: 'partial' })
    expect(done.targets[0]).toMatchObject({ state: 'dropped', reason: 'It has changed since the plan: type.' })
    expect(typesIn(machine)).toBe('huge small')
  })

  test('a plan that was changed in the store is not carried out', async () => {
    const machine = await openMachine(['i-1'])
    const id = await machine.request()
    await machine.settle()
    const { planHash } = await machine.execution(id)
    await machine.store.tables.executionTargets.update('org_1', `${id}/001`, (target) => ({
      ...target,
      after: { status: 'running', type: 'huge' },
    }))
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('failed')
    expect(machine.cloud.changes).toStrictEqual([])
  })

  test('two executions never change one resource at a time', async () => {
    const machine = await openMachine(['i-1'])
    const [first, second] = [await machine.request(), await machine.request()]
    await machine.settle()
    for (const id of [first, second])
      await Executions.approve(machine.as('usr_cfo'), { id, planHash: (await machine.execution(id)).planHash ?? '' })
    await machine.settle()
    const stages = [(await machine.execution(first)).stage, (await machine.execution(second)).stage]
    expect(stages.toSorted()).toStrictEqual(['failed', 'succeeded'])
    expect(machine.cloud.changes).toStrictEqual(['i-1 stop', 'i-1 modify small', 'i-1 start'])
  })

  test('a rollback is refused where somebody else has changed the resource since', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await approved(machine)
    machine.cloud.instances.set('i-1', { status: 'running', type: 'huge' })
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    const back = await machine.execution(id)
    expect(back.stage).toBe('failed')
    expect(statesOf(back)).toBe('undo_failed restored')
    expect(typesIn(machine)).toBe('huge large')
    // Whoever asks again is refused again, until the resource is as it was done.
    await Executions.rollback(machine.as('usr_cfo'), { id, reason: 'Once more.' })
    await machine.settle()
    expect(statesOf(await machine.execution(id))).toBe('undo_failed restored')
    expect(typesIn(machine)).toBe('huge large')
    machine.cloud.instances.set('i-1', { status: 'running', type: 'small' })
    await Executions.rollback(machine.as('usr_cfo'), { id, reason: 'It is as it was.' })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('rolled_back')
    expect(typesIn(machine)).toBe('large large')
  })

  test('a rollback without an answer of the cloud says so, and can be asked for again', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await approved(machine)
    machine.cloud.silent.add('123456789012')
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    const back = await machine.execution(id)
    expect([back.stage, statesOf(back)]).toStrictEqual(['failed', 'undo_failed undo_failed'])
    expect(back.targets[0]?.reason).toContain('The cloud did not answer')
    machine.cloud.silent.clear()
    machine.cloud.instances.set('i-1', { status: 'running', type: 'huge' })
    await Executions.rollback(machine.as('usr_cfo'), { id, reason: 'It answers again.' })
    await machine.settle()
    expect(statesOf(await machine.execution(id))).toBe('undo_failed restored')
    expect(typesIn(machine)).toBe('huge large')
  })

  test('a rollback that the stop switch halts can be asked for again', async () => {
    const machine = await openMachine(['i-1'])
    const id = await approved(machine)
    await Executions.rollback(machine.as('usr_cfo'), { id })
    const changes = machine.cloud.changes.length
    await machine.until(() => machine.cloud.changes.length > changes)
    await ExecutionStop.stop(machine.as('usr_cfo'), { reason: 'An incident.' })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('stopped')
    await ExecutionStop.resume(machine.as('usr_admin'), {})
    await Executions.rollback(machine.as('usr_cfo'), { id, reason: 'Again.' })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('rolled_back')
    expect([...machine.cloud.instances.values()]).toStrictEqual([{ status: 'running', type: 'large' }])
  })

  test('nobody approves what a key of theirs requested, nor after the time to decide', async () => {
    const machine = await openMachine(['i-1'])
    const key = { id: 'key_1', name: 'key', permissions: [], hash: 'x', createdBy: 'usr_cfo' }
    await machine.store.tables.apiKeys.put('org_1', { ...key, createdAt: '2026-11-23T08:00:00Z' } as never)
    const id = await machine.request({ requestedBy: 'key_1' })
    await machine.settle()
    const { planHash } = await machine.execution(id)
    const own = Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await expect(own).rejects.toMatchObject({ code: 'forbidden' })
    vi.setSystemTime(new Date('2026-12-01T08:00:00Z'))
    const late = Executions.approve(machine.as('usr_admin'), { id, planHash: planHash ?? '' })
    await expect(late).rejects.toMatchObject({ code: 'conflict' })
  })

  test('it waits for its time, and for the end of a blackout window', async () => {
    const machine = await openMachine(['i-1'])
    const blackoutWindows = [{ days: ['mon' as const], from: '09:00', to: '18:00', timeZone: 'UTC' }]
    const id = await approved(machine, {
      scheduledFor: '2026-11-23T10:00:00Z',
      safetyControls: { ...safety, blackoutWindows },
    })
    await machine.pass(8 * hourSeconds)
    expect((await machine.execution(id)).stage).toBe('waiting')
    await machine.pass(2.5 * hourSeconds)
    const done = await machine.execution(id)
    expect(done.stage).toBe('succeeded')
    expect(done.startedAt?.slice(0, 16)).toBe('2026-11-23T18:00')
  })

  test('caps on resources, money and share leave the others out, with the reason', async () => {
    const ids = ['i-1', 'i-2', 'i-3', 'i-4']
    for (const [more, reason] of [
      [{ maxResourcesPerExecution: 2 }, 'Beyond the cap of 2 resources.'],
      [{ maxMonthlyCost: { amount: '25', currency: 'USD' } }, 'Beyond the cap of 25 USD a month.'],
      [{ maxSharePercent: 50 }, 'Beyond the cap of 50 % of 4 resources.'],
    ] as const) {
      const machine = await openMachine(ids)
      const id = await approved(machine, { safetyControls: { ...safety, ...more } })
      const done = await machine.execution(id)
      expect(statesOf(done)).toBe('done done left_out left_out')
      expect(done.targets[2]?.reason).toBe(reason)
      expect(typesIn(machine)).toBe('small small large large')
    }
  })
})

describe('one account', () => {
  test('has at most ten of its resources changed at once, by all executions together', async () => {
    const ids = Array.from({ length: 24 }, (_, n) => `i-${n}`)
    const machine = await openMachine(ids)
    let most = 0
    machine.cloud.witness = async () => {
      const targets = await machine.store.tables.executionTargets.all('org_1')
      most = Math.max(most, targets.filter(({ state }) => state === 'acting').length)
    }
    const quick = { ...safety, requireApproval: false }
    const executions: string[] = []
    for (let first = 0; first < 24; first += 6)
      executions.push(
        await machine.request({ resources: machine.resources().slice(first, first + 6), safetyControls: quick }),
      )
    await machine.settle()
    expect(most).toBe(10)
    for (const id of executions) expect((await machine.execution(id)).stage).toBe('succeeded')
  })

  test('has at most 50 calls in ten seconds', async () => {
    const machine = await openMachine(['i-1'])
    const spent = vi.spyOn(machine.store.counters, 'add')
    await approved(machine)
    const names = new Set(spent.mock.calls.map(([owner, key]) => `${owner} ${key.split('#')[0] ?? ''}`))
    expect([...names]).toStrictEqual(['identity act/aws/123456789012'])
  })
})

describe('an account that does not answer', () => {
  const [first, second] = ['123456789012', '123456789013']

  test('loses its own resources from the plan, and from the check, with the reason', async () => {
    const planning = await openMachine(['i-1', 'i-2', 'i-3', 'i-4'], 2)
    planning.cloud.silent.add(second)
    const request = await planning.request()
    await planning.settle()
    const planned = await planning.execution(request)
    expect([planned.stage, statesOf(planned)]).toStrictEqual(['awaiting_approval', 'planned left_out planned left_out'])
    expect(planned.targets[1]?.reason).toBe(`The account ${second} does not answer: AWS does not answer.`)

    const checking = await openMachine(['i-1', 'i-2', 'i-3', 'i-4'], 2)
    const id = await checking.request()
    await checking.settle()
    checking.cloud.silent.add(first)
    const { planHash } = await checking.execution(id)
    await Executions.approve(checking.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await checking.settle()
    const checked = await checking.execution(id)
    expect([checked.stage, statesOf(checked)]).toStrictEqual(['partial', 'dropped done dropped done'])
    expect(checked.targets[0]?.reason).toBe(`The account ${first} does not answer: AWS does not answer.`)
  })

  test('that answers again after a while loses nothing, nor if it is the only one', async () => {
    for (const silent of [[second], [first, second]]) {
      const machine = await openMachine(['i-1', 'i-2'], 2)
      for (const account of silent) machine.cloud.silent.add(account)
      const id = await machine.request()
      const until = Date.now() + 7000
      await machine.until(() => Date.now() > until)
      machine.cloud.silent.clear()
      await machine.settle()
      expect(statesOf(await machine.execution(id))).toBe('planned planned')
    }
  })

  test('ends the execution, if no account answers for long', async () => {
    const machine = await openMachine(['i-1', 'i-2'], 2)
    for (const account of [first, second]) machine.cloud.silent.add(account)
    const id = await machine.request()
    await machine.settle()
    expect(await machine.execution(id)).toMatchObject({ stage: 'failed', resourcesAffected: 0 })
  })
})

describe('an execution whose workflow is gone', () => {
  const sweep = async (machine: Machine) => await Executions.sweep(machine.as('usr_admin'))

  test('is ended by the sweep, frees its resources, and can be rolled back', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.failing.add('Announce')
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.until(() => machine.cloud.changes.length === 6)
    await sweep(machine)
    expect((await machine.execution(id)).stage).toBe('executing')
    // The step fails twenty times.
    for (let n = 0; n < 120; n++) await machine.turn()
    expect((await machine.execution(id)).stage).toBe('executing')
    await sweep(machine)
    const ended = await machine.execution(id)
    expect([ended.stage, ended.status, statesOf(ended)]).toStrictEqual(['failed', 'failed', 'done done'])
    expect(ended.outcome).toContain('Its workflow is gone (failed: Error: ')
    machine.failing.clear()
    const next = await machine.request({ action: { name: 'resize-instance', parameters: { type: 'large' } } })
    await machine.settle()
    const { planHash } = await machine.execution(next)
    await Executions.approve(machine.as('usr_cfo'), { id: next, planHash: planHash ?? '' })
    await machine.settle()
    expect((await machine.execution(next)).stage).toBe('succeeded')
    await Executions.rollback(machine.as('usr_cfo'), { id: next })
    await machine.settle()
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('rolled_back')
    expect(typesIn(machine)).toBe('large large')
  })

  test('is ended in each stage, also a rollback, and at once by the rollback that a user asks for', async () => {
    const abort = async (machine: Machine, name: string) =>
      await machine.as('usr_admin').runtime.workflows.stop('remediation', name, 'Aborted in the console.')
    const machine = await openMachine(['i-1'])
    const waiting = await machine.request()
    await machine.settle()
    await abort(machine, waiting)
    await sweep(machine)
    expect(await machine.execution(waiting)).toMatchObject({ stage: 'failed', resourcesAffected: 0 })

    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.until(() => machine.cloud.changes.length === 2)
    await abort(machine, id)
    for (let n = 0; n < 5; n++) await machine.turn()
    await Executions.rollback(machine.as('usr_cfo'), { id })
    const changes = machine.cloud.changes.length
    await machine.until(() => machine.cloud.changes.length > changes)
    await abort(machine, `${id}-rollback-1`)
    await sweep(machine)
    expect((await machine.execution(id)).stage).toBe('failed')
    await Executions.rollback(machine.as('usr_cfo'), { id, reason: 'Again.' })
    await sweep(machine)
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('rolled_back')
    expect([...machine.cloud.instances.values()]).toStrictEqual([{ status: 'running', type: 'large' }])
  })
})

describe('a rollback', () => {
  test('takes one person who may approve: not who may only request, nor an API key', async () => {
    const machine = await openMachine(['i-1'])
    const id = await approved(machine)
    for (const by of ['usr_dev', 'usr_engineer'])
      await expect(Executions.rollback(machine.as(by), { id })).rejects.toMatchObject({ code: 'forbidden' })
    const cfo = machine.as('usr_cfo')
    const key = { ...cfo, actor: { ...cfo.actor, kind: 'key' as const, id: 'key_1' } }
    await expect(Executions.rollback(key, { id })).rejects.toMatchObject({ code: 'forbidden' })
    expect(typesIn(machine)).toBe('small')
    await Executions.rollback(cfo, { id })
    await machine.settle()
    expect(typesIn(machine)).toBe('large')
  })

  test('is allowed to the requester who may approve, though not the approval', async () => {
    const machine = await openMachine(['i-1'])
    const id = await machine.request({ requestedBy: 'usr_admin' })
    await machine.settle()
    const planHash = (await machine.execution(id)).planHash ?? ''
    const own = Executions.approve(machine.as('usr_admin'), { id, planHash })
    await expect(own).rejects.toMatchObject({ code: 'forbidden' })
    await Executions.approve(machine.as('usr_cfo'), { id, planHash })
    await machine.settle()
    await Executions.rollback(machine.as('usr_admin'), { id })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('rolled_back')
  })

  const refusal = async (machine: Machine, id: string): Promise<unknown> =>
    await Executions.rollback(machine.as('usr_admin'), { id, reason: 'Again.' }).catch(String)

  test('says why there is none: not yet, while it runs, while another one runs, or a second time', async () => {
    const machine = await openMachine(['i-1'])
    const dry = await machine.request({ dryRun: true })
    const id = await machine.request()
    await machine.settle()
    expect(await refusal(machine, dry)).toContain('It has changed nothing: it is planned.')
    expect(await refusal(machine, id)).toContain('Nothing is changed yet: it is awaiting_approval. Cancel it instead.')
    const { planHash } = await machine.execution(id)
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await machine.until(() => machine.cloud.changes.length > 0)
    expect(await refusal(machine, id)).toContain('It is executing. Cancel it, or stop all executions')
    await machine.settle()
    await Executions.rollback(machine.as('usr_cfo'), { id })
    expect(await refusal(machine, id)).toContain('A rollback is going on, asked for by usr_cfo at 2026-')
    await machine.settle()
    const changes = machine.cloud.changes.length
    expect(await refusal(machine, id)).toMatch(
      /It is rolled back already, asked for by usr_cfo .*request a new execution/,
    )
    await machine.settle()
    expect(machine.cloud.changes).toHaveLength(changes)
  })

  test('after a month, when the way back is gone, names the resource and changes nothing', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await approved(machine)
    await machine.pass(31 * daySeconds)
    const gone = 'The backup of the volume does not exist any more, and so nothing can be restored.'
    machine.store.cloud.action = async (access) => {
      const action = machine.cloud.action(access)
      const refused = { state: 'refused', memory: {}, message: gone } as const
      return { ...action, undo: async (order) => (order.target.id === 'i-1' ? refused : await action.undo(order)) }
    }
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    const back = await machine.execution(id)
    expect([back.stage, statesOf(back), back.targets[0]?.reason]).toStrictEqual([
      'failed',
      'undo_failed restored',
      gone,
    ])
    expect(back.outcome).toContain('A rollback failed: look at these resources now.')
    expect(typesIn(machine)).toBe('small large')
  })

  test('of an execution that is no longer kept is not found', async () => {
    const machine = await openMachine(['i-1'])
    const id = await approved(machine)
    vi.setSystemTime(new Date('2028-01-01T00:00:00Z'))
    expect(await refusal(machine, id)).toContain(`There is no execution ${id}.`)
  })
})

describe('a failure', () => {
  test('is taken back alone; the others stay', async () => {
    const machine = await openMachine(['i-1', 'i-2', 'i-3'])
    machine.cloud.refused.add('i-2 modify small')
    const done = await machine.execution(await approved(machine))
    expect(done).toMatchObject({ stage: 'partial', resourcesAffected: 2 })
    expect(statesOf(done)).toBe('done restored done')
    expect([...machine.cloud.instances.values()]).toStrictEqual([
      { status: 'running', type: 'small' },
      { status: 'running', type: 'large' },
      { status: 'running', type: 'small' },
    ])
  })

  test('two in a row open the circuit breaker, which takes all back and begins nothing more', async () => {
    const ids = ['i-1', 'i-2', 'i-3', 'i-4', 'i-5', 'i-6', 'i-7', 'i-8']
    const machine = await openMachine(ids)
    for (const id of ids.slice(0, 3)) machine.cloud.refused.add(`${id} stop`)
    const done = await machine.execution(await approved(machine))
    expect(['failed', 'rolled_back']).toContain(done.stage)
    expect(done.logs.join()).toContain('The circuit breaker ends the execution.')
    expect(typesIn(machine)).toBe(ids.map(() => 'large').join(' '))
    expect(statesOf(done)).toContain('dropped')
  })

  test('is not in a row with the next one if a success lies between, also after a kill', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.cloud.refused.add('i-1 stop')
    // Of the plan, the check and the failure; then of the success.
    machine.killAfter(3, false, 'policyExecutions.update')
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.settle()
    expect(machine.kills()).toBe(1)
    expect(statesOf(await machine.execution(id))).toBe('restored done')
    const stored = await machine.store.tables.policyExecutions.get('org_1', id)
    expect(stored?.breaker).toStrictEqual({ failuresInARow: 0, isOpen: false, counted: [1] })
  })

  test('so does a failed verification', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.cloud.broken.add('i-1')
    const done = await machine.execution(await approved(machine))
    expect(done.logs.join()).toContain('The circuit breaker ends the execution.')
    expect(typesIn(machine)).toBe('large large')
  })

  test('what does not end is given up after 50 steps', async () => {
    const machine = await openMachine(['i-1'])
    machine.cloud.endless.add('i-1')
    const done = await machine.execution(await approved(machine))
    expect(done.targets[0]).toMatchObject({ state: 'restored', reason: 'It does not end: It has the type.' })
    expect(machine.cloud.changes.length).toBeLessThan(60)
  })

  test('what needs a hundred changes, and no waits, is done and taken back within minutes, also if some get no answer', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.cloud.parts.set('i-1', 120)
    machine.cloud.silentParts.add(40).add(90)
    const id = await approved(machine)
    const seconds = ({ startedAt, completedAt }: { startedAt: string | null; completedAt: string | null }) =>
      (Date.parse(completedAt ?? '') - Date.parse(startedAt ?? '')) / 1000
    const done = await machine.execution(id)
    expect(done.stage).toBe('succeeded')
    expect(seconds(done)).toBeLessThan(300)
    machine.cloud.parts.set('i-1', 120)
    const askedAt = Date.now()
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    const back = await machine.execution(id)
    expect(back.stage).toBe('rolled_back')
    expect(Date.parse(back.completedAt ?? '') - askedAt).toBeLessThan(300_000)
  })

  test('without rollback, what is done stays, and says so', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.cloud.refused.add('i-2 modify small')
    const id = await approved(machine, { safetyControls: { ...safety, rollbackEnabled: false } })
    const done = await machine.execution(id)
    expect(statesOf(done)).toBe('done failed')
    expect(machine.cloud.instances.get('i-2')?.status).toBe('stopped')
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    expect([...machine.cloud.instances.values()]).toStrictEqual([
      { status: 'running', type: 'large' },
      { status: 'running', type: 'large' },
    ])
  })
})

describe('the stop switch', () => {
  test('halts running and queued executions, which can be rolled back later', async () => {
    const machine = await openMachine(['i-1', 'i-2', 'i-3'])
    const waiting = await machine.request()
    const id = await machine.request()
    await machine.settle()
    const { planHash } = await machine.execution(id)
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await machine.until(() => machine.cloud.changes.length >= 2)
    const stopped = await ExecutionStop.stop(machine.as('usr_cfo'), { reason: 'An incident.' })
    expect(stopped.executions.toSorted()).toStrictEqual([id, waiting].toSorted())
    const changes = machine.cloud.changes.length
    await machine.pass(hourSeconds)
    expect(machine.cloud.changes).toHaveLength(changes)
    expect((await machine.execution(id)).stage).toBe('stopped')
    expect((await machine.execution(waiting)).stage).toBe('stopped')
    await expect(machine.request()).rejects.toMatchObject({ code: 'conflict' })
    await expect(Executions.rollback(machine.as('usr_cfo'), { id })).rejects.toMatchObject({ code: 'conflict' })
    await ExecutionStop.resume(machine.as('usr_admin'), {})
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('rolled_back')
    expect([...machine.cloud.instances.values()].every(({ status }) => status === 'running')).toBe(true)
    expect(typesIn(machine)).toBe('large large large')
  })

  test('with many executions that run, sends the last changing call within 5 s of it', async () => {
    for (const seconds of [3, 24, 27]) {
      vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
      const ids = Array.from({ length: 100 }, (_, n) => `i-${n}`)
      const machine = await openMachine(ids, 20)
      const quick = { ...safety, requireApproval: false }
      // Ten executions of ten resources in ten accounts each.
      for (let first = 0; first < 100; first += 10) {
        const resources = machine.resources().slice(first, first + 10)
        await machine.request({ resources, fleetSize: 100, safetyControls: quick })
      }
      await machine.until(() => machine.cloud.lastSentAt > 0)
      // A slow cloud: between the reading of a state and the change is much time.
      machine.cloud.readMs = 12_000
      machine.cloud.delayOf = () => 2000
      for (let n = 0; n < seconds; n++) await machine.tick(1000)
      const stoppedAt = Date.now()
      const { executions } = await ExecutionStop.stop(machine.as('usr_cfo'), { reason: 'An incident.' })
      expect(executions).toHaveLength(10)
      for (let n = 0; n < 60; n++) await machine.tick(1000)
      expect(machine.cloud.lastSentAt - stoppedAt).toBeLessThan(5000)
      expect(machine.cloud.changes.length).toBeGreaterThan(0)
    }
  })

  test('lets a call that was sent arrive before a rollback begins, also if its process is killed', async () => {
    for (const isKilled of [false, true]) {
      const machine = await openMachine(['i-1'])
      machine.cloud.delayOf = (call) => (call === 'i-1 modify small' ? 13_000 : 0)
      const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
      await machine.until(() => machine.cloud.changes.length > 0)
      const { lastSentAt } = machine.cloud
      await machine.until(() => machine.cloud.lastSentAt > lastSentAt)
      if (isKilled) await machine.restart()
      await ExecutionStop.stop(machine.as('usr_cfo'), { reason: 'An incident.' })
      await ExecutionStop.resume(machine.as('usr_admin'), {})
      await Executions.rollback(machine.as('usr_cfo'), { id })
      await machine.settle()
      expect((await machine.execution(id)).stage).toBe('rolled_back')
      expect(machine.cloud.changes).toContain('i-1 modify small')
      expect(machine.cloud.instances.get('i-1')).toStrictEqual({ status: 'running', type: 'large' })
    }
  })
})

describe('what is lost for ever', () => {
  test('is never done without an approval that names it, whatever the policy says', async () => {
    const machine = await openMachine(['i-1'])
    machine.cloud.undo = 'none'
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.settle()
    const { planHash: hash, stage } = await machine.execution(id)
    expect(stage).toBe('awaiting_approval')
    const planHash = hash ?? ''
    for (const confirm of [[], ['i-2']])
      await expect(Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm })).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('name of i-1') as unknown,
      })
    expect((await machine.execution(id)).targets[0]).toMatchObject({ losesData: null, confirmAs: 'name of i-1' })
    await Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm: ['name of i-1'] })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('succeeded')
    await expect(Executions.rollback(machine.as('usr_cfo'), { id })).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('data that is lost for ever', () => {
  const losing = async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    machine.cloud.undo = 'partial'
    machine.cloud.losesData = 'The data on its temporary disk is lost.'
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    await machine.settle()
    return { machine, id, planned: await machine.execution(id) }
  }

  test('needs an approval that names each resource, whatever the policy says, and the rest comes back', async () => {
    const { machine, id, planned } = await losing()
    expect(planned).toMatchObject({ stage: 'awaiting_approval', approvalsNeeded: 1 })
    expect(planned.targets.map(({ losesData, confirmAs }) => [losesData, confirmAs])).toStrictEqual([
      ['The data on its temporary disk is lost.', 'name of i-1'],
      ['The data on its temporary disk is lost.', 'name of i-2'],
    ])
    const planHash = planned.planHash ?? ''
    const approve = async (...confirm: string[]) =>
      await Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm })
    await expect(approve('name of i-1')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('the exact text of each loss for ever: name of i-2') as unknown,
    })
    await machine.settle()
    expect(machine.cloud.changes).toStrictEqual([])
    await approve('name of i-1', ' i-2 ')
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('succeeded')
    await Executions.rollback(machine.as('usr_cfo'), { id })
    await machine.settle()
    expect(typesIn(machine)).toBe('large large')
  })

  test('is in the mail, and in the hash that is approved', async () => {
    const { machine, id, planned } = await losing()
    const mail = machine.store.mails.find(({ to }) => to === 'cfo@example.com')
    expect(mail?.text).toContain('type these texts exactly:\n  name of i-1\n  name of i-2\n')
    expect(mail?.text).toMatch(/- name of i-1 \(.*\)\. The data on its temporary disk is lost\.\n/)
    await machine.store.tables.executionTargets.update('org_1', `${id}/001`, (target) => ({
      ...target,
      losesData: 'Nothing is lost.',
    }))
    const planHash = planned.planHash ?? ''
    await Executions.approve(machine.as('usr_cfo'), { id, planHash, confirm: ['i-1', 'i-2'] })
    await machine.settle()
    expect((await machine.execution(id)).stage).toBe('failed')
    expect(machine.cloud.changes).toStrictEqual([])
  })
})

describe('a tag that protects', () => {
  const prod = { ...safety, protectedTags: [{ key: 'Environment', value: 'prod' }, { key: 'legal-hold' }] }

  /** An execution for two resources, the first of which has these tags before its plan, or after it. */
  async function tagged(tags: Record<string, string>, when: 'before' | 'after'): Promise<[Machine, string]> {
    const machine = await openMachine(['i-1', 'i-2'])
    const own = new Map<string, Record<string, string>>([['i-2', { Environment: 'test' }]])
    machine.store.cloud.tags = async (_, resources) => resources.map(({ id }) => ({ id, tags: own.get(id) ?? {} }))
    if (when === 'before') own.set('i-1', tags)
    const id = await machine.request({ safetyControls: prod })
    await machine.settle()
    own.set('i-1', tags)
    const { planHash } = await machine.execution(id)
    await Executions.approve(machine.as('usr_cfo'), { id, planHash: planHash ?? '' })
    await machine.settle()
    return [machine, id]
  }

  test.each([
    [{ 'cloudoptima:protected': 'true' }, 'cloudoptima:protected = true'],
    [{ 'cloudoptima:ignore': 'yes' }, 'cloudoptima:ignore = yes'],
    [{ Environment: 'prod' }, 'Environment = prod'],
    [{ 'legal-hold': '' }, 'legal-hold = '],
  ])(
    '%j keeps a resource as it is, though it is set after the plan, and the others are changed',
    async (tags, says) => {
      for (const [when, state] of [
        ['before', 'left_out'],
        ['after', 'dropped'],
      ] as const) {
        const [machine, id] = await tagged(tags, when)
        const done = await machine.execution(id)
        expect(statesOf(done)).toBe(`${state} done`)
        expect(done.targets[0]?.reason).toBe(`It is protected by its tag ${says}.`)
        expect(typesIn(machine)).toBe('large small')
      }
    },
  )

  test.each([{ 'cloudoptima:ignore': 'false' }, { 'cloudoptima:protected': 'no' }, { Environment: 'Prod' }])(
    '%j protects nothing',
    async (tags) => {
      const [machine] = await tagged(tags, 'after')
      expect(typesIn(machine)).toBe('small small')
    },
  )

  test('may be there where tags cannot be read, unless the action itself reads them', async () => {
    const machine = await openMachine(['i-1', 'i-2'])
    const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
    machine.store.cloud.tags = async (_, resources) =>
      resources.map(({ id: own }) => ({ id: own, refusal: 'No role.' }))
    await machine.settle()
    const unread = await machine.execution(id)
    expect([unread.stage, unread.targets[0]?.reason]).toStrictEqual([
      'nothing_to_do',
      'Its tags cannot be read, and may protect it. No role.',
    ])
    const tags: CloudAction['tags'] = async ({ id: own }) => (own === 'i-1' ? { 'legal-hold': '1' } : {})
    machine.store.cloud.action = async (access) => ({ ...machine.cloud.action(access), tags })
    const again = await machine.request({ safetyControls: { ...prod, requireApproval: false } })
    await machine.settle()
    expect(statesOf(await machine.execution(again))).toBe('left_out done')
  })
})

test('without approval needed, it begins at once', async () => {
  const machine = await openMachine(['i-1'])
  const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
  await machine.settle()
  expect(await machine.execution(id)).toMatchObject({ stage: 'succeeded', approvalsNeeded: 0 })
})
