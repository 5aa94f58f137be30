// Runs a command of this repository from a fresh clone: installs missing packages, then starts Node 24.
// This script itself needs Node 20 and npm only.
import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check } from './check.mjs'
import { install } from './install.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
// Node keeps compiled modules here: the next process needs half the time to load them.
const compiled = join(root, 'node_modules', '.cache', 'compiled')
const env = {
  NODE_COMPILE_CACHE: compiled,
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
}

/** @type {Partial<Record<string, { scope: 'prod' | 'all', run: (args: string[]) => Promise<number> }>>} */
const commands = {
  start: { scope: 'prod', run: (args) => node('packages/local/src/main.ts', args, process.cwd()) },
  test: { scope: 'all', run: (args) => node('node_modules/vitest/vitest.mjs', ['run', ...args]) },
  check: { scope: 'all', run: () => check(root, env) },
  licences: { scope: 'all', run: (args) => node('scripts/licences.ts', args) },
  faults: {
    scope: 'all',
    run: (args) =>
      node(
        'node_modules/vitest/vitest.mjs',
        ['run', 'test/faults.test.ts', 'test/executions/kills.test.ts', 'test/executions/model.test.ts', ...args],
        root,
        { FAULTS: 'all' },
      ),
  },
  fresh: { scope: 'all', run: (args) => node('scripts/fresh.ts', args) },
  rehearse: { scope: 'all', run: (args) => node('scripts/rehearse.ts', args) },
  validate: { scope: 'all', run: (args) => node('scripts/validate.ts', args) },
  attack: { scope: 'all', run: (args) => node('scripts/attack.ts', args) },
  emulators: { scope: 'all', run: (args) => node('scripts/emulators.ts', args) },
  cases: { scope: 'all', run: (args) => node('scripts/cases.ts', args) },
  simulate: { scope: 'all', run: (args) => node('scripts/simulate.ts', args) },
  'compare:detect': { scope: 'all', run: (args) => node('scripts/compare-detect.ts', args) },
  'score:detect': { scope: 'all', run: (args) => node('scripts/score-detect.ts', args) },
  'cost-model': { scope: 'all', run: (args) => node('scripts/cost-model.ts', args) },
  'bench:analytics': { scope: 'all', run: (args) => node('scripts/bench-analytics.ts', args) },
  'compare:forecast': { scope: 'all', run: (args) => node('scripts/compare-forecast.ts', args) },
  'compare:rules': { scope: 'all', run: (args) => node('scripts/compare-rules.ts', args) },
  'score:forecast': { scope: 'all', run: (args) => node('scripts/score-forecast.ts', args) },
  'bench:growth': { scope: 'all', run: (args) => node('scripts/bench-growth.ts', args) },
  'bench:ingest': { scope: 'all', run: (args) => node('scripts/bench-ingest.ts', args) },
  'bench:http': { scope: 'all', run: (args) => node('scripts/bench-http.ts', args) },
  'bench:rules': { scope: 'all', run: (args) => node('scripts/bench-rules.ts', args) },
  'bench:query': { scope: 'all', run: (args) => node('scripts/bench-query.ts', args) },
}

/**
 * Runs a script with the Node of node_modules, forwards signals to it, and returns its exit code.
 * @param {string} script
 * @param {string[]} args
 * @param {string} [cwd]
 * @param {Record<string, string>} [variables]
 * @returns {Promise<number>}
 */
function node(script, args, cwd = root, variables = {}) {
  const executable = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const child = spawn(executable, ['--disable-warning=ExperimentalWarning', join(root, script), ...args], {
    cwd,
    env: { ...env, ...variables },
    stdio: 'inherit',
  })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // Ctrl-C on a terminal reaches the whole process group, so forwarding it would deliver it twice.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  }
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(
        `${executable} does not start: ${error.message}. Delete node_modules and run the command again.\n`,
      )
      resolve(1)
    })
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}

const [name = '', ...args] = process.argv.slice(2)
const command = commands[name]
if (!command) {
  process.stderr.write(`Usage: node scripts/run.mjs <${Object.keys(commands).join(' | ')}> [arguments]\n`)
  process.exitCode = 64
} else {
  process.exitCode = install(root, command.scope) ? await command.run(args) : 1
}
