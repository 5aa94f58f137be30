// Measures the processor time of one forecast with its intervals, in ms per series: `npm run bench:analytics [-- rounds]`.
import { forecast } from '../packages/core/src/analytics/forecast/forecast.ts'
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
