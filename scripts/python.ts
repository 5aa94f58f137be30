import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Whether this machine can make a virtual environment. */
export function hasPython(): boolean {
  return spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0
}

/** Folder of the commands of a tool from PyPI, in a virtual environment that the project makes for it alone. The first time it installs. */
export function pythonTool(root: string, name: string, version: string): string {
  const folder = join(root, '.venv', `${name}-${version}`)
  const bin = join(folder, 'bin')
  if (existsSync(join(bin, name))) return bin
  run('python3', ['-m', 'venv', '--clear', folder])
  run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', `${name}==${version}`])
  return bin
}

function run(command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`)
}
