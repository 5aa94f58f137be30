import { Money } from '@cloudoptima/sample'

const scale = Money.priceScale

/** A decimal times a fraction, which the invented prices leave room for. */
export function timesFraction(price: string, times: number, by: number): string {
  const product = Money.parse(price, scale) * BigInt(times)
  if (product % BigInt(by) !== 0n) throw new RangeError(`${price} x ${times} / ${by} has too many decimals`)
  return Money.format(product / BigInt(by), scale)
}
