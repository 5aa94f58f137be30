import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateSample } from '@cloudoptima/sample'

const root = join(import.meta.dirname, '..', '..')

/** What the benchmarks work on; git ignores it. */
export const benchDir = join(root, '.cache', 'bench')

/** What one run printed of itself. */
export interface Run {
  seconds: number
  peakMb: number
}

/** Runs a script of this folder in a process of its own, so that its peak memory is its own. */
export async function runAlone(script: string, args: string[]): Promise<Run> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, script), ...args],
    {
      maxBuffer: 1e8,
    },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Run
}

/** The bill of the benchmarks: one month of four accounts, in the 43 columns of FOCUS 1.0. Made once, plain and gzipped. */
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

/** The least of a figure over runs: what the work costs when nothing else disturbs it. */
export function least(runs: Run[], figure: keyof Run): number {
  return Math.min(...runs.map((run) => run[figure]))
}

/** The middle value. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
