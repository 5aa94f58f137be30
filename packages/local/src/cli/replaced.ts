import { type Import, Partition } from '@cloudoptima/core'
import { count } from './text.ts'

const maxBills = 3

/** Warns when a delivery replaced bills of an earlier one of the same command. */
export function replacedWithin(imports: readonly Import.Info[]): string[] {
  const latest = new Map<string, Import.Info>()
  const bills = new Map<string, string[]>()
  for (const info of imports) {
    for (const { partition } of info.status === 'committed' ? (info.changes ?? []) : []) {
      const earlier = latest.get(partition)
      latest.set(partition, info)
      if (!earlier) continue
      const pair = `${nameOf(info)} replaced bills of ${nameOf(earlier)}`
      bills.set(pair, [...(bills.get(pair) ?? []), billOf(partition)])
    }
  }
  return [...bills].map(([pair, replaced]) => {
    const more = replaced.length > maxBills ? ` and ${count(replaced.length - maxBills)} more` : ''
    return `Warning: ${pair}: ${replaced.slice(0, maxBills).join('; ')}${more}. If both are parts of one bill, import them as one folder.`
  })
}

function nameOf({ files }: Import.Info) {
  return files.length === 1 ? (files[0]?.name ?? '') : `${files[0]?.name ?? ''} and ${count(files.length - 1)} more`
}

function billOf(partition: string) {
  const { provider, billingAccountId, period } = Partition.parse(partition)
  return `the bill of ${provider}, account ${billingAccountId}, ${period}`
}
