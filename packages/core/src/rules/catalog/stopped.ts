import { type Subject, textOf } from '../subject.ts'

/** AWS tells it in a sentence: `User initiated (2026-01-31 10:00:00 GMT)`. */
export function stoppedAt(instance: Subject): string | undefined {
  const [said] = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(textOf(instance, 'StateTransitionReason') ?? '') ?? []
  if (said !== undefined) return `${said.replace(' ', 'T')}Z`
  return textOf(instance, 'lastStopTimestamp') ?? instance.unchangedSince
}
