import { describe, expect, test, vi } from 'vitest'
import { Executions, ExecutionStop } from '@cloudoptima/core'
import { fakeTime, hourSeconds, statesOf, typesIn } from './acts.ts'
import { safety } from './cloud.ts'
import { type Machine, openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))
fakeTime()

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
