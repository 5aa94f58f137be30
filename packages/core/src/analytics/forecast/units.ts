import { largest } from '../series/numeric.ts'

/** Units in which a series is modeled. */
export interface Units {
  to: (value: number) => number
  back: (value: number) => number
}

export const same: Units = { to: (value) => value, back: (value) => value }

/** Logarithms of the distance from `zero`, if all values are positive. */
export function logarithmsOf(values: Float64Array, zero: number): Units | undefined {
  if (!Number.isFinite(zero) || values.some((value) => value <= zero)) return undefined
  // No forecast is more than ten times the largest value, so that no number is infinite.
  const most = Math.log(10 * largest(values.map((value) => value - zero)))
  return {
    to: (value) => Math.log(value - zero),
    back: (value) => Math.exp(Math.min(value, most)) + zero,
  }
}
