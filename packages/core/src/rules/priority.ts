import * as Money from '../kernel/money.ts'
import { amountOf, type Saving } from './pricing/money.ts'
import type { Found, Level } from './rule.ts'

/** How often a finding of this confidence is right. */
const chances: Record<Level, string> = { low: '0.4', medium: '0.7', high: '0.95' }
/** By how much a risk, and the work, lower the worth of a saving. */
const riskFactors: Record<Level, string> = { low: '1', medium: '0.7', high: '0.4' }
const effortFactors: Record<Level, string> = { low: '1', medium: '0.85', high: '0.6' }

/** What a unit of a currency is worth in the one of the organization. */
export type RateOf = (currency: string | undefined) => Money.Amount

export const oneCurrency: RateOf = () => Money.one

/** Saving a month in the organization's currency x confidence x risk factor x effort factor; exact in one currency. */
export function priorityOf(
  { confidence, risk, effort }: Found,
  saving: Saving,
  rateOf: RateOf = oneCurrency,
): Money.Amount {
  const amount = amountOf(saving).times(rateOf(saving.currency))
  return amount.times(chances[confidence.level]).times(riskFactors[risk]).times(effortFactors[effort])
}
