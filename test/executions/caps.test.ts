import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { safety } from './cloud.ts'
import { openMachine } from './machine.ts'

vi.mock('node:timers/promises', async () => await import('./timers.ts'))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date('2026-11-23T08:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

const ids = ['i-1', 'i-2', 'i-3', 'i-4']
const costs = fc.array(fc.integer({ min: 5, max: 20 }), { minLength: ids.length, maxLength: ids.length })
const attempt = fc.record({
  name: fc.constantFrom('executionTargets.insert', 'executionTargets.update'),
  after: fc.nat(ids.length - 1),
  isDone: fc.boolean(),
  gone: fc.subarray(ids),
})
const cap = fc.record({
  maxResourcesPerExecution: fc.integer({ min: 1, max: 3 }),
  dollars: fc.option(fc.integer({ min: 15, max: 60 })),
  maxSharePercent: fc.option(fc.integer({ min: 25, max: 100 })),
})

/** A plan that is killed again and again, while instances come and go: the caps hold for all that is changed. */
test('a plan that is repeated never exceeds a cap', async () => {
  let kills = 0
  const property = fc.asyncProperty(
    fc.record({ costs, cap, attempts: fc.array(attempt, { minLength: 2, maxLength: 5, size: 'max' }) }),
    async ({ costs: given, cap: { dollars, ...caps }, attempts }) => {
      vi.setSystemTime(new Date('2026-11-23T08:00:00Z'))
      const machine = await openMachine(ids)
      const { instances } = machine.cloud
      const queue = [...attempts]
      machine.whenRestarted = () => {
        const next = queue.shift()
        for (const id of ids) instances.set(id, { status: 'running', type: 'large' })
        for (const id of next?.gone ?? []) instances.delete(id)
        if (next) machine.killAfter(next.after, next.isDone, next.name)
      }
      machine.whenRestarted()
      const resources = machine.resources().map((resource, index) => ({
        ...resource,
        monthlyCost: { amount: String(given[index] ?? 0), currency: 'USD' },
      }))
      const maxMonthlyCost = dollars === null ? null : { amount: String(dollars), currency: 'USD' }
      const id = await machine.request({ resources, safetyControls: { ...safety, ...caps, maxMonthlyCost } })
      await machine.settle()
      kills += machine.kills()
      const { targets, stage } = await machine.execution(id)
      const planned = targets.flatMap(({ state }, index) => (state === 'planned' ? [given[index] ?? 0] : []))
      expect(stage).toBe(planned.length === 0 ? 'nothing_to_do' : 'awaiting_approval')
      expect(planned.length).toBeLessThanOrEqual(caps.maxResourcesPerExecution)
      expect(planned.length).toBeLessThanOrEqual((ids.length * (caps.maxSharePercent ?? 100)) / 100)
      expect(planned.reduce((sum, cost) => sum + cost, 0)).toBeLessThanOrEqual(dollars ?? Infinity)
    },
  )
  await fc.assert(property, { numRuns: runs })
  expect(kills).toBeGreaterThan(runs / 2)
}, 600_000)

const runs = Number(process.env['FAULT_TRIALS'] ?? 60)
