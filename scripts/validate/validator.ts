import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pythonTool } from '../python.ts'

/** The Python version that all dependencies of the validator support. */
export const pythonVersion = '3.12'

const requirements = join(import.meta.dirname, 'requirements.txt')
const logging = join(import.meta.dirname, 'logging.yaml')

/** A FOCUS rule that failed for a file. */
export interface Failure {
  rule: string
  /** Number of rows, or groups of rows, that violate the rule. */
  violations: number
  /** Text of the rule. */
  requirement: string
}

/** The validator's result for a file. */
export interface Verdict {
  passed: number
  skipped: number
  failures: Failure[]
}

export interface Validator {
  /** Checks a Parquet file against FOCUS 1.2, with all conditional rules enabled. */
  validate(path: string): Promise<Verdict>
}

/** The official FOCUS validator in a virtual environment. It uses its bundled rules, so it needs no network. */
export function validatorOf(root: string, python: string): Validator {
  const bin = pythonTool(root, 'focus-validator', '2.2.1', { python, requirements })
  const lib = join(bin, '..', 'lib')
  // The validator reads its currency table relative to the current folder.
  const cwd = readdirSync(lib)
    .map((name) => join(lib, name, 'site-packages'))
    .find((folder) => existsSync(join(folder, 'focus_validator', 'rules', 'currency_codes.csv')))
  if (cwd === undefined)
    throw new Error(`The validator in ${bin} has no currency table. Delete .venv and run the command again.`)
  const fixedArgs = [
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
      const args = [...fixedArgs, '--data-file', path]
      const { stdout } = await promisify(execFile)(join(bin, 'focus-validator'), args, {
        cwd,
        env,
        maxBuffer: 64 * 1024 * 1024,
      })
      return verdictOf(stdout)
    },
  }
}

/** Parses the validator's report, without rules that only combine others. Throws if the format has changed. */
export function verdictOf(report: string): Verdict {
  const [, total = 0, passed = 0, failed = 0, skipped = 0] = (
    /^Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)$/m.exec(report) ?? []
  ).map(Number)
  const listed = [
    ...report.matchAll(
      /^- (?<rule>\S+): violations=(?<violations>\d+|\?); (?<message>.*)\n {2}MustSatisfy: (?<requirement>.*)$/gm,
    ),
  ]
  if (total < 500 || listed.length !== failed)
    throw new Error(`The validator's report has an unknown format:\n${report}`)
  const failures = listed
    .map(({ groups = {} }) => groups)
    .filter(({ message = '' }) => !message.includes('AND failed - failed child rules'))
    .map(({ rule = '', violations, requirement = '' }) => ({ rule, violations: Number(violations), requirement }))
  return { passed, skipped, failures }
}
