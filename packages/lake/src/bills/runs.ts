import { basename, dirname } from 'node:path'
import { Runs } from '@cloudoptima/core'
import { type Bill, sharesPartition } from './bill.ts'
import { refusal } from './refusal.ts'

/** Each run of an export is a complete snapshot: throws Fault `invalid` for two runs of one bill. */
export function refuseRuns(bills: readonly Bill[]): void {
  for (const [index, bill] of bills.entries())
    for (const other of bills.slice(0, index)) {
      if (other.format.id !== bill.format.id || !sharesPartition(other, bill)) continue
      const found = differentRuns(other, bill)
      if (!found) continue
      const reason =
        `the runs ${found.runs.join(' and ')} are snapshots of the same bill, and together they would count it ` +
        `twice: import the newest run alone${found.haveManifests ? ', or all runs with their manifests' : ''}`
      throw refusal(bill.source.name, reason)
    }
}

/** The folders of two runs side by side that hold the two files, or the files if each is a run. */
function differentRuns(
  { source: a, format }: Bill,
  { source: b }: Bill,
): { runs: [string, string]; haveManifests: boolean } | undefined {
  const [one, two] = [Runs.runOf(a.name), Runs.runOf(b.name)]
  if (one && two && one.parent === two.parent && one.run !== two.run)
    return { runs: [one.run, two.run], haveManifests: true }
  const [export1, export2] = [a, b].map(({ name }) => format.runFile?.exec(basename(name))?.[1])
  const isSame = export1 !== undefined && export1 === export2 && dirname(a.name) === dirname(b.name)
  return isSame ? { runs: [basename(a.name), basename(b.name)], haveManifests: false } : undefined
}
