import { addDays, addMonths, type Day, monthOf, monthSpan } from '../kernel/calendar.ts'

/** A tax, credit, purchase or adjustment. */
export interface Charge {
  day: Day
  cost: string
  /** What recurs: charges with equal text are the same one. */
  charge: string
  /** Bought once, such as a commitment that is paid upfront. */
  isOnce: boolean
}

/** Charges that come once a month, such as a tax or a fee. */
export interface Recurring {
  /** With the cost of the last month in which they came; 31 is the end of each month. */
  days: { dayOfMonth: number; cost: number }[]
  oneOffs: number
  /** The cost that is expected on a day. */
  on(day: Day): number
}

/** Days that a monthly charge may come earlier or later. */
const tolerance = 3

/**
 * A charge that came in each of the last two months up to `last`, within three days of the same day, repeats with its last
 * cost; the others are one-offs. The last day of a short month stands for the later ones.
 */
export function recurring(rows: readonly Charge[], last: Day): Recurring {
  const found = new Map<number, number>()
  let oneOffs = 0
  for (const own of Map.groupBy(rows, ({ charge }) => charge).values()) {
    const costs = new Map<Day, number>()
    for (const { day, cost, isOnce } of own)
      if (isOnce) oneOffs += Number(cost)
      else costs.set(day, (costs.get(day) ?? 0) + Number(cost))
    const repeated = new Set<Day>()
    for (const day of [...costs.keys()].toSorted().toReversed()) {
      if (repeated.has(day) || day > last || addDays(monthAfter(day), tolerance) < last) continue
      const before = monthBefore(day, costs, repeated)
      if (before === undefined) continue
      const dayOfMonth = isLastDay(day) && isLastDay(before) ? 31 : Number(day.slice(8))
      found.set(dayOfMonth, (found.get(dayOfMonth) ?? 0) + (costs.get(day) ?? 0))
      for (let at: Day | undefined = day; at !== undefined; at = monthBefore(at, costs, repeated)) repeated.add(at)
    }
    for (const [day, cost] of costs) if (!repeated.has(day)) oneOffs += cost
  }
  return {
    days: [...found].toSorted(([a], [b]) => a - b).map(([dayOfMonth, cost]) => ({ dayOfMonth, cost })),
    oneOffs,
    on(day) {
      const dayOfMonth = Number(day.slice(8))
      const isDue = (of: number) => of === dayOfMonth || (of > dayOfMonth && isLastDay(day))
      return [...found].reduce((sum, [of, cost]) => sum + (isDue(of) ? cost : 0), 0)
    },
  }
}

const nearby = [0, -1, 1, -2, 2, -tolerance, tolerance]

const isLastDay = (day: Day) => day === monthSpan(monthOf(day)).end

/** The same day of another month, or its end. */
function sameDayOf(month: string, day: Day): Day {
  const { end } = monthSpan(month)
  const same = `${month}${day.slice(7)}`
  return isLastDay(day) || same > end ? end : same
}

const monthAfter = (day: Day) => sameDayOf(addMonths(monthOf(day), 1), day)

/** The nearest day with a cost about a month before. */
function monthBefore(day: Day, costs: ReadonlyMap<Day, number>, taken: ReadonlySet<Day>): Day | undefined {
  const usual = sameDayOf(addMonths(monthOf(day), -1), day)
  return nearby
    .map((days) => addDays(usual, days))
    .find((other) => costs.get(other) && !taken.has(other) && other < day)
}
