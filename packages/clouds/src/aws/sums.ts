import type { Version } from '../versions.ts'

/** The costs of a day, service and account. */
export interface Sum {
  day: string
  service: string
  account: string
  billed: bigint
  effective: bigint
}

/** The sums of a bill by day; a charge of an earlier month counts on the first day. */
export function sumsOf({ month, bill }: Version): Map<string, Sum[]> {
  const sums = new Map<string, Sum>()
  for (const { fields, start, costs } of bill().charges) {
    const day = start < month ? `${month}-01` : start.slice(0, 10)
    const service = (fields.ChargeCategory === 'Tax' ? 'Tax' : fields.ServiceName) ?? ''
    const account = fields.SubAccountId ?? ''
    const key = [day, service, account].join()
    const { billed, effective } = sums.get(key) ?? { billed: 0n, effective: 0n }
    sums.set(key, {
      day,
      service,
      account,
      billed: billed + costs.billed,
      effective: effective + costs.effective,
    })
  }
  return Map.groupBy(sums.values(), ({ day }) => day)
}
