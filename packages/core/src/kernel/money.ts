import { Big } from 'big.js'

/** An exact amount. Numbers of JSON and of JavaScript appear only in answers, made by {@link toNumber} at the very end. */
export type Amount = Big

export const zero: Amount = new Big(0)

/** The amount of a plain decimal string as the lake gives it. */
export function parse(text: string): Amount {
  return new Big(text)
}

/** The exact sum. */
export function sum(amounts: Iterable<Amount>): Amount {
  let total = zero
  for (const amount of amounts) total = total.plus(amount)
  return total
}

/** A plain decimal string: no exponent, no trailing zeros, no minus before zero. */
export function plain(amount: Amount): string {
  return amount.eq(0) ? '0' : amount.toFixed()
}

/** The nearest JSON number. */
export function toNumber(amount: Amount): number {
  return Number(plain(amount))
}

/** What `part` is of `whole`, in percent with four decimals; 0 of a whole that is 0. Parts of a negative whole sum to 100 as well. */
export function percentOf(part: Amount, whole: Amount): number {
  return whole.eq(0) ? 0 : percent(part, whole)
}

/** By how many percent of the earlier amount it changed (four decimals, negative when it fell); null when the earlier amount is 0: no percentage says that. */
export function changePercent(now: Amount, before: Amount): number | null {
  return before.eq(0) ? null : percent(now.minus(before), before.abs())
}

/** The change for an answer that says it as a number always: of an earlier 0 it is 0, 100 or -100, and `isFromZero` says that there was nothing to compare with. */
export function change(now: Amount, before: Amount): { percent: number; isFromZero: boolean } {
  const percent = changePercent(now, before)
  return percent === null
    ? { percent: 100 * Math.sign(now.cmp(zero)), isFromZero: true }
    : { percent, isFromZero: false }
}

function percent(part: Amount, whole: Amount): number {
  return toNumber(part.times(100).div(whole).round(4))
}

/** Sorts dearest first. */
export function descending(a: Amount, b: Amount): number {
  return b.cmp(a)
}
