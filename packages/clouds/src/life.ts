import { Day } from '@cloudoptima/sample'
import type { Faults } from './faults.ts'
import { dayOf } from './load.ts'

const mostCredits = 3

/** A cloud corrects the running month of a billing account: it adds credits, and after the third takes all back. */
export function correct({ bills }: Faults, billingAccount: string, now: Date): void {
  const key = `${billingAccount} ${Day.month(dayOf(now) - 1).period}`
  const credits = bills[key]?.restatements ?? 0
  bills[key] = { restatements: credits === mostCredits ? 0 : credits + 1 }
}
