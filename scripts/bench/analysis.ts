// Judges and forecasts the series of a lake in one process, as the analysis function does. The first argument is a folder
// of `estate`.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forecast, total } from '../../packages/core/src/analytics/forecast/forecast.ts'
import { Calendar, type NormalizedPartition, Snapshot } from '@cloudoptima/core'
import { memoryRuntime, testContext } from '@cloudoptima/core/testing'
import { createLake } from '@cloudoptima/lake'
import * as Anomalies from '../../packages/core/src/anomalies/detect.ts'
import { filesFor } from '../../packages/core/src/costs/scope.ts'
import { seriesOf } from '../../packages/core/src/anomalies/sightings.ts'

const [folder = '', last = ''] = process.argv.slice(2)
const runtime = memoryRuntime((blobs) => createLake({ blobs, cacheDir: join(folder, 'cache') }))
const ctx = testContext(runtime, { now: () => new Date(`${Calendar.addDays(last, 3)}T08:00:00Z`) })
const bills = JSON.parse(await readFile(join(folder, 'bills.json'), 'utf8')) as NormalizedPartition[]
for (const { files } of bills)
  for (const path of Object.values(files).flat())
    await runtime.blobs.put(ctx.orgId, path.slice(1), await readFile(path))
const keysOf = ({ files }: NormalizedPartition) =>
  Object.fromEntries(Object.entries(files).map(([dataset, paths]) => [dataset, paths.map((path) => path.slice(1))]))
await Snapshot.commit(ctx, {
  snapshotId: 'imp_1',
  raw: 'imp_1',
  digest: 'd',
  siblings: bills.length,
  replace: false,
  partitions: bills.map((bill) => ({ ...bill, kind: 'bill' as const, files: keysOf(bill) as typeof bill.files })),
})

const began = performance.now()
await Anomalies.run(ctx, '2020-01-01T00:00:00.000Z')
const judged = performance.now()
const span = { start: Calendar.addDays(last, -399), end: last }
const files = filesFor(ctx.orgId, await Snapshot.view(ctx), span)
const rows = await runtime.lake.query('costSeries', files, { ...span, recent: Calendar.addDays(last, -29), most: 500 })
const series = seriesOf(
  rows,
  () => undefined,
  () => last,
)
for (const { start, values } of series) {
  const model = forecast({ start, stepSeconds: 86_400, values }, { horizon: 31, levels: [0.95] })
  total(model, { to: 31, level: 0.95 })
}
const ended = performance.now()
const anomalies = await runtime.tables.anomalies.all(ctx.orgId)
process.stdout.write(
  `${JSON.stringify({
    seconds: (ended - began) / 1000,
    judgedSeconds: (judged - began) / 1000,
    peakMb: process.resourceUsage().maxRSS / 1024,
    series: series.length,
    days: Math.max(...series.map(({ values }) => values.length)),
    anomalies: anomalies.length,
  })}\n`,
)
process.exit(0)
