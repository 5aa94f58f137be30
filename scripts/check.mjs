import { spawn } from 'node:child_process'
import { join } from 'node:path'

const checks = {
  format: ['oxfmt', '--check', '.'],
  lint: ['oxlint', '.'],
  types: ['tsc', '--project', '.'],
  unused: ['knip', '--no-progress'],
}

/**
 * Runs all checks in parallel and prints each result as it ends. Returns the exit code.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export async function check(root, env) {
  const codes = await Promise.all(
    Object.entries(checks).map(([name, [bin = '', ...args]]) => run(root, env, name, bin, args)),
  )
  return codes.every((code) => code === 0) ? 0 : 1
}

/** @param {string} root @param {NodeJS.ProcessEnv} env @param {string} name @param {string} bin @param {string[]} args */
async function run(root, env, name, bin, args) {
  const started = Date.now()
  const child = spawn(join(root, 'node_modules', '.bin', bin), args, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  const code = await new Promise((resolve) => {
    child.on('error', (error) => ((output += error.message), resolve(1)))
    child.on('close', (status) => resolve(status ?? 1))
  })
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  process.stdout.write(
    code === 0 ? `ok      ${name} (${seconds} s)\n` : `FAILED  ${name} (${seconds} s)\n${output.trim()}\n`,
  )
  return code
}
