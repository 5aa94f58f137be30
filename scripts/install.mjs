import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The pnpm version of the lockfile. */
export const pnpm = 'pnpm@12.21.0'

/**
 * Installs the packages of a scope, unless node_modules has them: `prod` runs the product on one machine, `all` also
 * tests and deploys it. Returns false after a failed install, whose errors are on stderr.
 * @param {string} root
 * @param {'prod' | 'all'} scope
 */
export function install(root, scope) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex')
  const stamp = readStamp(root)
  const wanted = stamp.scope === 'all' ? 'all' : scope
  if (stamp.lock === lock && stamp.scope === wanted) return true
  // The stamp gets its lock hash after the install only, so that an interrupted install is repeated with its scope.
  writeStamp(root, { scope: wanted })
  const started = Date.now()
  process.stderr.write(`Installing ${wanted === 'prod' ? 'the product' : 'the product and its tools'} (once) ...\n`)
  if (!runPnpm(root, wanted)) return false
  writeStamp(root, { scope: wanted, lock })
  process.stderr.write(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.\n`)
  return true
}

/** @param {string} root @param {'prod' | 'all'} scope */
function runPnpm(root, scope) {
  const command = [
    'exec',
    '--yes',
    `--package=${pnpm}`,
    '--',
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--config.confirm-modules-purge=false',
  ]
  if (scope === 'prod') command.push('--prod')
  const result = spawnSync('npm', command, {
    cwd: root,
    // stdout is reserved for the command that runs afterwards.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    // .npmrc silences npm for `npm start -- --json`, but an install must show its errors.
    env: { ...process.env, npm_config_loglevel: 'error', NODE_ENV: '' },
  })
  if (result.status === 0) return true
  const cause = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit code ${result.status}`)
  process.stderr.write(
    `\nThe install failed (${cause}): npm ${command.join(' ')}\nSee the error above. Check the network and the disk, then run the command again; the install continues.\n`,
  )
  return false
}

/** @param {string} root @returns {{ scope?: 'prod' | 'all', lock?: string }} */
function readStamp(root) {
  try {
    return JSON.parse(readFileSync(stampPath(root), 'utf8'))
  } catch {
    // A missing or truncated stamp causes a new install.
    return {}
  }
}

/** @param {string} root @param {{ scope: 'prod' | 'all', lock?: string }} stamp */
function writeStamp(root, stamp) {
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(stampPath(root), JSON.stringify(stamp))
}

/** @param {string} root */
function stampPath(root) {
  return join(root, 'node_modules', '.installed.json')
}
