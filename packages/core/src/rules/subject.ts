import { localOf } from '../kernel/calendar.ts'
import type { Cloud } from '../kernel/cloud.ts'
import type { Part } from '../kernel/list-price.ts'
import type { Resource, UtilizationMetric } from '../kernel/resource.ts'

export { type Part, parts } from '../kernel/list-price.ts'

/** The effective cost of one part in 30 days, as exact decimals. */
export interface PartCost {
  part: Part
  cost: string
  /** In the unit of the part; undefined if the bill does not say. */
  quantity?: string
  /** What commitments pay of it: this goes on if the resource stops. */
  covered?: { cost: string; quantity?: string; commitmentId?: string }
  /** Of what commitments do not pay, at list prices; undefined if the bill does not say. */
  listCost?: string
}

export interface MonthlyCost {
  currency: string
  parts: readonly PartCost[]
}

/** The hourly values of one metric in the window. */
export interface MetricSummary {
  average: number
  /** The level that 99 % of the hours do not exceed; see `summarize`. Undefined: too few hours are known. */
  p99?: number
  /** The same of the highest value within each hour. */
  peakP99?: number
  maximum: number
  hours: number
  /** Hours of the window in which the resource ran; a stopped instance has no values. */
  hoursExpected: number
}

export type Utilization = Partial<Record<UtilizationMetric, MetricSummary>>

/** Of what is committed: percentages that nobody used. */
export type UnusedPercent = Partial<Record<'cores' | 'memory', number>>

/** A resource with all that rules may ask. What is unknown is undefined, never 0. */
export interface Subject extends Resource {
  cloud: Cloud
  accountId: string
  /** Since when the state (`status`, `attachedTo`) has been this, in ISO time. */
  unchangedSince?: string
  /** The state was this already when it was first seen, at `unchangedSince`. */
  mayBeOlder?: boolean
  /** When its type last changed, in ISO time: percentages of before are those of another size. */
  resizedAt?: string
  /** Of the last 14 days. */
  utilization?: Utilization
  /** Of the hours outside of working time. */
  offHours?: Utilization
  cost?: MonthlyCost
  /** Of a commitment of Google Cloud. */
  unused?: UnusedPercent
}

/** At least this share of the hours must be known. */
export const knownShare = 0.9

/**
 * The resource must have run in at least so many hours of the window: a machine that started today tells nothing.
 * https://docs.aws.amazon.com/compute-optimizer/latest/ug/requirements.html
 */
export const leastHours = 30

/** How many hours must be known. */
export const hoursNeeded = (hoursExpected: number): number =>
  Math.max(leastHours, Math.ceil(hoursExpected * knownShare))

/**
 * Unknown hours may have been the busiest ones. So `p99` is the value of nearest rank for 99 % of the known hours or for
 * 90 % of the expected ones, whichever is higher, and an hour more of high use never lowers it.
 */
export function summarize(
  hours: readonly { average: number; maximum: number }[],
  hoursExpected: number,
): MetricSummary | undefined {
  const known = hours.length
  if (known === 0) return undefined
  const needed = Math.ceil(hoursExpected * knownShare)
  const averages = Float64Array.from(hours, ({ average }) => average).sort()
  const peaks = Float64Array.from(hours, ({ maximum }) => maximum).sort()
  const rank = Math.max(Math.ceil(known * 0.99), needed) - 1
  const [p99, peakP99] = [averages[rank], peaks[rank]]
  const levels = p99 === undefined || peakP99 === undefined ? {} : { p99, peakP99 }
  const average = averages.reduce((sum, value) => sum + value, 0) / known
  return { average, ...levels, maximum: peaks[known - 1] ?? 0, hours: known, hoursExpected }
}

/** Whether an hour begins outside of working time, which is 7 to 19 from Monday to Friday on the clock of a time zone. */
export function isOffHour(hour: string, timeZone = 'UTC'): boolean {
  const { weekday, minute } = localOf(new Date(hour), timeZone)
  return ['sat', 'sun'].includes(weekday) || minute < 7 * 60 || minute >= 19 * 60
}

const dayMs = 86_400_000

/** Whole days between an ISO time and now; undefined if the time is unknown. */
export function daysSince(time: string | undefined, now: Date): number | undefined {
  const at = Date.parse(time ?? '')
  return Number.isNaN(at) ? undefined : Math.floor((now.getTime() - at) / dayMs)
}

/** A text of the configuration. */
export function textOf({ configuration }: Pick<Subject, 'configuration'>, field: string): string | undefined {
  const value = configuration[field]
  return typeof value === 'string' ? value : undefined
}

/** A number of the configuration. */
export function numberOf({ configuration }: Pick<Subject, 'configuration'>, field: string): number | undefined {
  const value = configuration[field]
  return typeof value === 'number' ? value : undefined
}

/** The name by which nodes know their EKS cluster, unique in an account. */
export const clusterNamed = (region: string, name: string): string => `eks:${region}/${name}`
export const clusterOf = ({ region, name = '' }: Pick<Subject, 'region' | 'name'>): string => clusterNamed(region, name)

/** Ids are unique in an account; Azure writes them in any case. */
export const keyOf = ({ accountId }: Pick<Subject, 'accountId'>, id: string): string =>
  `${accountId} ${id}`.toLowerCase()
