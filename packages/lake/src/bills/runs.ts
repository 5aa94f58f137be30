import { type Bill, sharesPartition } from './bill.ts'
import { refusal } from './refusal.ts'

/** The name of a run's folder: a GUID (Azure, legacy CUR), or a time with an execution id (AWS Data Exports). */
const runName = /[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}|^\d{4}-?\d{2}-?\d{2}T[\d:.-]+Z/i

/** Each run of an export is a complete snapshot: throws Fault `invalid` for two runs of one bill. */
export function refuseRuns(bills: readonly Bill[]): void {
  for (const [index, bill] of bills.entries())
    for (const other of bills.slice(0, index)) {
      const runs = differentRuns(other.source.name, bill.source.name)
      if (!runs || other.format.id !== bill.format.id || !sharesPartition(other, bill)) continue
      const reason =
        `the runs ${runs.join(' and ')} are snapshots of the same bill, and together they would count it twice: ` +
        'import the folder of the newest run'
      throw refusal(bill.source.name, reason)
    }
}

/** The folders of two runs side by side that hold the two files. */
function differentRuns(a: string, b: string): [string, string] | undefined {
  const [one, two] = [runOf(a), runOf(b)]
  return one && two && one.parent === two.parent && one.run !== two.run ? [one.run, two.run] : undefined
}

/** The folder of the run that wrote a file, and the folder that holds the runs; undefined for a file of no run. */
export function runOf(path: string): { parent: string; run: string } | undefined {
  const folders = path.split(/[\\/]/).slice(0, -1)
  const at = folders.findLastIndex((folder) => runName.test(folder))
  return at < 0 ? undefined : { parent: folders.slice(0, at).join('/'), run: folders[at] ?? '' }
}
