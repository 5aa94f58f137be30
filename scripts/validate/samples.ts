import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Export } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'

/** A delivery of bills for the validation. */
export interface Sample {
  name: string
  /** Files or folders to import; generated files go to `dir`. */
  paths(dir: string): Promise<string[]>
}

/** The samples in the folder of shared data, and a generated bill. */
export function samplesIn(data: string): Sample[] {
  const shared = (name: string, ...files: string[]): Sample => ({
    name,
    paths: async () => files.map((file) => join(data, name, file)),
  })
  return [
    shared('focus-sample', 'focus_sample.csv'),
    shared('gcp-focus', 'gcp_1_2_cost_and_usage_rows25_seed7.csv'),
    shared('aws-cur-legacy', 'sample-anonymous-aws-export-dataset.csv'),
    shared('azure-actual-amortized', 'EA_ActualCost_Small.csv', 'EA_AmortizedCost_Small.csv'),
    {
      name: 'generated',
      async paths(dir) {
        await generateSample({ dir, today: '2026-03-10', months: 2, rows: 4000 })
        return [dir]
      },
    },
  ]
}

/** Imports a sample into a new lake and exports it as FOCUS 1.2, both with the command line. */
export async function exported(root: string, sample: Sample, dir: string): Promise<Export.Exported[]> {
  const data = join(dir, 'data')
  await cli(root, ['--once', '--json', '--data', data, '--import', ...(await sample.paths(join(dir, 'bill')))])
  const answer = await cli(root, ['export', '--json', '--data', data, '--focus', '1.2', '--out', join(dir, 'focus')])
  return (JSON.parse(answer) as { files: Export.Exported[] }).files
}

async function cli(root: string, args: string[]): Promise<string> {
  const main = join(root, 'packages', 'local', 'src', 'main.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, ...args],
    { maxBuffer: 64 * 1024 * 1024 },
  )
  return stdout
}
