import type { Format } from './format.ts'
import { formats } from './formats.ts'
import { isFilled, lowerCase, missing } from './headers.ts'

/**
 * The formats that a file with these headers can be of, in the order in which to ask their `content`; the last has none and takes what is undecided.
 * Headers come trimmed and without a byte order mark. Empty: the headers are of no bill that we know.
 */
export function detect(headers: readonly string[]): Format[] {
  const known = lowerCase(headers)
  return formats.filter((format) => format.matches(known) && missing(format.columns, known).length === 0)
}

/** The format that unknown headers come closest to, and the required columns they lack; undefined when they resemble no bill at all. */
function closest(headers: readonly string[]): { format: Format; missing: string[] } | undefined {
  const known = lowerCase(headers)
  const ranked = formats
    .filter((format) => format.matches(known) && format.content === undefined)
    .map((format) => ({ format, missing: missing(format.columns, known), found: found(format, known) }))
    .filter((candidate) => candidate.found > 0 && candidate.found >= candidate.missing.length)
    .toSorted((a, b) => b.found - a.found)
  const [best] = ranked
  return best && { format: best.format, missing: best.missing }
}

/** Says, in a sentence for the bill's owner, why a file with these headers is of no known format. */
export function explain(headers: readonly string[]): string {
  const near = closest(headers)
  if (!near)
    return 'its columns are of no bill that can be imported: FOCUS 1.0 to 1.4, AWS Cost and Usage Report, Azure cost details'
  const [one, ...more] = near.missing
  return more.length === 0
    ? `it looks like ${near.format.title} but has no column ${one}`
    : `it looks like ${near.format.title} but has no columns ${near.missing.join(', ')}`
}

function found(format: Format, headers: ReadonlySet<string>): number {
  return Object.entries(format.columns).filter(([name, column]) => isFilled(name, column, headers)).length
}
