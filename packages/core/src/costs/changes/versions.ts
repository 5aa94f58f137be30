import { dayOf, monthSpan } from '../../kernel/calendar.ts'
import type * as Snapshot from '../../lake/snapshot.ts'

export type Version = Snapshot.Info

// Each version of a bill is read as a whole.
const mostVersions = 12

interface History {
  versions: Version[]
  isCut: boolean
}

/** The versions since the end of the period, from the first one that has its last day; those before may lack days. */
export function sinceEnd({ versions, isCut }: History, period: string): History {
  const { end } = monthSpan(period)
  const all = delivered(versions)
  const ended = all.filter(({ at }) => dayOf(new Date(at)) > end)
  const first = ended.findIndex(({ days }) => days.last >= end)
  const complete = ended.slice(Math.max(first, 0))
  const later = complete.slice(1).slice(1 - mostVersions)
  return { versions: [...complete.slice(0, 1), ...later], isCut: isCut && ended.length === all.length }
}

/** A rebuild of the same raw bill is no restatement; its mapping is the newer one. */
function delivered(versions: readonly Version[]): Version[] {
  const found: Version[] = []
  for (const info of versions) {
    const before = found.at(-1)
    if (before?.raw === info.raw) found[found.length - 1] = { ...info, at: before.at }
    else found.push(info)
  }
  return found
}

export function keyOf({ partition, version }: Version) {
  return `${partition}#${version}`
}

export interface Step {
  earlier: Version
  later: Version
}

/** From the first version to the current one, and from version to version. */
export interface Comparison {
  whole: Step
  steps: Step[]
}

/** Undefined without a version. */
export function comparisonOf(versions: readonly Version[]): Comparison | undefined {
  const [first, last] = [versions[0], versions.at(-1)]
  if (!first || !last) return undefined
  const whole = { earlier: first, later: last }
  if (versions.length === 2) return { whole, steps: [whole] }
  return { whole, steps: versions.slice(1).map((later, index) => ({ earlier: versions[index] ?? first, later })) }
}
