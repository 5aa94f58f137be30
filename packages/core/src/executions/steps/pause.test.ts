import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { mostTargets } from '../safety.ts'
import { budgetOf, eventsOfCall, eventsOfTarget, mostEvents, otherCalls, pauseOf, slotPauseOf } from './pause.ts'

const counts = Array.from({ length: mostTargets }, (_, index) => index + 1)

/** The calls of a target that never ends, and their seconds. */
function played(targets: number): { calls: number; seconds: number } {
  const total = { calls: 0, seconds: 0 }
  for (const pause of [slotPauseOf, (one: { steps: number }) => pauseOf(one, 1, targets)]) {
    for (let steps = 0; ; steps++) {
      const seconds = pause({ steps }, targets)
      if (seconds === undefined) break
      total.calls++
      if (pause !== slotPauseOf) total.seconds += seconds
    }
  }
  return total
}

test('acts and undos of any number of targets that never end fit into the history of Step Functions', () => {
  for (const targets of counts) {
    const events = targets * ((played(targets).calls + otherCalls) * eventsOfCall + eventsOfTarget)
    expect(2 * events).toBeLessThan(mostEvents - 2500)
  }
})

test('the fewer the targets, the longer each may take, and never less than four hours', () => {
  const hours = counts.map((targets) => played(targets).seconds / 3600)
  expect(hours.toSorted((a, b) => b - a)).toEqual(hours)
  expect(hours[0]).toBeGreaterThan(24)
  expect(hours.at(-1)).toBeGreaterThan(4)
})

test('waits never become shorter, end, and are as long as the cloud asks', () => {
  for (const targets of counts) {
    const { steps, waits } = budgetOf(targets)
    const pauses = Array.from({ length: steps }, (_, index) => pauseOf({ steps: index }, 7, targets) ?? 0)
    expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses)
    expect([pauses[0], pauses.at(-1), pauseOf({ steps }, 7, targets)]).toEqual([7, 3600, undefined])
    expect(slotPauseOf({ steps: waits }, targets)).toBeUndefined()
    expect((slotPauseOf({ steps: 0 }, targets) ?? 0) * waits).toBeGreaterThanOrEqual(900)
  }
})

test('a call of the workflow has a task, a choice and a wait, as they are counted', () => {
  const file = new URL('../../pipeline/remediation/remediation.asl.json', import.meta.url)
  const { States } = JSON.parse(readFileSync(file, 'utf8')) as {
    States: Record<string, { ItemProcessor?: { States: Record<string, { Type: string }> }; MaxConcurrency?: number }>
  }
  for (const name of ['ActOnAll', 'RollBackAll']) {
    const types = Object.values(States[name]?.ItemProcessor?.States ?? {}).map(({ Type }) => Type)
    expect(types.toSorted()).toEqual(['Choice', 'Pass', 'Task', 'Task', 'Wait'])
  }
})
