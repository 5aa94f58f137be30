import type { Anomaly } from './anomaly.ts'

/** An anomaly and the series that it was seen in: `{}` is the total, `{ provider: 'aws', service: 'AmazonEC2' }` a part of it. */
export interface Sighting {
  dimensions: Readonly<Record<string, string>>
  anomaly: Anomaly
}

/** The deepest series that explains an excess, and the series that showed the same excess. */
export interface Cause extends Sighting {
  alsoSeen: Sighting[]
}

const explainedRatio = 0.7

/**
 * One anomaly for each cause: a sighting joins the deepest one that explains at least 70 % of its excess, or, if parts of
 * it explain that together, the largest part. No sighting is lost or used twice.
 */
export function perCause(sightings: readonly Sighting[]): Cause[] {
  const causes: Cause[] = []
  for (const sighting of [...sightings].sort(deepestFirst)) {
    const cause = causes.find((other) => explains(other, sighting)) ?? largestPart(sighting, causes)
    if (cause) cause.alsoSeen.push(sighting)
    else causes.push({ ...sighting, alsoSeen: [] })
  }
  return causes
}

/** A part explains the whole that it lies in; series that cross each other must show the same excess. */
function explains(cause: Sighting, sighting: Sighting): boolean {
  if (contradict(cause, sighting)) return false
  const common = commonExcess(cause, sighting) / sighting.anomaly.impact
  return common >= explainedRatio && (contains(sighting, cause) || common <= 1 / explainedRatio)
}

function largestPart(sighting: Sighting, causes: readonly Cause[]): Cause | undefined {
  const parts = causes
    .filter((cause) => contains(sighting, cause))
    .map((cause) => ({ cause, common: commonExcess(cause, sighting) / sighting.anomaly.impact }))
    .filter(({ common }) => common > 0)
    .sort((a, b) => b.common - a.common)
  const apart: typeof parts = []
  for (const part of parts) if (apart.every(({ cause }) => contradict(cause, part.cause))) apart.push(part)
  const together = apart.reduce((sum, { common }) => sum + common, 0)
  return together >= explainedRatio ? apart[0]?.cause : undefined
}

/** The excess of `part` on the days of `whole`; 0 if they point in different directions. */
function commonExcess(part: Sighting, whole: Sighting): number {
  if (part.anomaly.impact * whole.anomaly.impact <= 0) return 0
  const days = new Set(whole.anomaly.excess.map(({ day }) => day))
  return part.anomaly.excess.reduce((sum, { day, amount }) => sum + (days.has(day) ? amount : 0), 0)
}

function contradict(a: Sighting, b: Sighting): boolean {
  return Object.entries(a.dimensions).some(([name, value]) => (b.dimensions[name] ?? value) !== value)
}

function contains(whole: Sighting, part: Sighting): boolean {
  return Object.entries(whole.dimensions).every(([name, value]) => part.dimensions[name] === value)
}

/** Of equally deep series, the one that deviates most is the most specific. */
function deepestFirst(a: Sighting, b: Sighting): number {
  const [depth, deviation] = [
    (sighting: Sighting) => Object.keys(sighting.dimensions).length,
    ({ anomaly }: Sighting) => Math.abs(anomaly.deviationPercent ?? Number.MAX_VALUE),
  ]
  const key = ({ dimensions, anomaly }: Sighting) => JSON.stringify([Object.entries(dimensions).sort(), anomaly.first])
  return depth(b) - depth(a) || deviation(b) - deviation(a) || (key(a) < key(b) ? -1 : 1)
}
