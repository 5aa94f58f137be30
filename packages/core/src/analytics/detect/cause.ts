import type { Day } from '../../kernel/calendar.ts'
import type { Anomaly } from './anomaly.ts'

type Dimensions = Readonly<Record<string, string>>

/** An anomaly and its series: `{}` is the total, `{ provider: 'aws', service: 'AmazonEC2' }` a part of it. */
export interface Sighting {
  dimensions: Dimensions
  anomaly: Anomaly
  /** Of the total: the providers that it has. */
  providers?: readonly string[] | undefined
}

/** The deepest series that explains an excess, and the series that showed the same excess. */
export interface Cause extends Sighting {
  alsoSeen: Sighting[]
  /** Series without common costs, with causes of their own. The cause is what happened beside them. */
  leftOut: Dimensions[]
  /** The excess of each day, without that of the causes that are left out. */
  rest: ReadonlyMap<Day, number>
}

const explainedRatio = 0.7
/** Expectations of parts do not sum to the expectation of the whole. */
const toleratedRatio = 0.05

/**
 * One anomaly for each cause: a sighting joins the deepest part of it that explains at least 70 % of its excess, or the
 * largest of the parts that explain it together, or a series across it that shows the same excess. What it has beside
 * smaller parts is a cause of its own, so that no excess counts twice. No sighting is lost.
 */
export function perCause(sightings: readonly Sighting[]): Cause[] {
  const causes = new Set<Cause>()
  const sorted = [...sightings].sort(deepestFirst)
  for (const depth of new Set(sorted.map(depthOf))) {
    const of = sorted.filter((sighting) => depthOf(sighting) === depth)
    const others = of.filter((sighting) => !isExplained(sighting, causes))
    for (const sighting of others) {
      const crossing = [...causes].find((cause) => [cause, ...cause.alsoSeen].some((other) => isSame(other, sighting)))
      if (crossing) crossing.alsoSeen.push(sighting)
      else addRest(sighting, causes)
    }
  }
  return [...causes]
}

/** The causes within a sighting, with their part of its excess. */
interface Inside {
  cause: Cause
  common: number
}

/** Joins the part, or the largest of the parts, that explain the sighting. */
function isExplained(sighting: Sighting, causes: Set<Cause>): boolean {
  const { covered, outside, inside } = partsOf(sighting, causes)
  const single = [...causes].find((cause) => contains(sighting, cause) && shareOf(cause, sighting) >= explainedRatio)
  const together = covered + sumOf(outside)
  const isPartition = Math.abs(together - 1) <= toleratedRatio
  const target = single ?? (covered >= explainedRatio || isPartition ? inside[0]?.cause : undefined)
  if (!target) return false
  target.alsoSeen.push(sighting)
  let sum = covered
  // Series across each other have common costs if they have more than the whole together.
  for (const part of outside)
    if (sum + part.common <= 1 + toleratedRatio) sum += part.common
    else giveUp(part, sighting, target, causes)
  return true
}

/** Adds what the sighting has beside the causes within it. */
function addRest(sighting: Sighting, causes: Set<Cause>): void {
  const { inside, outside, leftOut } = partsOf(sighting, causes)
  const rest = new Map(sighting.anomaly.excess.map(({ day, amount }) => [day, amount]))
  for (const { cause } of inside.filter((part) => !outside.includes(part)))
    for (const [day, amount] of cause.rest) if (rest.has(day)) rest.set(day, (rest.get(day) ?? 0) - amount)
  const added: Cause = { ...sighting, alsoSeen: [], leftOut, rest }
  for (const part of outside) giveUp(part, sighting, added, causes)
  causes.add(added)
}

/** The costs of a part are those of other causes too. It stays if most of its excess is on other days. */
function giveUp({ cause, common }: Inside, whole: Sighting, target: Cause, causes: Set<Cause>): void {
  const own = [...cause.rest.values()].reduce((sum, amount) => sum + amount, 0)
  if (cause === target || (common * whole.anomaly.impact) / own < explainedRatio) return
  causes.delete(cause)
  target.alsoSeen.push(cause, ...cause.alsoSeen)
}

/** `leftOut` are the series without common costs that have most together; `outside` are the causes beside them. */
function partsOf(sighting: Sighting, causes: Set<Cause>) {
  const inside = [...causes]
    .filter((cause) => contains(sighting, cause))
    .map((cause): Inside => ({ cause, common: restShareOf(cause, sighting) }))
    .filter(({ common }) => common > 0)
    .sort((a, b) => b.common - a.common)
  const within = (whole: Sighting) => inside.filter(({ cause }) => contains(whole, cause))
  const groups = inside
    .map(({ cause }) => ({ cause, sum: sumOf(within(cause)) }))
    .sort((a, b) => b.sum - a.sum || depthOf(b.cause) - depthOf(a.cause))
  const apart: typeof groups = []
  for (const group of groups)
    if (apart.every(({ cause }) => contradict(cause.dimensions, group.cause.dimensions))) apart.push(group)
  return {
    inside,
    leftOut: apart.map(({ cause }) => cause.dimensions),
    covered: apart.reduce((all, { sum }) => all + sum, 0),
    outside: inside.filter(({ cause }) => !apart.some((group) => contains(group.cause, cause))),
  }
}

const sumOf = (parts: readonly Inside[]) => parts.reduce((sum, { common }) => sum + common, 0)

function isSame(other: Sighting, sighting: Sighting): boolean {
  const share = shareOf(other, sighting)
  const isNested = contains(sighting, other) && depthOf(other) > depthOf(sighting)
  const isApart = contradict(other.dimensions, sighting.dimensions)
  return !isNested && !isApart && share >= explainedRatio && share <= 1 / explainedRatio
}

/** The excess of `part` on the days of `whole`, of its impact; 0 if they point in different directions. */
function shareOf(part: Sighting, whole: Sighting): number {
  if (part.anomaly.impact * whole.anomaly.impact <= 0) return 0
  return commonOf(new Map(part.anomaly.excess.map(({ day, amount }) => [day, amount])), whole)
}

function restShareOf(cause: Cause, whole: Sighting): number {
  return cause.anomaly.impact * whole.anomaly.impact <= 0 ? 0 : commonOf(cause.rest, whole)
}

function commonOf(excess: ReadonlyMap<Day, number>, { anomaly }: Sighting): number {
  return anomaly.excess.reduce((sum, { day }) => sum + (excess.get(day) ?? 0), 0) / anomaly.impact
}

function contradict(a: Dimensions, b: Dimensions): boolean {
  return Object.entries(a).some(([name, value]) => (b[name] ?? value) !== value)
}

function contains({ dimensions, providers }: Sighting, part: Sighting): boolean {
  const { provider } = part.dimensions
  if (providers && provider !== undefined && !providers.includes(provider)) return false
  return Object.entries(dimensions).every(([name, value]) => part.dimensions[name] === value)
}

const depthOf = ({ dimensions }: Sighting) => Object.keys(dimensions).length

/** Of equally deep series, the one that deviates most is the most specific. */
function deepestFirst(a: Sighting, b: Sighting): number {
  const deviation = ({ anomaly }: Sighting) => Math.abs(anomaly.deviationPercent ?? Number.MAX_VALUE)
  const key = ({ dimensions, anomaly }: Sighting) => JSON.stringify([Object.entries(dimensions).sort(), anomaly.first])
  return depthOf(b) - depthOf(a) || deviation(b) - deviation(a) || (key(a) < key(b) ? -1 : 1)
}
