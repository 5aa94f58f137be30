import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pythonTool } from '../python.ts'
import { freePort } from '../rehearsal/emulator.ts'

/** A server that stands in for a cloud: its command, and a path that answers once it runs. */
interface Server {
  /** Installs the server; returns the path of its command. */
  install(root: string): string
  arguments(port: number): string[]
  env(port: number): Record<string, string>
  ready: string
}

/** The servers of all clouds. Tests find their URLs in the variable EMULATORS. */
export const servers = {
  moto: {
    install: (root) =>
      join(
        pythonTool(root, 'moto_server', '5.2.5', {
          requirements: join(root, 'scripts', 'emulators', 'requirements-moto.txt'),
        }),
        'moto_server',
      ),
    arguments: (port) => ['-H', '127.0.0.1', '-p', String(port)],
    env: () => ({ MOTO_EC2_LOAD_DEFAULT_AMIS: 'false' }),
    ready: '/moto-api/',
  },
  ministack: {
    install: (root) => join(pythonTool(root, 'ministack', '1.5.33'), 'ministack'),
    arguments: () => [],
    // With AUTH it requires external ids and enforces IAM.
    env: (port) => ({ GATEWAY_PORT: String(port), BIND_HOST: '127.0.0.1', LAMBDA_EXECUTOR: 'local', AUTH: 'true' }),
    ready: '/_ministack/health',
  },
} satisfies Record<string, Server>

export interface Running {
  url: string
  stop(): Promise<void>
}

const startMs = 60_000

/** Starts a server on a free port of this machine, with its files in this folder. */
export async function startServer(server: Server, command: string, folder: string): Promise<Running> {
  const port = await freePort()
  const log = openSync(join(folder, `${port}.log`), 'w')
  const child = spawn(command, server.arguments(port), {
    cwd: folder,
    // Its own process group, so that its workers end with it.
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...withoutAws(), TMPDIR: folder, ...server.env(port) },
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const running: Running = {
    url,
    stop: async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      await Promise.race([ended, sleep(5000, undefined, { ref: false })])
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGKILL')
    },
  }
  for (const began = Date.now(); Date.now() - began < startMs; await sleep(200)) {
    if (child.exitCode !== null) break
    if (await isReady(`${url}${server.ready}`)) return running
  }
  await running.stop()
  throw new Error(`${command} does not answer. Its output is in ${folder}.`)
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** The environment without variables that lead to a real AWS account. */
function withoutAws(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')))
}
