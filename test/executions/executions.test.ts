import { describe, expect, test, vi } from 'vitest'
import { Executions, ExecutionStop } from '@cloudoptima/core'
import { approved, daySeconds, fakeTime, hourSeconds, statesOf, typesIn } from './acts.ts'
import { safety } from './cloud.ts'
import { openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))
fakeTime()

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

test('without approval needed, it begins at once', async () => {
  const machine = await openMachine(['i-1'])
  const id = await machine.request({ safetyControls: { ...safety, requireApproval: false } })
  await machine.settle()
  expect(await machine.execution(id)).toMatchObject({ stage: 'succeeded', approvalsNeeded: 0 })
})
