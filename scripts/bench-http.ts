// Compares authenticated GETs per second with plain node:http, and measures the cold start of the API's Lambda:
// `npm run bench:http [-- rounds [seconds]]`.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { createInterface } from 'node:readline'
import { measureBundle } from './bench/bundle.ts'

const [rounds = 5, seconds = 3] = process.argv.slice(2).map(Number)

interface Server {
  child: ChildProcess
  url: string
  tokens: string[]
}

/** Starts a server process, which prints its URL as JSON in the first line. */
async function serve(script: string, args: string[] = []): Promise<Server> {
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
  throw new Error(`${script} ended before it printed its URL`)
}

async function rate(url: string, headers: Record<string, string>): Promise<number> {
  const { non2xx, errors, requests } = await autocannon({ url, headers, connections: 32, duration: seconds })
  // Requests with If-None-Match are answered 304, which autocannon counts as non-2xx.
  if (errors > 0 || (non2xx > 0 && !('if-none-match' in headers)))
    throw new Error(`${url}: ${non2xx} answers without status 2xx, ${errors} errors`)
  return requests.average
}

// Each round, and the warm-up, has its own organization, because the rate limit of an hour is soon reached.
const product = await serve('http-product.ts', [String(rounds + 1)])
const question = `${product.url}/costs/overview`
const bearer = (round: number) => ({ authorization: `Bearer ${product.tokens[round] ?? ''}` })
const me = await fetch(`${product.url}/me`, { headers: bearer(0) })
const bare = await serve('http-bare.ts', [await me.text()])

/** The requests of a round, in order. */
async function requestsOf(round: number): Promise<Record<string, { url: string; headers: Record<string, string> }>> {
  const headers = bearer(round)
  const etag = (await fetch(question, { headers })).headers.get('etag') ?? ''
  return {
    'bare node:http': { url: bare.url, headers: {} },
    'GET /v1/me, authenticated': { url: `${product.url}/me`, headers },
    'GET /v1/costs/overview, cached': { url: question, headers },
    'GET /v1/costs/overview, 304': { url: question, headers: { ...headers, 'if-none-match': etag } },
  }
}

const maxima = new Map<string, number>()
try {
  for (let round = 0; round <= rounds; round++) {
    for (const [name, { url, headers }] of Object.entries(await requestsOf(round))) {
      const measured = await rate(url, headers)
      // Round 0 is the warm-up.
      if (round > 0) maxima.set(name, Math.max(maxima.get(name) ?? 0, measured))
    }
  }
} finally {
  for (const { child } of [product, bare]) child.kill('SIGTERM')
}
const reference = maxima.get('bare node:http') ?? Number.NaN
process.stdout.write(`requests per second, maximum of ${rounds} alternating rounds of ${seconds} s, 32 connections\n`)
for (const [name, measured] of maxima)
  process.stdout.write(
    `${name.padEnd(38)} ${Math.round(measured).toString().padStart(7)}  ${(measured / reference).toFixed(3)}\n`,
  )

const { bytesAtStart, chunksAtStart, chunks, importMs } = await measureBundle(10)
process.stdout.write(
  `api function: ${bytesAtStart.toLocaleString('en-US')} bytes in ${chunksAtStart} of ${chunks} chunks at start, imported in ${importMs.toFixed(0)} ms (minimum of 10)\n`,
)
// SST's synthesis leaves handles open.
process.exit(0)
