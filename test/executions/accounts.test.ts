import { describe, expect, test, vi } from 'vitest'
import { Executions } from '@cloudoptima/core'
import { approved, fakeTime, statesOf } from './acts.ts'
import { safety } from './cloud.ts'
import { openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))
fakeTime()

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
