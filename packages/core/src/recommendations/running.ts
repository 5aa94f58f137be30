import type { Queries } from '../effects/queries.ts'
import type { Subject } from '../rules/index.ts'

type Change = Pick<Queries['resourceChanges']['row'], 'change' | 'at'>
type Resize = Change & Pick<Queries['resourceChanges']['row'], 'earlier' | 'later'>

/** Hours of a window in which a resource ran, and those of them outside of working time. */
export interface HoursRun {
  all: number
  off: number
}

const hourMs = 3_600_000
const isIdleStatus = (status: string) => ['stopped', 'deallocated', 'terminated'].includes(status)

/**
 * Follows the changes (the newest first) back from the status now; undefined if none is within the window. An hour
 * counts if it ran in most of it. `offHours` are the hours outside of working time, in ISO time.
 */
export function hoursRun(
  status: string,
  changes: readonly Change[],
  { start, end, offHours }: { start: string; end: string; offHours: ReadonlySet<string> },
): HoursRun | undefined {
  const starts = changes.filter(({ change }) => change === 'started' || change === 'stopped' || change === 'ended')
  if (!starts.some((change) => change.at >= start)) return undefined
  const run: HoursRun = { all: 0, off: 0 }
  for (let at = Date.parse(start); at < Date.parse(end); at += hourMs) {
    const middle = new Date(at + hourMs / 2).toISOString()
    // The oldest change after this hour tells the state before it.
    const next = starts.findLast((change) => change.at > middle)
    const isRunning = next === undefined ? !isIdleStatus(status) : next.change !== 'started'
    if (!isRunning) continue
    run.all++
    if (offHours.has(new Date(at).toISOString())) run.off++
  }
  return run
}

/** When the type of a resource last changed, by its changes (the newest first). */
export function resizedAt(changes: readonly Resize[] = []): string | undefined {
  return changes.find(({ change, earlier, later }) => change === 'resized' && typeIn(earlier) !== typeIn(later))?.at
}

const typeIn = (side: string | null) => (JSON.parse(side ?? '{}') as { type?: string | null }).type ?? null

const keptDays = 90
const dayMs = 86_400_000
const stateChanges = new Set<Change['change']>(['started', 'found', 'stopped', 'ended', 'attached', 'detached'])

/**
 * Since when the state of a resource has been as it is: since its last change, or, without one, at least since its
 * account was connected; changes are kept for 90 days.
 */
export function stateSince(
  changes: readonly Change[] = [],
  connectedAt: string | undefined,
  now: Date,
): Pick<Subject, 'unchangedSince' | 'mayBeOlder'> {
  const last = changes.find(({ change }) => stateChanges.has(change))
  if (last) return { unchangedSince: last.at, ...(last.change === 'found' && { mayBeOlder: true }) }
  if (connectedAt === undefined) return {}
  const oldest = new Date(now.getTime() - keptDays * dayMs).toISOString()
  return { unchangedSince: connectedAt < oldest ? oldest : connectedAt, mayBeOlder: true }
}
