import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Whether this machine can make a virtual environment. */
export function hasPython(): boolean {
  return spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0
}

/** The command of a Python of that version (`3.12`) that can make a virtual environment, on the path or kept by pyenv; undefined where there is none. */
export function findPython(version: string): string | undefined {
  const { stdout } = spawnSync('pyenv', ['prefix', version], { encoding: 'utf8' })
  const commands = [`python${version}`, 'python3', ...(stdout ? [join(stdout.trim(), 'bin', 'python3')] : [])]
  const test = `import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '${version}')`
  return commands.find((command) => spawnSync(command, ['-c', test]).status === 0)
}

interface PythonTool {
  /** The command that makes the environment. */
  python?: string
  /** A file that pins the tool and all that it needs. */
  requirements?: string
}

/** Folder of the commands of a tool from PyPI, in a virtual environment that the project makes for it alone. The first time it installs. */
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
  const wanted = requirements === undefined ? [`${name}==${version}`] : ['--requirement', requirements]
  run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...wanted])
  return bin
}

function run(command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`)
}
