import { execFileSync } from 'node:child_process'
import { mkdtempSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { synthesise } from '../../test/stacks/synthesise.ts'

/** The code that the API's Lambda loads at a cold start. */
export interface Bundle {
  /** Size of all chunks imported at start. */
  bytesAtStart: number
  chunksAtStart: number
  chunks: number
  /** Minimum over several new processes, without Node's own start. */
  importMs: number
}

const handler = 'functions/api.handler'
// Placeholder values: loading the bundle calls no service.
const environment = { TABLE_NAME: 't', BUCKET_NAME: 'b', API_URL: 'https://api.example.com', AWS_REGION: 'us-east-1' }

/** Bundles the api function with SST, and loads it `rounds` times. */
export async function measureBundle(rounds: number): Promise<Bundle> {
  // Without credentials SST would ask AWS for the caller's identity.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_ENV: 'test',
  })
  const deployment = await synthesise('production', { bundled: [handler] })
  const folder = deployment.bundle(handler)
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  const texts = new Map(files.map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')]))
  const atStart = loadedFrom('api.mjs', texts)
  return {
    bytesAtStart: [...atStart].reduce((sum, name) => sum + Buffer.byteLength(texts.get(name) ?? ''), 0),
    chunksAtStart: atStart.size,
    chunks: [...texts.keys()].filter((name) => name.endsWith('.mjs')).length,
    importMs: importMs(folder, rounds),
  }
}

function loadedFrom(entry: string, texts: ReadonlyMap<string, string>): ReadonlySet<string> {
  const loaded = new Set<string>()
  const load = (name: string): void => {
    if (loaded.has(name)) return
    loaded.add(name)
    for (const [, imported = ''] of (texts.get(name) ?? '').matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g))
      load(imported)
  }
  load(entry)
  return loaded
}

/** Runs in a new folder, so that only modules of the bundle can be imported. */
function importMs(folder: string, rounds: number): number {
  const isolated = mkdtempSync(join(tmpdir(), 'cloudoptima-bundle-'))
  try {
    cpSync(folder, isolated, { recursive: true })
    const script = join(isolated, 'time.mjs')
    writeFileSync(
      script,
      `const began = performance.now()\nawait import('./api.mjs')\nconsole.log(performance.now() - began)\n`,
    )
    const times = Array.from({ length: rounds }, () =>
      Number(execFileSync(process.execPath, [script], { env: { ...environment, PATH: process.env['PATH'] } })),
    )
    return Math.min(...times)
  } finally {
    rmSync(isolated, { recursive: true })
  }
}
