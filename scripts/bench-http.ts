// What the API's edge costs: authenticated GETs a second against bare node:http with the same answer, and what a Lambda loads before its first request:
// `npm run bench:http [-- rounds [seconds]]`.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { createInterface } from 'node:readline'
import { measureBundle } from './bench/bundle.ts'

const [rounds = 5, seconds = 3] = process.argv.slice(2).map(Number)

interface Served {
  child: ChildProcess
  url: string
  tokens: string[]
}

/** A server in a process of its own; its first line says where it is. */
async function serve(script: string, args: string[] = []): Promise<Served> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'bench', script), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, AWS_EC2_METADATA_DISABLED: 'true' },
    },
  )
  for await (const line of createInterface(child.stdout))
    return { child, tokens: [], ...(JSON.parse(line) as { url: string; tokens?: string[] }) }
  throw new Error(`${script} ended before it listened`)
}

async function rate(url: string, headers: Record<string, string>): Promise<number> {
  const { non2xx, errors, requests } = await autocannon({ url, headers, connections: 32, duration: seconds })
  // A question that is answered from what the asker holds is 304.
  if (errors > 0 || (non2xx > 0 && !('if-none-match' in headers)))
    throw new Error(`${url}: ${non2xx} answers were not good, ${errors} failed`)
  return requests.average
}

// An organization for each round, and one to warm up: the limit of an hour is soon reached.
const product = await serve('http-product.ts', [String(rounds + 1)])
const question = `${product.url}/costs/overview`
const bearer = (round: number) => ({ authorization: `Bearer ${product.tokens[round] ?? ''}` })
const me = await fetch(`${product.url}/me`, { headers: bearer(0) })
const bare = await serve('http-bare.ts', [await me.text()])

/** What is asked in a round, each in its turn. */
async function asked(round: number): Promise<Record<string, { url: string; headers: Record<string, string> }>> {
  const headers = bearer(round)
  const held = (await fetch(question, { headers })).headers.get('etag') ?? ''
  return {
    'bare node:http': { url: bare.url, headers: {} },
    'GET /v1/me, authenticated': { url: `${product.url}/me`, headers },
    'GET /v1/costs/overview, remembered': { url: question, headers },
    'GET /v1/costs/overview, 304': { url: question, headers: { ...headers, 'if-none-match': held } },
  }
}

const most = new Map<string, number>()
try {
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { url, headers }] of Object.entries(await asked(round))) {
      const found = await rate(url, headers)
      // The first round warms up.
      if (round > 0) most.set(name, Math.max(most.get(name) ?? 0, found))
    }
  }
} finally {
  for (const { child } of [product, bare]) child.kill('SIGTERM')
}
const reference = most.get('bare node:http') ?? Number.NaN
process.stdout.write(`requests a second, the most of ${rounds} alternating rounds of ${seconds} s, 32 connections\n`)
for (const [name, found] of most)
  process.stdout.write(
    `${name.padEnd(38)} ${Math.round(found).toString().padStart(7)}  ${(found / reference).toFixed(3)}\n`,
  )

const { bytesAtStart, chunksAtStart, chunks, importMs } = await measureBundle(10)
process.stdout.write(
  `api function: ${bytesAtStart.toLocaleString('en-US')} bytes in ${chunksAtStart} of ${chunks} chunks at start, imported in ${importMs.toFixed(0)} ms (least of 10)\n`,
)
// What SST started for the synthesis does not end by itself.
process.exit(0)
