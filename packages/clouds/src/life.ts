import type { Faults } from './faults.ts'
import { dayOf } from './load.ts'
import { Day } from '@cloudoptima/sample'

const most = 4

/** A cloud corrects the bill of the running month: credits come one after the other, and are taken back. */
export function correct({ bills }: Faults, now: Date): void {
  const month = Day.month(dayOf(now) - 1).period
  const { restatements = 0, ...change } = bills[month] ?? {}
  bills[month] = { ...change, restatements: (restatements + 1) % most }
}
