// Imports the real-world bills of ../shared/cases and compares their totals: `npm run cases [-- NAME-PREFIX ...]`.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasPython } from './python.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const shared = join(root, '..', 'shared')
const tool = join(shared, 'tools', 'run-cases')

const cases = join(shared, 'cases', 'bills')

interface Expectation {
  steps: { status: string; totals: Record<string, string | null>[] }[]
}

/** Cases that expect a refusal, and are read since they were written: their totals instead. */
const readByNow: Record<string, Expectation['steps'][number]['totals']> = {
  // Google's own rows: a cost of 1.5 with a credit of -0.5.
  'gcp-bigquery-rows': [
    {
      provider: 'Google Cloud',
      billingAccountId: '01AAAA-BBBBBB-CCCCCC',
      currency: 'EUR',
      billed: '1',
      effective: '1',
      list: null,
      contracted: '1.5',
    },
  ],
}

/** A folder with all cases, and with other expectations for those that are read by now. */
function currentCases(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloudoptima-cases-'))
  for (const name of readdirSync(cases)) {
    const totals = readByNow[name]
    if (totals === undefined) {
      symlinkSync(join(cases, name), join(folder, name))
      continue
    }
    process.stdout.write(`${name} is expected to be read, not refused.\n`)
    mkdirSync(join(folder, name))
    for (const file of readdirSync(join(cases, name)))
      if (file !== 'expect.json') symlinkSync(join(cases, name, file), join(folder, name, file))
    const expected = JSON.parse(readFileSync(join(cases, name, 'expect.json'), 'utf8')) as Expectation
    const steps = expected.steps.map((step) => ({ ...step, status: 'committed', totals }))
    writeFileSync(join(folder, name, 'expect.json'), JSON.stringify({ ...expected, steps }))
  }
  return folder
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
    const folder = currentCases()
    try {
      const args = ['--cases', folder, ...process.argv.slice(2)]
      return spawnSync(tool, args, { cwd: root, stdio: 'inherit' }).status ?? 1
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  // In CI only a clone without ../shared may do without the cases.
  const isRequired = Boolean(process.env['CI']) && existsSync(shared)
  process.stdout.write(`${isRequired ? 'The cases cannot run' : 'Cases skipped'}: ${missing}.\n`)
  return isRequired ? 1 : 0
}

process.exitCode = run()
