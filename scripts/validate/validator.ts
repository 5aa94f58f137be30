import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pythonTool } from '../python.ts'

/** The version of Python that the validator's dependencies have in common. */
export const pythonVersion = '3.12'

const requirements = join(import.meta.dirname, 'requirements.txt')
const logging = join(import.meta.dirname, 'logging.yaml')

/** A rule of FOCUS that a file breaks. */
export interface Failure {
  rule: string
  /** Rows, or groups of rows, that break it. */
  violations: number
  /** What the rule says. */
  says: string
}

/** What the validator says of a file. */
export interface Verdict {
  passed: number
  skipped: number
  failures: Failure[]
}

export interface Validator {
  /** Checks a Parquet file against FOCUS 1.2, as if the provider supported everything that a rule may depend on. */
  validate(path: string): Promise<Verdict>
}

/** The official validator in the project's virtual environment; its rules come with it, so that it needs no network. */
export function validatorOf(root: string, python: string): Validator {
  const bin = pythonTool(root, 'focus-validator', '2.2.1', { python, requirements })
  const lib = join(bin, '..', 'lib')
  // The validator looks for its table of currencies below the current folder.
  const cwd = readdirSync(lib)
    .map((name) => join(lib, name, 'site-packages'))
    .find((folder) => existsSync(join(folder, 'focus_validator', 'rules', 'currency_codes.csv')))
  if (cwd === undefined)
    throw new Error(`The validator in ${bin} has no table of currencies. Delete .venv and run the same command again.`)
  const given = [
    '--validate-version',
    '1.2',
    '--block-download',
    '--applicability-criteria',
    'ALL',
    '--output-type',
    'console',
  ]
  const env = { ...process.env, LOGGING_CONFIG: logging, PYTHONIOENCODING: 'utf-8', PYTHONDONTWRITEBYTECODE: '1' }
  return {
    async validate(path) {
      const args = [...given, '--data-file', path]
      const { stdout } = await promisify(execFile)(join(bin, 'focus-validator'), args, {
        cwd,
        env,
        maxBuffer: 64 * 1024 * 1024,
      })
      return verdictOf(stdout)
    },
  }
}

/** Reads the validator's report. A rule that only says that others failed is left out. Throws where the report is not what it was. */
export function verdictOf(report: string): Verdict {
  const [, total = 0, passed = 0, failed = 0, skipped = 0] = (
    /^Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)$/m.exec(report) ?? []
  ).map(Number)
  const listed = [
    ...report.matchAll(
      /^- (?<rule>\S+): violations=(?<violations>\d+|\?); (?<message>.*)\n {2}MustSatisfy: (?<says>.*)$/gm,
    ),
  ]
  if (total < 500 || listed.length !== failed) throw new Error(`The validator's report cannot be read:\n${report}`)
  const failures = listed
    .map(({ groups = {} }) => groups)
    .filter(({ message = '' }) => !message.includes('AND failed - failed child rules'))
    .map(({ rule = '', violations, says = '' }) => ({ rule, violations: Number(violations), says }))
  return { passed, skipped, failures }
}
