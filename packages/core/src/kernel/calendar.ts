import * as z from 'zod'

/** `YYYY-MM-DD` in UTC; days compare as strings. */
export type Day = string
export type Month = string

/** Others are typing errors. */
export const Day = z.iso
  .date({ error: 'must be a day, YYYY-MM-DD', abort: true })
  .refine((day) => day >= '2000-01-01' && day <= '2199-12-31', 'must lie between 2000-01-01 and 2199-12-31')
export const Month = z.string().regex(/^2[01]\d\d-(0[1-9]|1[0-2])$/, 'must be a month, YYYY-MM, between 2000 and 2199')
export const Time = z.iso.datetime({ offset: true, message: 'must be a time, such as 2024-10-01T00:00:00Z' })
export const TimeZone = z.string().refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Zurich')
export const Granularity = z.enum(['daily', 'weekly', 'monthly'])
export type Granularity = z.infer<typeof Granularity>

export interface Span {
  start: Day
  end: Day
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** Weekday (`mon`), and minute of the day, on the clock of a time zone. */
export function localOf(at: Date, timeZone: string): { weekday: string; minute: number } {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const weekday = parts.get('weekday')?.toLowerCase() ?? ''
  return { weekday, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
}

const dayMs = 86_400_000

export function dayOf(instant: Date): Day {
  return instant.toISOString().slice(0, 10)
}

export function addDays(day: Day, days: number): Day {
  return dayOf(new Date(Date.parse(day) + days * dayMs))
}

export function daysIn({ start, end }: Span): number {
  return Math.round((Date.parse(end) - Date.parse(start)) / dayMs) + 1
}

export function spanBefore(span: Span): Span {
  return { start: addDays(span.start, -daysIn(span)), end: addDays(span.start, -1) }
}

export function monthOf(day: Day): Month {
  return day.slice(0, 7)
}

export function addMonths(month: Month, months: number): Month {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return dayOf(new Date(Date.UTC(year, number - 1 + months, 1))).slice(0, 7)
}

export function monthSpan(month: Month): Span {
  return { start: `${month}-01`, end: addDays(`${addMonths(month, 1)}-01`, -1) }
}

const wrongPeriod = 'must be a month, such as 2024-10, or the first and the last day, such as 2024-10-01..2024-10-15'

/** A month, `2024-10`, or days, `2024-10-01..2024-10-15`. */
export const Period = z
  .string()
  .regex(/^2[01]\d\d-(0[1-9]|1[0-2])(-\d\d\.\.2[01]\d\d-(0[1-9]|1[0-2])-\d\d)?$/, { error: wrongPeriod, abort: true })
  .refine((text) => {
    const [start = '', end] = text.split('..')
    return end === undefined || (start <= end && [start, end].every((day) => Day.safeParse(day).success))
  }, wrongPeriod)

/** Of a valid period, or of the one that lies so many of its lengths later. */
export function periodSpan(period: string, later = 0): Span {
  const [start = '', end] = period.split('..')
  if (end === undefined) return monthSpan(addMonths(start, later))
  const days = later * daysIn({ start, end })
  return { start: addDays(start, days), end: addDays(end, days) }
}

/** Weeks begin on Monday (ISO). */
export function bucketOf(day: Day, granularity: Granularity): Day {
  if (granularity === 'weekly') return addDays(day, -((new Date(day).getUTCDay() + 6) % 7))
  return granularity === 'daily' ? day : `${monthOf(day)}-01`
}

const mostDays: Record<Granularity, number> = { daily: 1, weekly: 7, monthly: 31 }

export function buckets({ start, end }: Span, granularity: Granularity): Day[] {
  const all: Day[] = []
  const next = (first: Day) => bucketOf(addDays(first, mostDays[granularity]), granularity)
  for (let first = bucketOf(start, granularity); first <= end; first = next(first)) all.push(first)
  return all
}

/** A time of ISO 8601 for people: `2026-10-13 08:00 UTC` */
export function timeText(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`
}
