import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

// The first start of a new user: the committed files in an empty folder, without the tools of developers.

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const patienceMs = 300_000
/** The company of `npm start` with fewer bills. */
const company = { today: new Date().toISOString().slice(0, 10), isConnected: false, size: { rows: 6000, months: 2 } }

let folder: string | undefined
let server: ChildProcess | undefined
let printed = ''

/** Of the user's shell: nothing of this repository, of npm's own run or of Node's options. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string) =>
    /^(npm_(?!config_)|npm_config_(local_)?prefix$|NODE_|INIT_CWD$)/.test(name) && name !== 'NODE_EXTRA_CA_CERTS'
  const kept = Object.entries(process.env).filter(([name]) => !isOurs(name))
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((each) => !each.includes('node_modules'))
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), NO_COLOR: '1', EXCHANGE_RATES_URL: '' }
}

function required(what: string, { status, stderr }: { status: number | null; stderr: string | Buffer }): void {
  if (status !== 0) throw new Error(`${what} ended with ${status}: ${String(stderr)}`)
}

async function step<Result>(what: string, run: () => Promise<Result>): Promise<Result> {
  const began = performance.now()
  const result = await run()
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}\n`)
  return result
}

async function until<Found>(what: string, find: () => Promise<Found | undefined>): Promise<Found> {
  const end = performance.now() + patienceMs
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (server?.exitCode !== null) throw new Error(`npm start ended with ${server?.exitCode} before ${what}.`)
    if (performance.now() > end) throw new Error(`After ${patienceMs / 1000} s there is still no ${what}.`)
    await sleep(250)
  }
}

/** The files of the last commit. */
async function checkOut(to: string): Promise<void> {
  const archive = join(to, 'files.tar')
  required('git', spawnSync('git', ['archive', '--output', archive, 'HEAD'], { cwd: root }))
  await mkdir(join(to, 'product'))
  required('tar', spawnSync('tar', ['-xf', archive, '-C', join(to, 'product')]))
}

async function main(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-fresh-'))
  const [product, data, env] = [join(folder, 'product'), join(folder, 'data'), cleanEnvironment()]
  const at = folder
  await step('the committed files in a new folder', async () => await checkOut(at))
  await mkdir(join(data, 'clouds'), { recursive: true, mode: 0o700 })
  await writeFile(join(data, 'clouds', 'company.json'), JSON.stringify(company), { mode: 0o600 })
  const started = spawn('npm', ['start', '--', '--port', '0', '--data', data], {
    cwd: product,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Of its own process group, as on a terminal.
    detached: true,
  })
  server = started
  const ended = new Promise<number | null>((resolve) => started.on('close', resolve))
  for (const stream of [started.stdout, started.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))

  await step('npm start installs the product', () => until('install', async () => /Installed in/.exec(printed)?.[0]))
  const stamp = await readFile(join(product, 'node_modules', '.installed.json'), 'utf8')
  if (!stamp.includes('"prod"')) throw new Error(`npm start installed more than the product: ${stamp}`)
  await step('tables of costs, and the API', () => until('API', async () => /Ctrl-C ends\./.exec(printed)?.[0]))
  for (const currency of ['USD', 'EUR', 'GBP'])
    if (!printed.includes(`Effective cost in ${currency}`))
      throw new Error(`There is no table of costs in ${currency}.`)

  const api = /The API answers at (http:\S+)/.exec(printed)?.[1] ?? ''
  const token = spawnSync('npm', ['start', '--silent', '--', 'token', '--data', data], { cwd: product, env })
  required('npm start -- token', token)
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${token.stdout.toString().trim()}` }
    const answer = await fetch(`${api}/${path}`, { headers })
    if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as Record<string, unknown>
  }
  const overview = await ask('costs/overview')
  if (!(Number(overview['total_cost']) > 0)) throw new Error(`There are no costs: ${JSON.stringify(overview)}`)
  // The inventory of a cloud loads packages that nothing before it does.
  for (const provider of ['aws', 'azure', 'gcp'])
    await step(`resources of ${provider}`, () =>
      until(`resource of ${provider}`, async () => {
        const { pagination } = await ask(`resources/compute?provider=${provider}`)
        return (pagination as { total: number }).total > 0 || undefined
      }),
    )
  const log = await readFile(join(data, 'log', 'cloudoptima.log'), 'utf8')
  const errors = log.split('\n').filter((line) => line.includes('"level":"error"'))
  if (errors.length > 0) throw new Error(`The log has errors:\n${errors.join('\n')}`)
  await step('Ctrl-C', async () => {
    // On a terminal it would reach npm too, which without one passes it on a second time.
    const { pid } = JSON.parse(await readFile(join(data, 'running.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGINT')
    const code = await Promise.race([ended, sleep(60_000, 'nothing', { ref: false })])
    if (code !== 0) throw new Error(`npm start ended with ${code} at Ctrl-C.`)
  })
}

const began = performance.now()
try {
  await main()
  process.stdout.write(`A fresh npm start works: ${((performance.now() - began) / 1000).toFixed(0)} s.\n`)
} catch (error) {
  process.stderr.write(`${printed}\n${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  if (server?.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGKILL')
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}
