import { Calendar } from '@cloudoptima/core'

/** Bills older than this are not collected. */
const most = 13

/** The months whose bills are collected, the newest first. */
export function collectedMonths(now: Date): Calendar.Month[] {
  const current = Calendar.monthOf(Calendar.dayOf(now))
  return Array.from({ length: most }, (_, back) => Calendar.addMonths(current, -back))
}
