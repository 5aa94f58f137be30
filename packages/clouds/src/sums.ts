import type { Fields } from '@cloudoptima/sample'
import type { Version } from './versions.ts'

/** The costs of a day and of what `keys` names. */
export interface Sum {
  day: string
  keys: string[]
  billed: bigint
  effective: bigint
}

/** Sums a bill by day, and by the keys of each charge; a charge of an earlier month counts on the first day. */
export function sumsBy(keysOf: (fields: Fields) => string[]): (version: Version) => Map<string, Sum[]> {
  return ({ month, bill }) => {
    const sums = new Map<string, Sum>()
    for (const { fields, start, costs } of bill().charges) {
      const day = start < month ? `${month}-01` : start.slice(0, 10)
      const keys = keysOf(fields)
      const name = JSON.stringify([day, keys])
      const { billed, effective } = sums.get(name) ?? { billed: 0n, effective: 0n }
      sums.set(name, { day, keys, billed: billed + costs.billed, effective: effective + costs.effective })
    }
    return Map.groupBy(sums.values(), ({ day }) => day)
  }
}
