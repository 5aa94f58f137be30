import { type Subject, textOf } from '../subject.ts'

/** AWS tells it in a sentence: `User initiated (2026-01-31 10:00:00 GMT)`. */
export function stoppedAt(instance: Subject): string | undefined {
  const [said] = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(textOf(instance, 'StateTransitionReason') ?? '') ?? []
  if (said !== undefined) return `${said.replace(' ', 'T')}Z`
  return textOf(instance, 'lastStopTimestamp') ?? instance.unchangedSince
}

/** Fields with the time of the last detachment. */
const detachments = ['lastDetachTimestamp', 'LastOwnershipUpdateTime']

/** As the cloud says it. */
export function saidDetachedAt(disk: Subject): string | undefined {
  return detachments.map((field) => textOf(disk, field)).find((time) => time !== undefined)
}

/** Or since when nobody has seen it attached. */
export function detachedAt(disk: Subject): string | undefined {
  return saidDetachedAt(disk) ?? disk.unchangedSince
}
