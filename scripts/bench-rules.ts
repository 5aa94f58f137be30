// Judges an organization in one process, from the lake to the table: `npm run bench:rules [-- resources ...]`.
import { join } from 'node:path'
import { inventory } from './bench/inventory.ts'
import { benchDir, type Run, runAlone } from './bench/measure.ts'

interface Judged extends Run {
  resources: number
  kept: number
  leftOut: number
}

// What the function has beside the 500 MB of DuckDB.
const heapMb = 1300
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000]
for (const count of sizes) {
  const folder = join(benchDir, 'inventory')
  await inventory(folder, count)
  const run = await runAlone<Judged>('judge.ts', [folder], [`--max-old-space-size=${heapMb}`])
  const { resources, seconds, peakMb, kept, leftOut } = run
  console.log(
    `${resources} resources with 14 days of hourly metrics: ${seconds.toFixed(1)} s ` +
      `(${Math.round(resources / seconds)} a second), ${kept} rows kept, ${leftOut} left out; peak ${peakMb.toFixed(0)} MB`,
  )
}
