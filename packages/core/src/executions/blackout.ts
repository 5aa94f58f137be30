import { localOf } from '../kernel/calendar.ts'
import { type BlackoutWindow, weekdays } from './safety.ts'

const minuteMs = 60_000
const dayMinutes = 24 * 60

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))

function isWithin({ days, from, to, timeZone }: BlackoutWindow, at: Date): boolean {
  const { weekday, minute } = localOf(at, timeZone)
  const day = weekdays.findIndex((name) => name === weekday)
  const [start, end] = [minuteOf(from), minuteOf(to)]
  const length = end > start ? end - start : end - start + dayMinutes
  return [0, 1].some((daysBefore) => {
    const began = weekdays[(day + 7 - daysBefore) % 7]
    const since = minute - start + daysBefore * dayMinutes
    return began !== undefined && days.includes(began) && since >= 0 && since < length
  })
}

/** The first minute from `at` on that no window covers; undefined if there is none within 8 days. */
export function firstOpen(windows: readonly BlackoutWindow[], at: Date): Date | undefined {
  if (!windows.some((window) => isWithin(window, at))) return at
  const next = Math.floor(at.getTime() / minuteMs) + 1
  for (let minute = next; minute < next + 8 * dayMinutes; minute++) {
    const candidate = new Date(minute * minuteMs)
    if (!windows.some((window) => isWithin(window, candidate))) return candidate
  }
  return undefined
}
