import { Big } from 'big.js'
import * as z from 'zod'

export type Amount = Big

export const zero: Amount = new Big(0)
export const one: Amount = new Big(1)

export function parse(text: string): Amount {
  return new Big(text)
}

export function sum(amounts: Iterable<Amount>): Amount {
  let total = zero
  for (const amount of amounts) total = total.plus(amount)
  return total
}

export function totalsBy<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  costOf: (row: Row) => string,
): Map<string, Amount> {
  const totals = new Map<string, Amount>()
  for (const row of rows) {
    const key = keyOf(row)
    totals.set(key, (totals.get(key) ?? zero).plus(parse(costOf(row))))
  }
  return totals
}

/** No exponent, no trailing zeros, no minus before zero. */
export function plain(amount: Amount): string {
  return amount.eq(0) ? '0' : amount.toFixed()
}

export function toNumber(amount: Amount): number {
  return Number(plain(amount))
}

/** The fields that {@link withExact} fills. */
export function exactly<Name extends string>(name: Name, described = '') {
  const fields = {
    [name]: described ? z.number().describe(described) : z.number(),
    [`${name}Exact`]: z.string().describe('The same as an exact decimal.'),
  }
  return fields as Record<Name, z.ZodNumber> & Record<`${Name}Exact`, z.ZodString>
}

/** As a number, and as an exact decimal. */
export function withExact<Name extends string>(
  name: Name,
  amount: Amount,
): Record<Name, number> & Record<`${Name}Exact`, string> {
  return { [name]: toNumber(amount), [`${name}Exact`]: plain(amount) } as ReturnType<typeof withExact<Name>>
}

const Precise = Big()
Precise.DP = 60

/** Rounded half to even to significant digits. */
export function quotient(dividend: Amount, divisor: Amount, digits: number): Amount {
  return new Big(new Precise(dividend).div(divisor).prec(digits, Big.roundHalfEven))
}

/** Four decimals; 0 if `whole` is 0. */
export function percentOf(part: Amount, whole: Amount): number {
  return whole.eq(0) ? 0 : percent(part, whole)
}

/** Four decimals; null if `before` is 0. */
export function growthPercent(now: Amount, before: Amount): number | null {
  return before.eq(0) ? null : percent(now.minus(before), before.abs())
}

/** If `before` is 0, `percent` is 0, 100 or -100 and `isFromZero` is true. */
export function growth(now: Amount, before: Amount): { percent: number; isFromZero: boolean } {
  const percent = growthPercent(now, before)
  return percent === null
    ? { percent: 100 * Math.sign(now.cmp(zero)), isFromZero: true }
    : { percent, isFromZero: false }
}

// Big's default of 20 decimals takes five times as long, and an answer has up to a hundred percentages.
const Percents = Big()
Percents.DP = 4

function percent(part: Amount, whole: Amount) {
  return toNumber(new Percents(part.times(100)).div(whole))
}

export function descending(a: Amount, b: Amount): number {
  return b.cmp(a)
}
