import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pythonTool } from '../python.ts'

const port = 4741

/** Installs `bqemulator`, once; returns the folder of its programs. */
export function bigQueryIn(root: string): string {
  const requirements = join(root, 'scripts', 'emulators', 'bqemulator.txt')
  return pythonTool(root, 'bqemulator', '1.4.0', { requirements })
}

/** Starts `bqemulator` on loopback; it answers SQL by DuckDB. */
export async function startBigQuery(root: string): Promise<{ url: string; stop(): Promise<void> }> {
  const bin = bigQueryIn(root)
  // The extension is in a package of PyPI, and DuckDB finds it only in the home folder.
  const env = { ...process.env, HOME: join(root, '.cache') }
  const extend = "from duckdb_extensions import import_extension as i; i('spatial')"
  const install = spawn(join(bin, 'python'), ['-c', extend], { env })
  await once(install, 'exit')
  const ports = ['--rest-port', String(port), '--grpc-port', String(port + 1)]
  const server = spawn(join(bin, 'bqemulator'), ['start', ...ports, '--log-level', 'error'], { env, stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 120 && !(await isUp(url)); attempt++) {
    if (server.exitCode !== null) throw new Error(`bqemulator ended with ${server.exitCode}`)
    await setTimeout(500)
  }
  return {
    url,
    async stop() {
      if (server.exitCode === null && server.kill()) await once(server, 'exit')
    },
  }
}

async function isUp(url: string): Promise<boolean> {
  return await fetch(`${url}/bigquery/v2/projects/x/datasets`).then(
    ({ ok }) => ok,
    () => false,
  )
}
