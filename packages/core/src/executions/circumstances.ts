import { timeText } from '../kernel/calendar.ts'
import { firstOpen } from './blackout.ts'
import type { Info } from './execution.ts'

/** Sentences for an approver: why the execution acts, when, and whether a failure is taken back. */
export function circumstancesOf(
  { cause, scheduledFor, safetyControls }: Pick<Info, 'cause' | 'scheduledFor' | 'safetyControls'>,
  now: Date,
): string[] {
  const { blackoutWindows, rollbackEnabled } = safetyControls
  const isLater = scheduledFor !== undefined && scheduledFor > now.toISOString()
  const opens = firstOpen(blackoutWindows, isLater ? new Date(scheduledFor) : now)
  const earliest = opens && (isLater || opens > now) ? opens.toISOString() : undefined
  return [
    cause.kind === 'policy' ? `The policy "${cause.policyName}" asks for it.` : 'It follows a recommendation.',
    opens === undefined
      ? 'Its blackout windows leave no time for it.'
      : earliest === undefined
        ? 'It begins when it is approved.'
        : `It begins when it is approved, and not before ${timeText(earliest)}.`,
    ...blackoutWindows.map(
      ({ days, from, to, timeZone }) => `It changes nothing from ${from} to ${to} (${timeZone}) on ${days.join(', ')}.`,
    ),
    ...(rollbackEnabled ? [] : ['A failure is not taken back by itself.']),
  ]
}
