import type { Anomaly } from './anomaly.ts'

/** An anomaly and its series: `{}` is the total, `{ provider: 'aws', service: 'AmazonEC2' }` a part of it. */
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
 * One anomaly for each cause: a sighting joins the deepest part of it that explains at least 70 % of its excess, or the
 * largest of the parts that explain it together, or a series across it that shows the same excess. None is lost.
 */
export function perCause(sightings: readonly Sighting[]): Cause[] {
  const causes: Cause[] = []
  const sorted = [...sightings].sort(deepestFirst)
  for (const depth of new Set(sorted.map(depthOf))) {
    const isWhole = (sighting: Sighting) => join(sighting, explainingPart(sighting, causes))
    const others = sorted.filter((sighting) => depthOf(sighting) === depth && !isWhole(sighting))
    for (const sighting of others) {
      const crossing = causes.find((cause) => [cause, ...cause.alsoSeen].some((other) => isSame(other, sighting)))
      if (!join(sighting, crossing)) causes.push({ ...sighting, alsoSeen: [] })
    }
  }
  return causes
}

function join(sighting: Sighting, cause: Cause | undefined): boolean {
  cause?.alsoSeen.push(sighting)
  return cause !== undefined
}

function explainingPart(sighting: Sighting, causes: readonly Cause[]): Cause | undefined {
  const single = causes.find((cause) => contains(sighting, cause) && shareOf(cause, sighting) >= explainedRatio)
  return single ?? largestPart(sighting, causes)
}

function isSame(other: Sighting, sighting: Sighting): boolean {
  const share = shareOf(other, sighting)
  const isNested = contains(sighting, other) && depthOf(other) > depthOf(sighting)
  return !isNested && !contradict(other, sighting) && share >= explainedRatio && share <= 1 / explainedRatio
}

function largestPart(sighting: Sighting, causes: readonly Cause[]): Cause | undefined {
  const parts = causes
    .filter((cause) => contains(sighting, cause))
    .map((cause) => ({ cause, common: shareOf(cause, sighting) }))
    .filter(({ common }) => common > 0)
    .sort((a, b) => b.common - a.common)
  const apart: typeof parts = []
  for (const part of parts) if (apart.every(({ cause }) => contradict(cause, part.cause))) apart.push(part)
  const together = apart.reduce((sum, { common }) => sum + common, 0)
  return together >= explainedRatio ? apart[0]?.cause : undefined
}

/** The excess of `part` on the days of `whole`, of its impact; 0 if they point in different directions. */
function shareOf(part: Sighting, whole: Sighting): number {
  if (part.anomaly.impact * whole.anomaly.impact <= 0) return 0
  const days = new Set(whole.anomaly.excess.map(({ day }) => day))
  const common = part.anomaly.excess.reduce((sum, { day, amount }) => sum + (days.has(day) ? amount : 0), 0)
  return common / whole.anomaly.impact
}

function contradict(a: Sighting, b: Sighting): boolean {
  return Object.entries(a.dimensions).some(([name, value]) => (b.dimensions[name] ?? value) !== value)
}

function contains(whole: Sighting, part: Sighting): boolean {
  return Object.entries(whole.dimensions).every(([name, value]) => part.dimensions[name] === value)
}

const depthOf = ({ dimensions }: Sighting) => Object.keys(dimensions).length

/** Of equally deep series, the one that deviates most is the most specific. */
function deepestFirst(a: Sighting, b: Sighting): number {
  const deviation = ({ anomaly }: Sighting) => Math.abs(anomaly.deviationPercent ?? Number.MAX_VALUE)
  const key = ({ dimensions, anomaly }: Sighting) => JSON.stringify([Object.entries(dimensions).sort(), anomaly.first])
  return depthOf(b) - depthOf(a) || deviation(b) - deviation(a) || (key(a) < key(b) ? -1 : 1)
}
