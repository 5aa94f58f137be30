/**
 * Decimals of quantities, unit prices and costs, which are scaled integers. A cost is quantity times price, and so
 * exact.
 */
export const quantityScale = 4
export const priceScale = 14
export const costScale = quantityScale + priceScale

/** Parses a plain decimal into an integer scaled by `scale` decimals. Throws a RangeError if a digit would be lost. */
export function parse(text: string, scale: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  const [, sign = '', whole = '', fraction = ''] = match ?? []
  if (!match || fraction.length > scale)
    throw new RangeError(`${text} is not a plain decimal with at most ${scale} decimal places`)
  return BigInt(sign + whole + fraction.padEnd(scale, '0'))
}

/** Formats a plain decimal: no exponent, no trailing zeros. */
export function format(value: bigint, scale: number): string {
  if (value === 0n) return '0'
  if (value < 0n) return `-${format(-value, scale)}`
  const digits = value.toString()
  let end = digits.length
  const point = end - scale
  while (end > point && digits.charCodeAt(end - 1) === 48) end--
  if (end <= point) return digits.slice(0, point)
  return point > 0
    ? `${digits.slice(0, point)}.${digits.slice(point, end)}`
    : `0.${'0'.repeat(-point)}${digits.slice(0, end)}`
}

/** A percentage of a price, rounded half away from zero. */
export function percent(value: bigint, percent: number): bigint {
  return divide(value * BigInt(percent), 100n)
}

/** Rounds a cost to cents, half away from zero, as invoices do. */
export function toCents(cost: bigint): bigint {
  const cent = 10n ** BigInt(costScale - 2)
  return divide(cost, cent) * cent
}

/** Divides and rounds half away from zero. */
export function divide(value: bigint, by: bigint): bigint {
  return value < 0n ? -divide(-value, by) : (value + by / 2n) / by
}
