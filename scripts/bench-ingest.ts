// Compares time and peak memory of an import with plain DuckDB: `npm run bench:ingest [-- rows [rounds]]`.
import { stat } from 'node:fs/promises'
import { bill, billOfOneAccount, minimum, type Run, runAlone } from './bench/measure.ts'

const [rows = 2_000_000, rounds = 5] = process.argv.slice(2).map(Number)

const bills = {
  CSV: await bill(rows, false),
  'CSV of one account': await billOfOneAccount(rows),
  'CSV.gz': await bill(rows, true),
}

for (const [title, path] of Object.entries(bills)) {
  const megabytes = (await stat(path)).size / 1e6
  const bare: Run[] = []
  const ours: Run[] = []
  for (let round = 0; round < rounds; round++) {
    bare.push(await runAlone('bare.ts', [path]))
    ours.push(await runAlone('import.ts', [path]))
  }
  const [bareSeconds, ourSeconds] = [minimum(bare, 'seconds'), minimum(ours, 'seconds')]
  process.stdout.write(
    [
      `${title}: ${rows.toLocaleString('en')} rows x 43 columns, ${megabytes.toFixed(0)} MB, minimum of ${rounds} alternating runs`,
      `  bare DuckDB COPY  ${bareSeconds.toFixed(2)} s  ${Math.round(rows / bareSeconds).toLocaleString('en')} rows/s  peak ${minimum(bare, 'peakMb').toFixed(0)} MB`,
      `  import            ${ourSeconds.toFixed(2)} s  ${Math.round(rows / ourSeconds).toLocaleString('en')} rows/s  peak ${Math.max(...ours.map(({ peakMb }) => peakMb)).toFixed(0)} MB`,
      `  ratio             ${(ourSeconds / bareSeconds).toFixed(2)}`,
      '',
    ].join('\n'),
  )
}
