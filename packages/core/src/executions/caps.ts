import * as Money from '../kernel/money.ts'
import type { SafetyControls } from './safety.ts'
import type { Info as Target } from './target.ts'

/**
 * The reason why a planned target is beyond a cap, by its number; targets come first in their order. The share is of the
 * whole fleet, rounded down.
 */
export function beyondCaps(
  planned: readonly Pick<Target, 'number' | 'monthlyCost'>[],
  { maxResourcesPerExecution, maxMonthlyCost, maxSharePercent }: SafetyControls,
  fleetSize: number,
): Map<number, string> {
  const share = maxSharePercent === null ? Infinity : Math.floor((fleetSize * maxSharePercent) / 100)
  const beyond = new Map<number, string>()
  let [taken, cost] = [0, Money.zero]
  for (const { number, monthlyCost } of planned) {
    const reason =
      taken >= maxResourcesPerExecution
        ? `Beyond the cap of ${maxResourcesPerExecution} resources.`
        : taken >= share
          ? `Beyond the cap of ${maxSharePercent} % of ${fleetSize} resources.`
          : maxMonthlyCost && tooDear(maxMonthlyCost, monthlyCost, cost)
    if (typeof reason === 'string') beyond.set(number, reason)
    else {
      taken++
      if (maxMonthlyCost && monthlyCost) cost = cost.plus(Money.parse(monthlyCost.amount))
    }
  }
  return beyond
}

function tooDear(
  cap: NonNullable<SafetyControls['maxMonthlyCost']>,
  own: Target['monthlyCost'],
  before: ReturnType<typeof Money.parse>,
): string | undefined {
  if (!own) return 'Its cost is not known, and the execution has a cap on money.'
  if (own.currency !== cap.currency) return `It costs ${own.currency}, and the cap on money is in ${cap.currency}.`
  if (before.plus(Money.parse(own.amount)).lte(Money.parse(cap.amount))) return undefined
  return `Beyond the cap of ${cap.amount} ${cap.currency} a month.`
}
