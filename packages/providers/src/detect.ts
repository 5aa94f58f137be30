import type { Format } from './format.ts'
import { formats } from './formats.ts'
import { isFilled, keyOf, keysOf, missing } from './headers.ts'

/**
 * The possible formats of a file with these headers, in the order in which their `content` is to be checked. The last
 * one has no `content` and is the default. The headers are trimmed and have no byte order mark. Empty for unknown
 * headers.
 */
export function detect(headers: readonly string[]): Format[] {
  const known = keysOf(headers)
  return formats.filter((format) => format.matches(known) && missing(format.columns, known).length === 0)
}

/** The format most similar to unknown headers, and its missing required columns. Undefined if no format is similar. */
function closest(headers: readonly string[]): { format: Format; missing: string[] } | undefined {
  const known = keysOf(headers)
  const ranked = formats
    .filter((format) => format.matches(known) && format.content === undefined)
    .map((format) => ({ format, missing: missing(format.columns, known), found: found(format, known) }))
    .filter((candidate) => candidate.found > 0 && candidate.found >= candidate.missing.length)
    .toSorted((a, b) => b.found - a.found)
  const [best] = ranked
  return best && { format: best.format, missing: best.missing }
}

/** Formats that the product does not read: headers that only they have, and what to export instead. */
const foreign: readonly { marks: readonly string[]; advice: string }[] = [
  {
    marks: ['cost/myCost', 'lineItem/tenantId'],
    advice:
      "it is Oracle's own cost report: import Oracle's FOCUS reports instead, which lie beside it in FOCUS Reports/",
  },
  {
    marks: ['AmortizedCost', 'ChargeType', 'Provider'],
    advice: 'it is FOCUS 0.5, a preview: export FOCUS 1.0 or later instead',
  },
]

/** Explains to the bill's owner why no format matches these headers. */
export function explain(headers: readonly string[]): string {
  const keys = keysOf(headers)
  const known = foreign.find(({ marks }) => marks.every((mark) => keys.has(keyOf(mark))))
  if (known) return known.advice
  const near = closest(headers)
  if (!near)
    return (
      'its columns do not match any supported bill: FOCUS 1.0 to 1.4, ' +
      "AWS Cost and Usage Report, Azure cost details, Google Cloud's billing export"
    )
  const [one, ...more] = near.missing
  return more.length === 0
    ? `it looks like ${near.format.title} but has no column ${one}`
    : `it looks like ${near.format.title} but has no columns ${near.missing.join(', ')}`
}

function found(format: Format, headers: ReadonlySet<string>): number {
  return Object.entries(format.columns).filter(([name, column]) => isFilled(name, column, headers)).length
}
