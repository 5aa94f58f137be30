import { expect, test } from 'vitest'
import { circumstancesOf } from './circumstances.ts'
import { SafetyControls } from './safety.ts'

const now = new Date('2026-10-13T08:00:00.000Z')
const policy = { kind: 'policy', policyId: 'pol_1', policyName: 'Old disks', trigger: { type: 'manual' } } as never
const circumstances = (controls: object = {}, scheduledFor?: string) =>
  circumstancesOf(
    {
      cause: policy,
      safetyControls: SafetyControls.parse(controls),
      ...(scheduledFor !== undefined && { scheduledFor }),
    },
    now,
  )
const because = 'The policy "Old disks" asks for it.'

test('an approver sees why it acts, and that it begins at once', () => {
  expect(circumstances()).toEqual([because, 'It begins when it is approved.'])
  expect(circumstances({}, '2026-10-13T07:00:00.000Z')).toEqual([because, 'It begins when it is approved.'])
})

test('an approver sees a later time, and that a failure is not taken back', () => {
  expect(circumstances({ rollbackEnabled: false }, '2026-10-16T20:00:00.000Z')).toEqual([
    because,
    'It begins when it is approved, and not before 2026-10-16 20:00 UTC.',
    'A failure is not taken back by itself.',
  ])
})

test('an approver sees blackout windows, and the end of the present one', () => {
  const window = { days: ['tue'], from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' }
  expect(circumstances({ blackoutWindows: [window] })).toEqual([
    because,
    'It begins when it is approved, and not before 2026-10-13 16:00 UTC.',
    'It changes nothing from 08:00 to 18:00 (Europe/Berlin) on tue.',
  ])
})
