import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Export } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'

/** Bills that are imported as one would import them. */
export interface Sample {
  name: string
  /** Files or folders; `dir` is a folder for what has to be made first. */
  paths(dir: string): Promise<string[]>
}

/** The bills of others, below the folder of shared data, and the one that we generate. */
export function samplesIn(data: string): Sample[] {
  const given = (name: string, ...files: string[]): Sample => ({
    name,
    paths: async () => files.map((file) => join(data, name, file)),
  })
  return [
    given('focus-sample', 'focus_sample.csv'),
    given('gcp-focus', 'gcp_1_2_cost_and_usage_rows25_seed7.csv'),
    given('aws-cur-legacy', 'sample-anonymous-aws-export-dataset.csv'),
    given('azure-actual-amortized', 'EA_ActualCost_Small.csv', 'EA_AmortizedCost_Small.csv'),
    {
      name: 'generated',
      async paths(dir) {
        await generateSample({ dir, today: '2026-03-10', months: 2, rows: 4000 })
        return [dir]
      },
    },
  ]
}

/** Brings a sample into a lake of its own by the command line, and writes it as FOCUS 1.2 the same way. */
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
