const dayMs = 86_400_000

/** A day as the number of days since 1970-01-01. */
export type Day = number

export function parse(text: string): Day {
  const ms = Date.parse(`${text}T00:00:00Z`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(ms))
    throw new RangeError(`${text} is not a day. Write it as YYYY-MM-DD.`)
  return ms / dayMs
}

/** `YYYY-MM-DD`. */
export function format(day: Day): string {
  return new Date(day * dayMs).toISOString().slice(0, 10)
}

/** Midnight UTC in FOCUS's format. */
export function instant(day: Day): string {
  return `${format(day)}T00:00:00Z`
}

/** 0 is Sunday. */
export function weekday(day: Day): number {
  return (day + 4) % 7
}

/** A calendar month: its name `YYYY-MM`, its first day and the first day of the next. */
export interface Month {
  period: string
  start: Day
  end: Day
}

/** The month of a day, or the month `later` months after it. */
export function month(day: Day, later = 0): Month {
  const date = new Date(day * dayMs)
  const first = (add: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + add, 1) / dayMs
  return { period: format(first(later)).slice(0, 7), start: first(later), end: first(later + 1) }
}
