import { basename, dirname } from 'node:path'
import { Runs } from '@cloudoptima/core'
import { type Bill, sharesPartition } from './bill.ts'
import { refusal } from './refusal.ts'

/** Each run of an export is a complete snapshot: throws Fault `invalid` for two runs of one bill. */
export function refuseRuns(bills: readonly Bill[]): void {
  for (const [index, bill] of bills.entries())
    for (const other of bills.slice(0, index)) {
      if (other.format.id !== bill.format.id || !sharesPartition(other, bill)) continue
      const runs = differentRuns(other, bill)
      if (!runs) continue
      const reason =
        `the runs ${runs.join(' and ')} are snapshots of the same bill, and together they would count it twice: ` +
        'import the newest run alone'
      throw refusal(bill.source.name, reason)
    }
}

/** The folders of two runs side by side that hold the two files, or the files if each is a run. */
function differentRuns({ source: a, format }: Bill, { source: b }: Bill): [string, string] | undefined {
  const [one, two] = [Runs.runOf(a.name), Runs.runOf(b.name)]
  if (one && two && one.parent === two.parent && one.run !== two.run) return [one.run, two.run]
  const [export1, export2] = [a, b].map(({ name }) => format.runFile?.exec(basename(name))?.[1])
  const isSame = export1 !== undefined && export1 === export2 && dirname(a.name) === dirname(b.name)
  return isSame ? [basename(a.name), basename(b.name)] : undefined
}
