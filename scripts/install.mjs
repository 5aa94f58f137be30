import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The one version of pnpm that reads and writes the lockfile. */
export const pnpm = 'pnpm@12.21.0'

/**
 * Installs what `scope` needs, unless it is there already: `prod` is the product on one machine, `all` adds the tools that test and deploy it.
 * Returns whether node_modules is complete; what went wrong is on stderr.
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
  // The scope is noted before, the lockfile after: an interrupted install is taken up again, and nothing that was wanted is pruned.
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
    // stdout belongs to the command that runs afterwards.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    // The repository silences npm for `npm start -- --json`; here its errors are wanted.
    env: { ...process.env, npm_config_loglevel: 'error', NODE_ENV: '' },
  })
  if (result.status === 0) return true
  const why = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit code ${result.status}`)
  process.stderr.write(
    `\nThe install failed (${why}): npm ${command.join(' ')}\nThe reason stands above. Check the network and the disk, then run the same command again; it goes on where it stopped.\n`,
  )
  return false
}

/** @param {string} root @returns {{ scope?: 'prod' | 'all', lock?: string }} */
function readStamp(root) {
  try {
    return JSON.parse(readFileSync(stampPath(root), 'utf8'))
  } catch {
    // Missing or cut short: nothing is known about node_modules, so it is installed again.
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
