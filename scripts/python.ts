import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Whether python3 with venv is installed. */
export function hasPython(): boolean {
  return spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0
}

/** Finds a Python of this version (`3.12`) with venv, on the path or in pyenv. */
export function findPython(version: string): string | undefined {
  const { stdout } = spawnSync('pyenv', ['prefix', version], { encoding: 'utf8' })
  const commands = [`python${version}`, 'python3', ...(stdout ? [join(stdout.trim(), 'bin', 'python3')] : [])]
  const test = `import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '${version}')`
  return commands.find((command) => spawnSync(command, ['-c', test]).status === 0)
}

interface PythonTool {
  /** Python command that creates the environment. */
  python?: string
  /** A requirements file that pins the tool and its dependencies. */
  requirements?: string
}

/** Installs a PyPI tool into its own virtual environment, once. Returns the folder of its commands. */
export function pythonTool(
  root: string,
  name: string,
  version: string,
  { python = 'python3', requirements }: PythonTool = {},
): string {
  const folder = join(root, '.venv', `${name}-${version}`)
  const bin = join(folder, 'bin')
  if (existsSync(join(bin, name))) return bin
  run(python, ['-m', 'venv', '--clear', folder])
  const packages = requirements === undefined ? [`${name}==${version}`] : ['--requirement', requirements]
  run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
  return bin
}

/** Runs a command to its end. Throws if it fails. */
export function run(command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`)
}
