import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let root: string

/** A clone with the scripts, a product of one line, and an npm that notes what it is asked and puts a Node where pnpm would. */
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
    `echo "$@" >> asked; echo noise; mkdir -p node_modules/node/bin; ln -sf ${process.execPath} node_modules/node/bin/node`,
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

/** Of each install: whether it was of everything. */
async function installs(): Promise<string[]> {
  const asked = await readFile(join(root, 'asked'), 'utf8')
  return asked
    .trim()
    .split('\n')
    .map((line) => (line.includes('--prod') ? 'prod' : 'all'))
}

test('what a command prints, and how it ends, is as if it had been called itself', () => {
  const { stdout, stderr, status } = run('start', '--json', '--import', 'a b.csv')
  expect({ stdout, status }).toStrictEqual({ stdout: '["--json","--import","a b.csv"]\n', status: 7 })
  expect(stderr).toContain('noise')
})

test('what is missing is installed once; what was installed for tests stays', async () => {
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

test('a failed install says how to go on, starts nothing, and is taken up again', async () => {
  await npm('echo "$@" >> asked; echo "no network" >&2; exit 3')
  const { stdout, stderr, status } = run('test')
  expect({ stdout, status }).toStrictEqual({ stdout: '', status: 1 })
  expect(stderr).toMatch(/no network[^]*install failed \(exit code 3\)[^]*again/)
  run('start')
  expect(await installs()).toStrictEqual(['all', 'all'])
})

test('a signal reaches the command, and its exit code comes back', async () => {
  await main(
    `process.on('SIGTERM', () => process.exit(5)); process.stdout.write('up'); setInterval(() => undefined, 1000)`,
  )
  const child = spawn(process.execPath, ['scripts/run.mjs', 'start'], { cwd: root, env: env() })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toStrictEqual([5, null])
})

test('an unknown command is answered with those there are', () => {
  const { stderr, status } = run('sart')
  expect(status).toBe(64)
  expect(stderr).toContain('start | test | check')
})
