import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { generateSample } from '@cloudoptima/sample'

const root = join(import.meta.dirname, '..', '..')

/** Folder of the benchmarks' data; git ignores it. */
export const benchDir = join(root, '.cache', 'bench')

/** The figures that a run prints. */
export interface Run {
  seconds: number
  peakMb: number
}

/** Runs a script of this folder in a new process, to measure its peak memory. */
export async function runAlone<Figures extends Pick<Run, 'seconds'> = Run>(
  script: string,
  args: string[],
  flags: string[] = [],
): Promise<Figures> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...flags, join(import.meta.dirname, script), ...args],
    {
      maxBuffer: 1e8,
    },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures
}

/** The same bill with one account, so that it is one partition. */
export async function billOfOneAccount(rows: number): Promise<string> {
  const path = join(benchDir, `bill-${rows}-one-account.csv`)
  if (existsSync(path)) return path
  const whole = await bill(rows, false)
  process.stdout.write(`making ${path} ...\n`)
  const connection = await (await DuckDBInstance.create(':memory:', { memory_limit: '500MB' })).connect()
  const one = `'AWS' AS ProviderName, '412095583716' AS BillingAccountId, 'USD' AS BillingCurrency`
  await connection.run(
    `COPY (SELECT * REPLACE (${one}) FROM read_csv('${whole}', all_varchar = true)) TO '${path}.making' (FORMAT csv)`,
  )
  connection.closeSync()
  await rename(`${path}.making`, path)
  return path
}

/** The benchmarks' bill: one month of four accounts with the 43 columns of FOCUS 1.0. Generated once, then cached. */
export async function bill(rows: number, gzip: boolean): Promise<string> {
  const path = join(benchDir, `bill-${rows}.csv${gzip ? '.gz' : ''}`)
  if (existsSync(path)) return path
  process.stdout.write(`making ${path} ...\n`)
  const dir = join(benchDir, 'making')
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  const { files } = await generateSample({
    dir,
    today: '2026-11-01',
    months: 1,
    rows,
    focus: '1.0',
    singleFile: true,
    gzip,
  })
  await rename(files[0]?.path ?? '', path)
  await rm(dir, { recursive: true, force: true })
  return path
}

/** The minimum of a figure over runs, which excludes disturbances by other processes. */
export function minimum(runs: Run[], figure: keyof Run): number {
  return Math.min(...runs.map((run) => run[figure]))
}
