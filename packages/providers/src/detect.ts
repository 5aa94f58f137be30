import type { Format } from './format.ts'
import { formats } from './formats.ts'
import { isFilled, keyOf, keysOf, missing } from './headers.ts'

/** In the order in which their `content` is to be checked; the last one, without `content`, is the default. */
export function detect(headers: readonly string[]): Format[] {
  const known = keysOf(headers)
  return formats.filter((format) => format.matches(known) && missing(format.columns, known).length === 0)
}

/** With the missing required columns; undefined if no format is similar. */
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

/** Headers that only these formats have, and what to export instead. */
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

/** To the bill's owner. */
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

function found(format: Format, headers: ReadonlySet<string>) {
  return Object.entries(format.columns).filter(([name, column]) => isFilled(name, column, headers)).length
}
