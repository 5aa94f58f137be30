import { Day } from '@cloudoptima/sample'
import type { Faults } from './faults.ts'
import { dayOf } from './load.ts'

const mostCredits = 3

/**
 * A cloud corrects the running month of a billing account: three times it adds a credit, then a part of yesterday's
 * usage is late, and then that usage comes and the credits end.
 */
export function correct({ bills }: Faults, billingAccount: string, now: Date): void {
  const yesterday = dayOf(now) - 1
  const key = `${billingAccount} ${Day.month(yesterday).period}`
  const { restatements: credits = 0, lateDays = [] } = bills[key] ?? {}
  if (credits < mostCredits) bills[key] = { restatements: credits + 1 }
  else bills[key] = lateDays.length === 0 ? { restatements: credits, lateDays: [Day.format(yesterday)] } : {}
}
