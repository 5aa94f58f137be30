/** Decimals of a quantity, of a unit price, and of their product, which is exact: all three are integers scaled by these. */
export const quantityScale = 4
export const priceScale = 14
export const costScale = quantityScale + priceScale

/** A plain decimal as an integer of so many decimals. Throws when that would lose a digit. */
export function parse(text: string, scale: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  const [, sign = '', whole = '', fraction = ''] = match ?? []
  if (!match || fraction.length > scale) throw new RangeError(`${text} is no decimal of at most ${scale} places`)
  return BigInt(sign + whole + fraction.padEnd(scale, '0'))
}

/** The plain decimal: no exponent, no trailing zeros. */
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

/** So many percent of a price, rounded half up to the price's last decimal. */
export function percent(value: bigint, hundredths: number): bigint {
  return divide(value * BigInt(hundredths), 100n)
}

/** Rounded half away from zero to two decimals: what an invoice charges for tax. */
export function toCents(cost: bigint): bigint {
  const cent = 10n ** BigInt(costScale - 2)
  return divide(cost, cent) * cent
}

/** Division that rounds half away from zero. */
export function divide(value: bigint, by: bigint): bigint {
  return value < 0n ? -divide(-value, by) : (value + by / 2n) / by
}
