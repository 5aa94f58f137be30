import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Executions } from '@cloudoptima/core'
import { openMachine } from './machine.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-11-23T08:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

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
    await expect(Executions.approve(machine.as('usr_dev'), { id, planHash })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await Executions.approve(machine.as('usr_cfo'), { id, planHash })
    await machine.settle()
    const done = await machine.execution(id)
    expect(done).toMatchObject({ stage: 'succeeded', status: 'success', resourcesAffected: 2 })
    expect([...machine.cloud.instances.values()]).toStrictEqual([
      { status: 'running', type: 'small' },
      { status: 'running', type: 'small' },
    ])
    await Executions.rollback(machine.as('usr_dev'), { id, reason: 'Too slow.' })
    await machine.settle()
    expect(await machine.execution(id)).toMatchObject({ stage: 'rolled_back', status: 'failed', resourcesAffected: 0 })
    expect([...machine.cloud.instances.values()]).toStrictEqual([
      { status: 'running', type: 'large' },
      { status: 'running', type: 'large' },
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
})
