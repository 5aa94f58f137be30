// Measures the processor time of one forecast with its intervals, in ms per series, and one analysis of 500 series:
// `npm run bench:analytics [-- rounds]`.
import { join } from 'node:path'
import { forecast } from '../packages/core/src/analytics/forecast/forecast.ts'
import { estate } from './bench/estate.ts'
import { benchDir, type Run, runAlone } from './bench/measure.ts'
import { kinds } from './score/kinds.ts'

const [rounds = 5] = process.argv.slice(2).map(Number)
for (const [kind, cases] of Object.entries(kinds(8))) {
  const times = Array.from({ length: rounds + 1 }, () => {
    const started = process.cpuUsage()
    for (const { actual, ...series } of cases) forecast(series, { horizon: actual.length, levels: [0.8, 0.95] })
    const { user, system } = process.cpuUsage(started)
    return (user + system) / 1_000 / cases.length
  }).slice(1)
  console.log(
    `${kind}: ${Math.min(...times).toFixed(1)} ms of processor time a series (the fastest of ${rounds} rounds)`,
  )
}

interface Analysis extends Run {
  judgedSeconds: number
  series: number
  days: number
  anomalies: number
}

// What the function has beside the 500 MB of DuckDB.
const heapMb = 1300
const [folder, last] = [join(benchDir, 'estate'), '2026-10-31']
await estate(folder, last, 400)
const { seconds, judgedSeconds, peakMb, series, days, anomalies } = await runAlone<Analysis>(
  'analysis.ts',
  [folder, last],
  [`--max-old-space-size=${heapMb}`],
)
console.log(
  `${series} series of ${days} days: ${judgedSeconds.toFixed(1)} s to judge them, with ${anomalies} root causes, and ` +
    `${(seconds - judgedSeconds).toFixed(1)} s to forecast them; peak ${peakMb.toFixed(0)} MB`,
)
