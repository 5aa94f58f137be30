import * as z from 'zod'
import type { ChargeDays } from '../effects/lake.ts'

/** `usage` counts the days of the month with usage. */
export const Summary = z.object({ first: z.string(), last: z.string(), usage: z.int().optional() })

export function summaryOf({ first, last, usage }: ChargeDays): z.infer<typeof Summary> {
  return { first, last, ...(usage !== undefined && { usage: daysIn(usage).length }) }
}

/** The days (1 to 31) that had usage before and have none now. */
export function lost(before: ChargeDays, now: ChargeDays): number[] {
  return before.usage === undefined || now.usage === undefined ? [] : daysIn(before.usage & ~now.usage)
}

function daysIn(bits: number) {
  return Array.from({ length: 31 }, (_, index) => index + 1).filter((day) => (bits & (1 << (day - 1))) !== 0)
}
