import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isOffHour } from '../rules/index.ts'
import { hoursRun, resizedAt, stateSince } from './running.ts'

// Monday
const start = Date.parse('2026-11-02T00:00:00.000Z')
const hourMs = 3_600_000
const at = (hour: number) => new Date(start + hour * hourMs).toISOString()
const offHours = new Set(Array.from({ length: 336 }, (_, hour) => at(hour)).filter((hour) => isOffHour(hour)))
const window = { start: at(0), end: at(336), offHours }

test('of a resource that was neither started nor stopped in the window nothing has to be counted', () => {
  expect(hoursRun('running', [], window)).toBeUndefined()
  expect(hoursRun('running', [{ change: 'retagged', at: at(9) }], window)).toBeUndefined()
  expect(hoursRun('running', [{ change: 'started', at: at(-1) }], window)).toBeUndefined()
})

test('an instance that is started at 7 and stopped at 19 on working days never ran outside of working time', () => {
  const changes = [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    .flatMap((day) => [
      { change: 'started' as const, at: at(day * 24 + 7) },
      { change: 'stopped' as const, at: at(day * 24 + 19) },
    ])
    .toReversed()
  expect(hoursRun('stopped', changes, window)).toEqual({ all: 120, off: 0 })
})

test('hours are those between starts and stops, for any series of them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 335 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (given, isRunning) => {
        const turns = given.toSorted((a, b) => a - b)
        // Each turn changes the state; the last one leads to the state now.
        const states = turns.map((_, index) => ((turns.length - 1 - index) % 2 === 0 ? isRunning : !isRunning))
        const changes = turns.map((hour, index) => ({
          change: states[index] ? ('started' as const) : ('stopped' as const),
          at: at(hour),
        }))
        const first = !states[0]
        const stateAt = (hour: number) => states[turns.findLastIndex((turn) => turn <= hour)] ?? first
        const ran = Array.from({ length: 336 }, (_, hour) => hour).filter(stateAt)
        expect(hoursRun(isRunning ? 'running' : 'stopped', changes.toReversed(), window)).toEqual({
          all: ran.length,
          off: ran.filter((hour) => isOffHour(at(hour))).length,
        })
      },
    ),
  )
})

const now = new Date('2026-11-29T06:00:00.000Z')

test.each([
  ['its last change of state', [{ change: 'detached' as const, at: at(1) }], '2020', { unchangedSince: at(1) }],
  [
    'the connection at least, if it changed otherwise only',
    [{ change: 'retagged' as const, at: at(1) }],
    at(0),
    { unchangedSince: at(0), mayBeOlder: true },
  ],
  [
    '90 days at least, if the account was connected before',
    [],
    '2020-01-01T00:00:00.000Z',
    { unchangedSince: '2026-08-31T06:00:00.000Z', mayBeOlder: true },
  ],
  ['an unknown time, if the account is not known', [], undefined, {}],
])('a state has lasted since %s', (_, changes, connectedAt, expected) => {
  expect(stateSince(changes, connectedAt, now)).toEqual(expected)
})

test('a resource has its size since its last change of the type, not since a larger disk', () => {
  const resized = (hour: number, type: string, size_gb: number) => ({
    change: 'resized' as const,
    at: at(hour),
    earlier: JSON.stringify({ type: 'db.m5.large', size_gb: 100, iops: null }),
    later: JSON.stringify({ type, size_gb, iops: null }),
  })
  expect(resizedAt([resized(9, 'db.m5.large', 200), resized(4, 'db.m5.xlarge', 100)])).toBe(at(4))
  expect(resizedAt([resized(9, 'db.m5.large', 200)])).toBeUndefined()
  expect(resizedAt(undefined)).toBeUndefined()
})
