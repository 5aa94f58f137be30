import { type Day, type Estate, type EstateResource, Random } from '@cloudoptima/sample'

const hourMs = 3_600_000
const opens = 8
const idleShare = 0.15

/** Midnight to 23 h, and Sunday to Saturday, relative to the mean. */
// oxfmt-ignore
const hours = [
  0.5, 0.4, 0.35, 0.3, 0.35, 0.45, 0.6, 0.85, 1.1, 1.3, 1.4, 1.4,
  1.4, 1.4, 1.45, 1.45, 1.4, 1.4, 1.45, 1.45, 1.3, 1.1, 0.85, 0.35,
]
const weekdays = [0.72, 1.08, 1.12, 1.11, 1.1, 1.13, 0.74]

export function dayOf(time: Date): Day.Day {
  return Math.floor(time.getTime() / (24 * hourMs))
}

/** The resources with their fields of this hour, made once an hour. */
export function hourly<Made>(
  { resources }: Estate,
  now: () => Date,
  make: (resource: EstateResource) => Made,
): () => readonly Made[] {
  let [madeAt, made]: [number, readonly Made[]] = [NaN, []]
  return () => {
    const hour = Math.floor(now().getTime() / hourMs)
    if (madeAt !== hour) {
      made = resources.map((resource) => make({ ...resource, fields: resource.fieldsAt(hour) }))
      madeAt = hour
    }
    return made
  }
}

export function timeOf(day: Day.Day): Date {
  return new Date(day * 24 * hourMs)
}

/** An old resource may be up to two years older than the first bill. */
export function createdAtOf({ key, firstDay, isOld }: EstateResource): Date {
  return timeOf(firstDay - (isOld ? Random.mix(key, 31) % 700 : 0))
}

export function exists({ firstDay, endDay }: EstateResource, time: Date): boolean {
  return dayOf(time) >= firstDay && dayOf(time) < endDay
}

/** Whether a resource runs, as its bill says: machines that do not run always run from a fixed hour on. */
export function isRunning(resource: EstateResource, time: Date): boolean {
  const { pattern, unitsOn } = resource
  if (!exists(resource, time)) return false
  if (pattern !== 'office' && pattern !== 'spot') return true
  const start = pattern === 'office' ? opens : 0
  return time.getUTCHours() >= start && time.getUTCHours() < start + unitsOn(dayOf(time))
}

/** Whether a resource that always runs does hardly any work. */
export function isIdle({ key, pattern, isIdle: isKnown }: EstateResource): boolean {
  return isKnown ?? (pattern === 'always' && Random.uniform(Random.mix(key, 21)) < idleShare)
}

/** The load of a resource in an hour, 0 to 1; the same for the same resource and hour. */
export function loadAt(resource: EstateResource, hour: Date): number {
  const { key, pattern } = resource
  const base = { always: 0.12, office: 0.2, spot: 0.5, traffic: 0.2, storage: 0.15, batch: 0.3 }[pattern]
  const usual = isIdle(resource) ? 0.0001 : base + 0.35 * Random.uniform(Random.mix(key, 22))
  const season = (hours[hour.getUTCHours()] ?? 1) * (weekdays[hour.getUTCDay()] ?? 1)
  const noise = 1 + 0.07 * Random.normal(Random.mix(Random.mix(key, 23), hour.getTime() / hourMs))
  return Math.min(1, Math.max(0.00005, usual * season * noise))
}

/** The units of an hour; those of a day's hours make its units in the bill. */
export function unitsAt(resource: EstateResource, hour: Date): number {
  const sum = hours.reduce((total, part) => total + part, 0)
  return (resource.unitsOn(dayOf(hour)) * (hours[hour.getUTCHours()] ?? 0)) / sum
}
