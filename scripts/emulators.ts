// Runs the tests of test/emulators against independent emulators of the clouds: `npm run emulators [-- TEST-FILTER]`.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installAzurite } from './emulators/azurite.ts'
import { bigQueryIn } from './emulators/bigquery.ts'
import { discoveryOf } from './emulators/discovery.ts'
import { type Running, servers, startServer } from './emulators/servers.ts'
import { hasPython } from './python.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

async function main(): Promise<number> {
  if (!hasPython()) {
    const isRequired = Boolean(process.env['CI'])
    say(`${isRequired ? 'The emulators cannot run' : 'Emulators skipped'}: this machine lacks python3 with venv.`)
    return isRequired ? 1 : 0
  }
  const installed = Object.entries(servers).map(([name, server]) => {
    say(`Preparing ${name}`)
    return { name, server, command: server.install(root) }
  })
  if (process.argv.includes('--install')) {
    await installAzurite(root)
    bigQueryIn(root)
    discoveryOf(root, 'compute.v1')
    return 0
  }
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-emulators-'))
  const running: Running[] = []
  try {
    const urls = await Promise.all(
      installed.map(async ({ name, server, command }) => {
        const started = await startServer(server, command, folder)
        running.push(started)
        return [name, started.url] as const
      }),
    )
    return await vitest(Object.fromEntries(urls))
  } finally {
    await Promise.all(running.map(async ({ stop }) => await stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

/** Its exit code. A signal ends the tests first, so that the servers are stopped. */
async function vitest(urls: Record<string, string>): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/emulators', ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, EMULATORS: JSON.stringify(urls) } },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

process.exitCode = await main()
