import * as Money from '../kernel/money.ts'

/** A month of a commitment. */
export interface Cover {
  fee: Money.Amount
  /** What the covered usage costs on demand, at least. */
  covered: Money.Amount
}

/** Usage of one on-demand price, and the price of a plan for usage that costs 1 on demand. */
export interface Member {
  ratio: Money.Amount
  /** The on-demand cost of each time, as {@link unitsOf} makes it. */
  usage: readonly bigint[]
}

const digits = 15
const hoursOfMonth = 720
const decimals = 12
/** Usage below it is not bought. Integers are many times as fast as decimals. */
export const unit = Money.parse(`1e-${decimals}`)

/** A decimal in units of 1e-12, cut. */
export function unitsOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, '0'))
}

/** An amount in units, rounded up. */
export const unitsAbove = (amount: Money.Amount): bigint => BigInt(amount.div(unit).round(0, 3).toFixed())

/** Of one usage: a month of its least time, less what other changes save in a month. Undefined if nothing stays. */
export function coverOne(ratio: Money.Amount, least: Money.Amount, saved: Money.Amount, isPlan: boolean) {
  const most = least.minus(saved)
  const fee = isPlan ? inSteps(most.times(ratio)) : most.times(ratio)
  if (most.lte(0) || fee.lte(0)) return undefined
  return { fee, covered: isPlan ? lesser(most, Money.quotient(fee, ratio, digits)) : most } satisfies Cover
}

/**
 * A plan for all usage: the most that is used at each time, so that nothing of it is ever wasted. `saved` is what other changes
 * take from the usage in a month; it is taken at the highest price, because no one knows from which usage. `times` are those of a
 * month. Undefined if nothing stays.
 */
export function coverAll(members: readonly Member[], saved: Money.Amount, times: number): Cover | undefined {
  const sorted = members
    .map(({ ratio, usage }) => ({ ratio: unitsAbove(ratio), usage }))
    .toSorted((a, b) => (a.ratio < b.ratio ? -1 : a.ratio > b.ratio ? 1 : 0))
  const count = sorted[0]?.usage.length ?? 0
  const highest = unit.times(String(sorted.at(-1)?.ratio ?? 0n))
  const ofMonth = (units: bigint) => unit.times(String(units)).times(times)
  const most = ofMonth(leastOf(count, (time) => sum(sorted, time, () => 1n))).minus(saved)
  const payable = ofMonth(leastOf(count, (time) => sum(sorted, time, ({ ratio }) => ratio))).times(unit)
  const fee = inSteps(payable.minus(saved.times(highest)))
  if (most.lte(0) || fee.lte(0)) return undefined
  const each = BigInt(fee.div(times).div(unit).div(unit).round(0, 0).toFixed())
  return { fee, covered: lesser(most, ofMonth(leastOf(count, (time) => paidFor(sorted, time, each)))) }
}

type Priced = { ratio: bigint; usage: readonly bigint[] }

function sum(members: readonly Priced[], time: number, weight: (member: Priced) => bigint): bigint {
  let total = 0n
  for (const member of members) total += (member.usage[time] ?? 0n) * weight(member)
  return total
}

/**
 * What a fee pays for at one time. A plan is applied to the usage with the highest saving first:
 * https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
 */
function paidFor(sorted: readonly Priced[], time: number, fee: bigint): bigint {
  let total = 0n
  let rest = fee
  for (const { ratio, usage } of sorted) {
    const used = usage[time] ?? 0n
    const price = used * ratio
    if (price >= rest) return total + rest / ratio
    total += used
    rest -= price
  }
  return total
}

/** AWS sells commitments in steps of 0.001 an hour; it is rounded down, so that it stays below the usage. */
const inSteps = (monthly: Money.Amount) => monthly.div(hoursOfMonth).round(3, 0).times(hoursOfMonth)

/** The hourly amount of a month's fee. */
export const perHour = (monthly: Money.Amount): string => Money.plain(monthly.div(hoursOfMonth).round(6))

function leastOf(count: number, amountAt: (time: number) => bigint): bigint {
  let least: bigint | undefined
  for (let time = 0; time < count; time++) {
    const amount = amountAt(time)
    if (least === undefined || amount < least) least = amount
  }
  return least ?? 0n
}

const lesser = (a: Money.Amount, b: Money.Amount) => (a.lt(b) ? a : b)
