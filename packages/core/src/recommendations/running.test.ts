import { expect, test } from 'vitest'
import { stateSince } from './running.ts'

const now = new Date('2026-11-29T00:00:00.000Z')
const [connected, at] = ['2026-11-20T00:00:00.000Z', '2026-11-25T00:00:00.000Z']
const retagged = { change: 'retagged', at: '2026-11-28T00:00:00.000Z' } as const

test.each([
  ['its last change', [retagged, { change: 'detached', at }], connected, { unchangedSince: at }],
  ['the first sight of it', [{ change: 'found', at }], connected, { unchangedSince: at, mayBeOlder: true }],
  ['the connection of its account', [], connected, { unchangedSince: connected, mayBeOlder: true }],
  ['90 days at most', [], '2025-01-01', { unchangedSince: '2026-08-31T00:00:00.000Z', mayBeOlder: true }],
  ['an unknown time', [], undefined, {}],
] as const)('a state is known since %s', (_, changes, connectedAt, since) => {
  expect(stateSince(changes, connectedAt, now)).toEqual(since)
})
