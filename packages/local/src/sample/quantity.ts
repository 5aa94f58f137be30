import * as Day from './day.ts'
import type { Line } from './line.ts'
import { hash, mix, normal, uniform } from './random.ts'

/** Sunday to Saturday, relative to the mean of a week. */
const visitors = [0.72, 1.08, 1.12, 1.11, 1.1, 1.13, 0.74]
const jobs = [0.6, 1.15, 1.15, 1.15, 1.15, 1.15, 0.65]

/** What a resource uses on a day, in ten-thousandths of its unit. Depends on nothing but the line and the day. */
export function quantity(line: Line, day: Day.Day, windowStart: Day.Day): number {
  return toScale(line, hours(line, day) * line.product.daily * growth(line, day, windowStart))
}

/** A mean day's quantity, for planning what to commit to. */
export function meanQuantity(line: Line): number {
  const { pattern, daily } = line.product
  return toScale(
    line,
    daily * (pattern === 'always' ? 24 : pattern === 'office' ? 8 : pattern === 'spot' ? 15 : line.size),
  )
}

function toScale({ product }: Line, units: number): number {
  return product.daily > 1000 ? Math.round(units) * 10_000 : Math.round(units * 10_000)
}

function growth({ product }: Line, day: Day.Day, windowStart: Day.Day): number {
  return product.pattern === 'always' || product.pattern === 'office' || product.pattern === 'spot'
    ? 1
    : 1 + ((product.growthPercent / 100) * (day - windowStart)) / 365
}

function hours(line: Line, day: Day.Day): number {
  const noise = mix(line.key, day)
  const weekday = Day.weekday(day)
  switch (line.product.pattern) {
    case 'always':
      return 24
    case 'office':
      return weekday === 0 || weekday === 6 ? 0 : 9 + (noise % 4)
    case 'spot':
      return 6 + Math.floor(uniform(noise) * 180) / 10
    case 'storage':
      return line.size * (1 + 0.002 * normal(noise))
    case 'traffic':
      return line.size * (visitors[weekday] ?? 1) * companyDay(day) * clipped(0.06 * normal(noise))
    case 'batch':
      return line.size * (jobs[weekday] ?? 1) * monthEnd(day) * clipped(0.1 * normal(noise))
    default:
      return line.product.pattern satisfies never
  }
}

const companyKey = hash('company')

/** What all visitors have in common on a day: the weather, a campaign, the pay day. */
function companyDay(day: Day.Day): number {
  return 1 + 0.025 * normal(mix(companyKey, day))
}

/** The books close on the last two days of a month and the first of the next. */
function monthEnd(day: Day.Day): number {
  const { start, end } = Day.month(day)
  return day === start || day >= end - 2 ? 1.85 : 0.92
}

function clipped(deviation: number): number {
  return 1 + Math.max(-0.3, Math.min(0.3, deviation))
}
