import * as Money from '../kernel/money.ts'

/** Usage of one on-demand price, and the price of a commitment for usage that costs 1 on demand. */
export interface Member {
  ratio: Money.Amount
  /** The on-demand cost of each time, as if it lasted a month. */
  usage: readonly Money.Amount[]
}

/** A month of a commitment. */
export interface Cover {
  fee: Money.Amount
  /** What the covered usage costs on demand, at least. */
  covered: Money.Amount
}

const digits = 15
const hoursOfMonth = 720

/**
 * The most that is used at each time, so that nothing of it is ever wasted. `saved` is what other changes take from the
 * usage in a month; it is taken at the highest price, because no one knows from which usage. Undefined if nothing stays.
 * A commitment that is no plan has one member.
 */
export function cover(members: readonly Member[], saved: Money.Amount, isPlan: boolean): Cover | undefined {
  const sorted = members.toSorted((a, b) => a.ratio.cmp(b.ratio))
  const times = [...(sorted[0]?.usage ?? []).keys()]
  const highest = sorted.at(-1)?.ratio ?? Money.zero
  const most = leastOf(times, (time) => Money.sum(sorted.map(({ usage }) => usage[time] ?? Money.zero))).minus(saved)
  const payable = leastOf(times, (time) =>
    Money.sum(sorted.map(({ usage, ratio }) => (usage[time] ?? Money.zero).times(ratio))),
  ).minus(saved.times(highest))
  const fee = isPlan ? inSteps(payable) : payable
  if (most.lte(0) || fee.lte(0)) return undefined
  return {
    fee,
    covered: isPlan
      ? least(
          most,
          leastOf(times, (time) => paidFor(sorted, time, fee)),
        )
      : most,
  }
}

/** AWS sells commitments in steps of 0.001 an hour; it is rounded down, so that it stays below the usage. */
const inSteps = (monthly: Money.Amount) => monthly.div(hoursOfMonth).round(3, 0).times(hoursOfMonth)

/** The hourly amount of a month's fee. */
export const perHour = (monthly: Money.Amount): string => Money.plain(monthly.div(hoursOfMonth).round(6))

function leastOf(times: readonly number[], amountAt: (time: number) => Money.Amount): Money.Amount {
  let least: Money.Amount | undefined
  for (const time of times) {
    const amount = amountAt(time)
    if (least === undefined || amount.lt(least)) least = amount
  }
  return least ?? Money.zero
}

/**
 * What a fee pays for at one time. A plan is applied to the usage with the highest saving first:
 * https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
 */
function paidFor(sorted: readonly Member[], time: number, fee: Money.Amount): Money.Amount {
  let total = Money.zero
  let rest = fee
  for (const { ratio, usage } of sorted) {
    const used = usage[time] ?? Money.zero
    const price = used.times(ratio)
    if (price.gte(rest)) return total.plus(least(used, Money.quotient(rest, ratio, digits)))
    total = total.plus(used)
    rest = rest.minus(price)
  }
  return total
}

const least = (a: Money.Amount, b: Money.Amount) => (a.lt(b) ? a : b)
