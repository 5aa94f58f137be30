import type { Format } from './format.ts'
import { formats } from './formats.ts'
import { isFilled, lowerCase, missing } from './headers.ts'

/**
 * The possible formats of a file with these headers, in the order in which their `content` is to be checked. The last
 * one has no `content` and is the default. The headers are trimmed and have no byte order mark. Empty for unknown
 * headers.
 */
export function detect(headers: readonly string[]): Format[] {
  const known = lowerCase(headers)
  return formats.filter((format) => format.matches(known) && missing(format.columns, known).length === 0)
}

/** The format most similar to unknown headers, and its missing required columns. Undefined if no format is similar. */
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

/** Explains to the bill's owner why no format matches these headers. */
export function explain(headers: readonly string[]): string {
  const near = closest(headers)
  if (!near)
    return 'its columns do not match any supported bill: FOCUS 1.0 to 1.4, AWS Cost and Usage Report, Azure cost details'
  const [one, ...more] = near.missing
  return more.length === 0
    ? `it looks like ${near.format.title} but has no column ${one}`
    : `it looks like ${near.format.title} but has no columns ${near.missing.join(', ')}`
}

function found(format: Format, headers: ReadonlySet<string>): number {
  return Object.entries(format.columns).filter(([name, column]) => isFilled(name, column, headers)).length
}
