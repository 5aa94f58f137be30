import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let root: string

/** A clone with the scripts, a one-line product, and a fake npm that logs its arguments and links node_modules/node. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cloudoptima-run-'))
  for (const script of ['run', 'install', 'check'])
    await cp(join(import.meta.dirname, `${script}.mjs`), join(root, 'scripts', `${script}.mjs`))
  await mkdir(join(root, 'packages/local/src'), { recursive: true })
  await mkdir(join(root, 'node_modules/vitest'), { recursive: true })
  await writeFile(join(root, 'pnpm-lock.yaml'), 'one')
  await main(`process.stdout.write(JSON.stringify(process.argv.slice(2)) + '\\n'); process.exitCode = 7`)
  await writeFile(join(root, 'node_modules/vitest/vitest.mjs'), '')
  await npm(
    `echo "$@" >> npm-calls; echo noise; mkdir -p node_modules/node/bin; ln -sf ${process.execPath} node_modules/node/bin/node`,
  )
})
afterEach(async () => await rm(root, { recursive: true }))

const main = async (source: string) => await writeFile(join(root, 'packages/local/src/main.ts'), source)

async function npm(source: string): Promise<void> {
  await mkdir(join(root, 'bin'), { recursive: true })
  await writeFile(join(root, 'bin/npm'), `#!/bin/sh\n${source}\n`)
  await chmod(join(root, 'bin/npm'), 0o755)
}

const env = () => ({ ...process.env, PATH: `${join(root, 'bin')}${delimiter}${process.env['PATH']}` })
const run = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/run.mjs', ...args], { cwd: root, env: env(), encoding: 'utf8' })

/** The scope of each install. */
async function installs(): Promise<string[]> {
  const calls = await readFile(join(root, 'npm-calls'), 'utf8')
  return calls
    .trim()
    .split('\n')
    .map((line) => (line.includes('--prod') ? 'prod' : 'all'))
}

test('stdout and exit code are those of the command', () => {
  const { stdout, stderr, status } = run('start', '--json', '--import', 'a b.csv')
  expect({ stdout, status }).toStrictEqual({ stdout: '["--json","--import","a b.csv"]\n', status: 7 })
  expect(stderr).toContain('noise')
})

test('each scope is installed once; the scope all is never reduced to prod', async () => {
  run('start')
  run('start')
  expect(await installs()).toStrictEqual(['prod'])
  run('test')
  run('test')
  run('start')
  expect(await installs()).toStrictEqual(['prod', 'all'])
  await writeFile(join(root, 'pnpm-lock.yaml'), 'two')
  run('start')
  run('start')
  expect(await installs()).toStrictEqual(['prod', 'all', 'all'])
})

test('a failed install explains the next step, starts no command, and is repeated the next time', async () => {
  await npm('echo "$@" >> npm-calls; echo "no network" >&2; exit 3')
  const { stdout, stderr, status } = run('test')
  expect({ stdout, status }).toStrictEqual({ stdout: '', status: 1 })
  expect(stderr).toMatch(/no network[^]*install failed \(exit code 3\)[^]*again/)
  run('start')
  expect(await installs()).toStrictEqual(['all', 'all'])
})

test('a signal is forwarded to the command, and its exit code is returned', async () => {
  await main(
    `process.on('SIGTERM', () => process.exit(5)); process.stdout.write('up'); setInterval(() => undefined, 1000)`,
  )
  const child = spawn(process.execPath, ['scripts/run.mjs', 'start'], { cwd: root, env: env() })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toStrictEqual([5, null])
})

test('an unknown command prints the list of commands', () => {
  const { stderr, status } = run('sart')
  expect(status).toBe(64)
  expect(stderr).toContain('start | test | check')
})
