import { extname, join } from 'node:path'
import type { BillDelivery, DeliveredFile } from '@cloudoptima/core'
import { collectedMonths } from '../../collect/months.ts'
import { download, restated } from './blobs.ts'
import type { Calls } from './calls.ts'
import { type CostSet, listExports } from './exports.ts'
import { isUnchanged, type Run, runsOf } from './runs.ts'

/**
 * Of each month the best that the exports have: FOCUS, the newest version first; or actual and amortized costs
 * together; or one of them.
 */
export async function* bills(calls: Calls): AsyncGenerator<BillDelivery> {
  const sources = await listExports(calls)
  if (!sources) return
  const { report, now } = calls.access
  if (sources.length === 0)
    report({
      state: 'no_export',
      part: 'exports',
      message:
        'The subscription has no usable export of its costs. Create one in Cost Management, under Exports: the ' +
        'dataset "Cost and usage details (FOCUS)", daily, month-to-date, with file partitioning.',
    })
  const oldest = collectedMonths(now()).at(-1) ?? ''
  const runs: Run[] = []
  for (const source of sources) runs.push(...(await runsOf(calls, source, oldest)))
  const sets = new Set(sources.map(({ set }) => set))
  const months = [...Map.groupBy(runs, ({ period }) => period)].toSorted(([a], [b]) => b.localeCompare(a))
  for (const [period, found] of months) {
    const chosen = choose(found, sets)
    if (chosen) yield deliveryOf(calls, period, chosen)
    else
      report({
        state: 'bill_incomplete',
        part: `exports/${period}`,
        message: 'One of the exports of actual and amortized costs lacks this month. Run it for the month.',
      })
  }
}

/** The runs of one delivery; undefined if half of a pair is missing. */
function choose(runs: Run[], sets: ReadonlySet<CostSet>): Run[] | undefined {
  const best = (set: CostSet) => runs.filter((run) => run.set === set).toSorted(byPreference)[0]
  const focus = best('focus')
  if (focus) return [focus]
  const halves = [best('actual'), best('amortized')].filter((run) => run !== undefined)
  const isPair = sets.has('actual') && sets.has('amortized')
  return halves.length === (isPair ? 2 : 1) ? halves : undefined
}

/** `1.2-preview` before `1.0r2` before `1.0` before `1.0-preview(v1)`, then the newest. */
function byPreference(a: Run, b: Run): number {
  const [ours = '', theirs = ''] = [a, b].map(({ dataVersion }) => dataVersion.replace(/-.*/, ''))
  const byVersion = theirs.localeCompare(ours) || a.dataVersion.length - b.dataVersion.length
  return byVersion || +b.submittedAt - +a.submittedAt
}

function deliveryOf(calls: Calls, period: string, runs: Run[]): BillDelivery {
  return {
    id: `${runs.map(({ set }) => set).join('+')}/${period}`,
    period,
    // The bill of the billing account has the costs of its other subscriptions too.
    scope: async () => calls.access.credentials.subscriptionId,
    version: runs.map(({ version }) => version).join('+'),
    async fetch(folder) {
      const files: DeliveredFile[] = []
      for (const { container, blobs, set } of runs) {
        for (const blob of blobs) {
          // The name of a blob is the customer's: it must not lead out of the folder.
          const ending = /(\.csv|\.parquet)?(\.gz|\.snappy)?$/i.exec(blob.name)?.[0] ?? extname(blob.name)
          const path = join(folder, `${files.length}${ending}`)
          await download(calls, container, blob, path)
          files.push({ name: runs.length > 1 ? `${set}/${blob.name}` : blob.name, path })
        }
      }
      for (const run of runs) if (!(await isUnchanged(calls, run))) throw restated()
      return files
    },
  }
}
