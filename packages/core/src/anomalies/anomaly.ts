import { hash } from 'node:crypto'
import type * as Detect from '../analytics/detect/index.ts'
import type { ChargedAs } from '../effects/queries.ts'
import type { Day } from '../kernel/calendar.ts'

declare module '../effects/tables.ts' {
  interface Tables {
    anomalies: Table<Info>
  }
}

export const statuses = ['active', 'resolved', 'ignored', 'withdrawn'] as const
export const severities = ['high', 'medium', 'low'] as const

/** The series of a cost: `{ provider: 'AWS', service: 'AmazonEC2' }`, a tag as `tag:Team`; `{}` is the total. */
export type Dimensions = Readonly<Record<string, string>>

/** Amounts are numbers of the detector. */
export interface Facts extends Omit<Detect.Anomaly, 'actual' | 'detected'> {
  dimensions: Dimensions
  charged: ChargedAs
  currency: string
  /** Parts of the series with anomalies of their own, whose costs are in none of these figures. */
  leftOut?: readonly Dimensions[]
  /** Of the total: those that are judged, because they still deliver. */
  providers?: readonly string[]
  /** Day of the first alarm. */
  alarmOn: Day
  /** The first day of the series that was judged. */
  knownSince: Day
  /** Sum of the daily costs, in floating point; `RootCause.actual` is exact. */
  seriesCost: number
  /** Other series that show the same excess. */
  alsoSeen: { dimensions: Dimensions; impact: number }[]
}

export interface Share extends Omit<Detect.Share, 'excess' | 'effect'> {
  excess: string
  effect?: { quantity: string; price: string; before: string; after: string; unit: string }
}

export interface RootCause {
  sentence: string
  /** Exact, from the charges. */
  actual: string
  shares: Share[]
  affectedResources: string[]
  events: Detect.InventoryEvent[]
}

/** The series, and the service and region that have most of the excess of a larger one. */
interface Place {
  provider: string | null
  account: string | null
  /** `(several)` if none has most of it. */
  service: string
  region: string
}

/** The last day, and the largest excess of a day. */
export interface Closed {
  last: Day
  dailyExcess: number
}

/** One cause of unexpected cost. A row stays for 400 days after its last day. */
export interface Info extends Facts, Place {
  /** Begins with the day of the first alarm, by which lists are sorted. */
  id: string
  status: (typeof statuses)[number]
  rootCause: RootCause
  /** When it was found, in ISO time. */
  detectedAt: string
  /** The event was sent with the first write. */
  isAnnounced?: true
  updatedAt: string
  /** That was judged. */
  lakeVersion: number
  /** Since the status is not `active`. */
  closedAt?: string
  closedBy?: string
  /** What a user resolved or ignored. */
  closedFor?: Closed
  /** Of the user. */
  note?: string
  withdrawnBecause?: string
  /** The mark that expects it, and its note. */
  expectedBy?: string
  expectedNote?: string
  /** The mark that a user overruled. */
  rejectedMark?: string
  expiresAt: number
}

/**
 * The same for each analysis that finds it first on this day. An anomaly keeps its id when it moves to another series or
 * day; one that comes to its old place has the next `turn`, counted from 0.
 */
export function idOf(orgId: string, { dimensions, charged, currency, alarmOn, impact }: Facts, turn = 0): string {
  const named = Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const parts = [orgId, named, charged, currency, alarmOn, impact < 0, ...(turn > 0 ? [turn] : [])]
  const digest = hash('sha256', JSON.stringify(parts), 'hex')
  return `ano_${alarmOn.replaceAll('-', '')}${digest.slice(0, 18)}`
}

const leadPercent = 70

export function placeOf({ dimensions }: Pick<Facts, 'dimensions'>, { shares }: Pick<RootCause, 'shares'>): Place {
  const leader = (dimension: 'service' | 'region') =>
    dimensions[dimension] ??
    shares.find((share) => share.dimension === dimension && share.percent >= leadPercent)?.value ??
    '(several)'
  const { provider = null, account = null } = dimensions
  return { provider, account, service: leader('service'), region: leader('region') }
}

export function isSameSeries(a: Dimensions, b: Dimensions): boolean {
  const [names, others] = [Object.entries(a), Object.keys(b)]
  return names.length === others.length && names.every(([name, value]) => b[name] === value)
}

/** What a user who closes it now has seen. */
export function closedOf({ last, excess, impact }: Pick<Info, 'last' | 'excess' | 'impact'>): Closed {
  const side = Math.sign(impact)
  return { last, dailyExcess: side * Math.max(0, ...excess.map(({ amount }) => side * amount)) }
}

/** `part` is the series or a part of it. */
export function isWithin(part: Dimensions, whole: Dimensions): boolean {
  return Object.entries(whole).every(([name, value]) => part[name] === value)
}

export function unmarked<Row extends Pick<Info, 'expectedBy' | 'expectedNote'>>({
  expectedBy: _mark,
  expectedNote: _note,
  ...row
}: Row) {
  return row
}

/** Without the traces of its end; `note` stays. */
export function reopened(info: Info): Info {
  const { closedAt: _at, closedBy: _by, closedFor: _for, withdrawnBecause: _reason, ...rest } = info
  return { ...unmarked(rest), status: 'active' }
}
