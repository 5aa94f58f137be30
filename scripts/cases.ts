// Imports the real-world bills of ../shared/cases and compares their totals: `npm run cases [-- NAME-PREFIX ...]`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasPython } from './python.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const shared = join(root, '..', 'shared')
const tool = join(shared, 'tools', 'run-cases')

/** Cases whose bills are read since they were written; tests beside the format have their totals. */
const superseded: Record<string, string> = {
  'gcp-bigquery-rows': "expects a refusal, but Google's billing export is read: packages/lake/src/formats/gcp.test.ts",
}

function current(): string[] {
  for (const [name, reason] of Object.entries(superseded)) process.stdout.write(`Left out: ${name} ${reason}.\n`)
  return readdirSync(join(shared, 'cases', 'bills')).filter((name) => !(name in superseded))
}

/** The reason why the cases cannot run here. */
function lack(): string | undefined {
  if (!existsSync(shared)) return '../shared is not beside the repository'
  if (!existsSync(tool)) return '../shared has no tools/run-cases'
  return hasPython() ? undefined : 'this machine lacks python3 with venv'
}

function run(): number {
  const missing = lack()
  if (missing === undefined) {
    const asked = process.argv.slice(2)
    const names = asked.length > 0 ? asked : current()
    return spawnSync(tool, names, { cwd: root, stdio: 'inherit' }).status ?? 1
  }
  // In CI only a clone without ../shared may do without the cases.
  const isRequired = Boolean(process.env['CI']) && existsSync(shared)
  process.stdout.write(`${isRequired ? 'The cases cannot run' : 'Cases skipped'}: ${missing}.\n`)
  return isRequired ? 1 : 0
}

process.exitCode = run()
