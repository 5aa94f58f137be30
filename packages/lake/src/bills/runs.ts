import type { Bill } from './bill.ts'
import { refusal } from './refusal.ts'

/** The name of a run's folder: a GUID (Azure, legacy CUR), or a time with an execution id (AWS Data Exports). */
const run = /[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}|^\d{4}-?\d{2}-?\d{2}T[\d:.-]+Z/i

/** Each run of an export is a complete snapshot: throws Fault `invalid` for two runs of one bill. */
export function refuseRuns(bills: readonly Bill[], isSameBill: (a: Bill, b: Bill) => boolean): void {
  for (const [index, bill] of bills.entries())
    for (const other of bills.slice(0, index)) {
      const runs = differentRuns(other.source.name, bill.source.name)
      if (!runs || other.format.id !== bill.format.id || !isSameBill(other, bill)) continue
      const reason = `the runs ${runs.join(' and ')} are snapshots of the same bill, and together they would count it twice: import the folder of the newest run`
      throw refusal(bill.source.name, reason)
    }
}

/** The folders of two runs side by side that hold the two files. */
function differentRuns(a: string, b: string): [string, string] | undefined {
  const [left, right] = [a.split(/[\\/]/), b.split(/[\\/]/)]
  const at = left.findIndex((part, index) => part !== right[index])
  const [one = '', two = ''] = [left[at], right[at]]
  const areFolders = at >= 0 && at < left.length - 1 && at < right.length - 1
  return areFolders && run.test(one) && run.test(two) ? [one, two] : undefined
}
