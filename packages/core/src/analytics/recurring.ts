import { addMonths, type Day, monthOf, monthSpan } from '../kernel/calendar.ts'

/** Charges that come once a month, such as a tax or a fee. */
export interface Recurring {
  /** Of the last month in which the charge came. */
  days: { dayOfMonth: number; cost: number }[]
  oneOffs: number
  /** The cost that is expected on a day. */
  on(day: Day): number
}

/**
 * Costs of a day of the month that came in each of the last two months up to `last` repeat with their last value; the
 * others are one-offs. The last day of a short month stands for the later ones.
 */
export function recurring(rows: readonly { day: Day; cost: string }[], last: Day): Recurring {
  const costs = new Map<Day, number>()
  for (const { day, cost } of rows) costs.set(day, (costs.get(day) ?? 0) + Number(cost))
  const found = new Map<number, number>()
  for (let dayOfMonth = 1; dayOfMonth <= 31; dayOfMonth++) {
    const [newest, earlier] = lastTwo(dayOfMonth, last).map((day) => costs.get(day) ?? 0)
    if (newest && earlier) found.set(dayOfMonth, newest)
  }
  const isRecurring = (day: Day) => found.has(Number(day.slice(8)))
  return {
    days: [...found].map(([dayOfMonth, cost]) => ({ dayOfMonth, cost })),
    oneOffs: [...costs].reduce((sum, [day, cost]) => sum + (isRecurring(day) ? 0 : cost), 0),
    on(day) {
      const dayOfMonth = Number(day.slice(8))
      const isLastDay = day === monthSpan(monthOf(day)).end
      const own = found.get(dayOfMonth)
      if (own !== undefined || !isLastDay) return own ?? 0
      return [...found].find(([of]) => of > dayOfMonth)?.[1] ?? 0
    },
  }
}

function lastTwo(dayOfMonth: number, last: Day): Day[] {
  const dayIn = (month: string) => {
    const { end } = monthSpan(month)
    const day = `${month}-${String(dayOfMonth).padStart(2, '0')}`
    return day > end ? end : day
  }
  const month = monthOf(last)
  const newest = dayIn(month) <= last ? month : addMonths(month, -1)
  return [dayIn(newest), dayIn(addMonths(newest, -1))]
}
