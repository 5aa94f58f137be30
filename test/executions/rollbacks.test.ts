import { describe, expect, test, vi } from 'vitest'
import { Executions } from '@cloudoptima/core'
import { approved, daySeconds, fakeTime, statesOf, typesIn } from './acts.ts'
import { safety } from './cloud.ts'
import { type Machine, openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))
fakeTime()

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
