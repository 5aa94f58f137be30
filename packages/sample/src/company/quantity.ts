import * as Day from '../values/day.ts'
import { hash, mix, normal, uniform } from '../values/random.ts'
import type { Resource } from './resource.ts'

/** Sunday to Saturday, relative to the mean of a week. */
const visitors = [0.72, 1.08, 1.12, 1.11, 1.1, 1.13, 0.74]
const jobs = [0.6, 1.15, 1.15, 1.15, 1.15, 1.15, 0.65]

/**
 * The quantity that a resource uses on a day, in ten-thousandths of its unit. It depends on the resource and the day
 * only.
 */
export function quantity(resource: Resource, day: Day.Day, windowStart: Day.Day): number {
  return toScale(resource, hours(resource, day) * resource.product.daily * growth(resource, day, windowStart))
}

/** The quantity of a mean day, from which commitments are sized. */
export function meanQuantity(resource: Resource): number {
  const { pattern, daily } = resource.product
  return toScale(
    resource,
    daily * (pattern === 'always' ? 24 : pattern === 'office' ? 8 : pattern === 'spot' ? 15 : resource.size),
  )
}

function toScale({ product }: Resource, units: number): number {
  return product.daily > 1000 ? Math.round(units) * 10_000 : Math.round(units * 10_000)
}

function growth({ product }: Resource, day: Day.Day, windowStart: Day.Day): number {
  return product.pattern === 'always' || product.pattern === 'office' || product.pattern === 'spot'
    ? 1
    : 1 + ((product.growthPercent / 100) * (day - windowStart)) / 365
}

function hours(resource: Resource, day: Day.Day): number {
  const noise = mix(resource.key, day)
  const weekday = Day.weekday(day)
  switch (resource.product.pattern) {
    case 'always':
      return 24
    case 'office':
      return weekday === 0 || weekday === 6 ? 0 : 9 + (noise % 4)
    case 'spot':
      return 6 + Math.floor(uniform(noise) * 180) / 10
    case 'storage':
      return resource.size * (1 + 0.002 * normal(noise))
    case 'traffic':
      return resource.size * (visitors[weekday] ?? 1) * companyDay(day) * clipped(0.06 * normal(noise))
    case 'batch':
      return resource.size * (jobs[weekday] ?? 1) * monthEnd(day) * clipped(0.1 * normal(noise))
    default:
      return resource.product.pattern satisfies never
  }
}

const companyKey = hash('company')

/** The factor of a day that all visitors share: weather, campaigns, pay day. */
function companyDay(day: Day.Day): number {
  return 1 + 0.025 * normal(mix(companyKey, day))
}

/** Batch jobs run most on the last two days of a month and the first of the next, when the books are closed. */
function monthEnd(day: Day.Day): number {
  const { start, end } = Day.month(day)
  return day === start || day >= end - 2 ? 1.85 : 0.92
}

function clipped(deviation: number): number {
  return 1 + Math.max(-0.3, Math.min(0.3, deviation))
}
