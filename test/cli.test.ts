import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Money } from '@cloudoptima/core'
import { generateSample, type Sample } from '@cloudoptima/sample'

const main = join(import.meta.dirname, '..', 'packages', 'local', 'src', 'main.ts')
const slow = 120_000
/** The sample has 200,000 rows, and other tests use the processors too. */
const sampleMs = 600_000

let dir: string
let sample: Sample
/** A FOCUS 1.2 file with one month of four accounts. */
let bill: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cli-'))
  sample = await generateSample({
    dir: join(dir, 'bill'),
    today: '2026-11-01',
    months: 1,
    rows: 3000,
    singleFile: true,
  })
  bill = sample.files[0]?.path ?? ''
})
afterAll(async () => await rm(dir, { recursive: true, force: true }))

interface Answer {
  imports: {
    file: string
    format: string | null
    rows: number | null
    status: string
    periods: string[]
    reason: string | null
  }[]
  totals: {
    provider: string
    billingAccountId: string
    currency: string
    billed: string
    effective: string
    list: string
    contracted: string
  }[]
  api: string
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function begin(args: readonly string[]): {
  child: ChildProcess
  ended: Promise<Ended>
  /** Waits for a text in stdout or stderr; returns stdout. */
  untilOutput(text: string): Promise<string>
} {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    cwd: dir,
    env: { ...process.env, NO_COLOR: '1' },
    // Of its own process group, as on a terminal.
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...output }))
  })
  const untilOutput = async (text: string): Promise<string> => {
    while (!`${output.stdout}${output.stderr}`.includes(text)) {
      if (child.exitCode !== null) throw new Error(`The command ended before it printed ${text}: ${output.stderr}`)
      await new Promise((wake) => setTimeout(wake, 50))
    }
    return output.stdout
  }
  return { child, ended, untilOutput }
}

async function run(...args: string[]): Promise<Ended> {
  return await begin(args).ended
}

async function answer(...args: string[]): Promise<Ended & { answer: Answer }> {
  const ended = await run('--once', '--json', ...args)
  expect(ended.stderr).not.toContain('    at ')
  expect(ended.stdout.split('\n')).toHaveLength(2)
  return { ...ended, answer: JSON.parse(ended.stdout) as Answer }
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((wake) => setTimeout(wake, 10))
}

/** The objects of a data folder, without their content. */
async function stored(data: string): Promise<string[]> {
  const names = await readdir(join(data, 's3'), { recursive: true })
  return names.filter((name) => name.endsWith('.data')).toSorted()
}

let folders = 0
async function fresh(): Promise<string> {
  const data = join(dir, `data-${folders++}`)
  await mkdir(data, { recursive: true })
  return data
}

async function written(name: string, text: string): Promise<string> {
  const path = join(dir, name)
  await writeFile(path, text)
  return path
}

/** A copy of the bill with the first share `keep` of its rows. */
async function shortened(name: string, keep: number): Promise<string> {
  const lines = (await readFile(bill, 'utf8')).split('\n')
  return await written(name, `${lines.slice(0, 1 + Math.round((lines.length - 2) * keep)).join('\n')}\n`)
}

describe('importing', () => {
  it(
    'prints one line of JSON with exact totals; the same bytes again are unchanged',
    async () => {
      const data = await fresh()
      const first = await answer('--data', data, '--import', bill)
      expect(first.code).toBe(0)
      expect(first.answer.imports).toEqual([
        { file: bill, format: 'focus-1.2', rows: sample.rows, status: 'committed', periods: ['2026-10'], reason: null },
      ])
      const byAccount = (a: { billingAccountId: string }, b: { billingAccountId: string }) =>
        a.billingAccountId < b.billingAccountId ? -1 : 1
      const counted = first.answer.totals.map((total) => ({ ...total, rows: expect.any(Number) as number }))
      expect(sample.totals.toSorted(byAccount)).toEqual(counted.toSorted(byAccount))
      for (const total of first.answer.totals)
        for (const amount of [total.billed, total.effective, total.list, total.contracted])
          expect(amount).toMatch(/^-?\d+(\.\d*[1-9])?$/)
      expect(first.answer.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
      const second = await answer('--data', data, '--import', bill)
      expect(second.code).toBe(0)
      expect(second.answer.imports).toEqual([{ ...first.answer.imports[0], status: 'unchanged' }])
      expect(second.answer.totals).toEqual(first.answer.totals)
    },
    slow,
  )

  it(
    'prints the changes of a restated bill, and refuses a loss of most rows without --replace',
    async () => {
      const data = await fresh()
      await answer('--data', data, '--import', bill)
      const restated = await run('--once', '--data', data, '--import', await shortened('restated.csv', 0.95))
      expect(restated.code).toBe(0)
      expect(restated.stdout).toMatch(/Replaced[\s\S]*1 → 2/)
      const before = (await answer('--data', data)).answer
      expect(before.imports).toEqual([])
      const cut = await shortened('cut.csv', 0.2)
      const refused = await answer('--data', data, '--import', cut)
      expect(refused.code).toBe(2)
      expect(refused.answer.imports[0]).toMatchObject({
        file: cut,
        status: 'refused',
        reason: expect.stringContaining('--replace') as string,
      })
      expect(refused.answer.totals).toEqual(before.totals)
      const replaced = await answer('--data', data, '--replace', '--import', cut)
      expect([replaced.code, replaced.answer.imports[0]?.status]).toEqual([0, 'committed'])
      expect(replaced.answer.totals).not.toEqual(before.totals)
    },
    slow,
  )

  it(
    'refuses paths without bills with a reason for each, imports the rest and exits with 2',
    async () => {
      const folder = join(dir, 'notes')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'LICENSE'), 'free')
      await writeFile(join(folder, '.hidden.csv'), 'a,b\n1,2\n')
      const stranger = await written('stranger.csv', 'a,b\n1,2\n')
      const { code, answer: result } = await answer(
        '--data',
        await fresh(),
        '--import',
        join(dir, 'missing.csv'),
        folder,
        join(dir, '*.nothing'),
        stranger,
        bill,
      )
      expect(code).toBe(2)
      const reason = (path: string) => result.imports.find(({ file }) => file === path)?.reason
      expect(reason(join(dir, 'missing.csv'))).toContain('does not exist')
      expect(reason(folder)).toMatch(/holds no bills \(ignored: .*LICENSE/)
      expect(reason(join(dir, '*.nothing'))).toContain('matches')
      expect(reason(stranger)).toContain('stranger.csv')
      expect(result.imports.find(({ file }) => file === bill)?.status).toBe('committed')
      expect(result.imports.filter(({ status }) => status === 'refused')).toHaveLength(4)
    },
    slow,
  )

  it(
    'imports a folder as one delivery, and each match of a pattern as its own delivery',
    async () => {
      const folder = join(dir, 'delivery')
      const { files } = await generateSample({ dir: folder, today: '2026-11-01', months: 1, rows: 3000 })
      await writeFile(join(folder, 'README.md'), 'ours')
      const one = await run('--once', '--data', await fresh(), '--import', folder)
      expect(one.stderr.match(/^Importing /gm)).toHaveLength(1)
      const each = await run('--once', '--data', await fresh(), '--import', join(folder, '**/*'))
      expect(each.stderr.match(/^Importing /gm)).toHaveLength(files.length)
      expect(each.stdout.split('In the lake')[1]).toBe(one.stdout.split('In the lake')[1])
    },
    slow,
  )

  it(
    'recognizes bills by their content, and lists the files that it leaves out',
    async () => {
      const folder = join(dir, 'shards')
      await mkdir(join(folder, 'sub'), { recursive: true })
      const [head = '', ...rows] = (await readFile(bill, 'utf8')).trimEnd().split('\n')
      const third = Math.ceil(rows.length / 3)
      for (const [i, name] of ['a.csv', join('sub', 'b.txt'), '000000000000'].entries())
        await writeFile(join(folder, name), `${[head, ...rows.slice(i * third, (i + 1) * third)].join('\n')}\n`)
      for (const name of ['LICENSE', 'manifest.json', '_SUCCESS']) await writeFile(join(folder, name), 'no bill')
      const { code, stderr, answer: result } = await answer('--data', await fresh(), '--import', folder)
      expect([code, result.imports.length]).toEqual([0, 3])
      expect(result.imports.reduce((sum, { rows: of }) => sum + (of ?? 0), 0)).toBe(sample.rows)
      for (const name of ['LICENSE', 'manifest.json', '_SUCCESS'])
        expect(stderr).toMatch(new RegExp(`Left out.*${name}`))
    },
    slow,
  )

  it(
    'warns if a file replaced bills of another file of the same command',
    async () => {
      const part = await shortened('part.csv', 0.95)
      const { code, stderr } = await answer('--data', await fresh(), '--import', bill, part)
      expect(code).toBe(0)
      expect(stderr).toContain(`${part} replaced bills of ${bill}`)
      expect(stderr).toMatch(/account .*2026-10.*one folder/)
    },
    slow,
  )

  it(
    'never sends a terminal the escapes of a file name or of a bill',
    async () => {
      const escape = '\x1b]0;taken\x07\u202E'
      const text = (await readFile(bill, 'utf8')).replaceAll('Amazon Elastic Compute Cloud', escape)
      const hostile = await written(`${escape}.csv`, text)
      const data = await fresh()
      const imported = await run('--once', '--data', data, '--import', hostile)
      const costs = await run('costs', '--data', data)
      const wrong = await run(`--${escape}`)
      for (const { stdout, stderr } of [imported, costs, wrong])
        expect(`${stdout}${stderr}`).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u)
      expect([imported.code, imported.stderr, costs.stdout, wrong.stderr]).toEqual([
        0,
        ...Array.from({ length: 3 }, () => expect.stringContaining(String.raw`\u001b]0;taken\u0007\u202e`) as string),
      ])
    },
    slow,
  )

  it(
    'cancels an import at Ctrl-C, and leaves nothing of it',
    async () => {
      const data = await fresh()
      await answer('--data', data, '--import', bill)
      const before = await stored(data)
      const large = await generateSample({
        dir: join(dir, 'large'),
        today: '2026-10-01',
        months: 1,
        rows: 60_000,
        singleFile: true,
      })
      const { child, ended, untilOutput } = begin([
        '--data',
        data,
        '--port',
        '0',
        '--import',
        large.files[0]?.path ?? '',
      ])
      await untilOutput('Importing')
      await until(async () => (await readdir(join(data, 'work'))).length > 0)
      child.kill('SIGINT')
      const { code, stdout, stderr } = await ended
      expect([code, stdout]).toEqual([130, ''])
      expect(stderr).toContain('Canceling the import. Press Ctrl-C again to end at once.')
      expect(stderr).toContain('The import was canceled: nothing of it is visible.')
      expect([await stored(data), await readdir(data)]).toEqual([before, expect.not.arrayContaining(['work'])])
      const { stdout: status } = await run('status', '--data', data, '--json')
      expect(JSON.parse(status)).toMatchObject({
        lakeVersion: 1,
        imports: [{ status: 'canceled' }, { status: 'committed' }],
      })
      const { answer: next } = await answer('--data', data)
      expect(next.imports).toEqual([])
    },
    slow,
  )

  it(
    'completes an import after a kill, with the exact sums',
    async () => {
      const data = await fresh()
      const { child, ended, untilOutput } = begin(['--once', '--json', '--data', data, '--import', bill])
      await untilOutput('Importing')
      await new Promise((wake) => setTimeout(wake, 400))
      child.kill('SIGKILL')
      await ended
      const { code, answer: result } = await answer('--data', data, '--import', bill)
      expect([code, ['committed', 'unchanged'].includes(result.imports[0]?.status ?? '')]).toEqual([0, true])
      expect(Money.plain(Money.sum(result.totals.map(({ billed }) => Money.parse(billed))))).toBe(
        Money.plain(Money.sum(sample.totals.map(({ billed }) => Money.parse(billed)))),
      )
    },
    slow,
  )
})

describe('serving', () => {
  it(
    'connects simulated clouds at the first start, serves their costs, ends at Ctrl-C, and goes on at the next start',
    async () => {
      const data = await fresh()
      const first = begin(['--data', data, '--port', '0'])
      const stdout = await first.untilOutput('Ctrl-C ends.')
      const api = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(stdout)?.[0] ?? ''
      for (const currency of ['USD', 'EUR', 'GBP']) expect(stdout).toContain(`Effective cost in ${currency}`)
      expect(stdout).toContain(`TOKEN=$(npm start --silent -- token --data ${data})`)
      expect(stdout).toContain(`curl -s -H "Authorization: Bearer $TOKEN" '${api}/costs/overview`)
      expect(await (await fetch(`${api}/health`)).json()).toMatchObject({ status: 'ok' })
      expect((await fetch(`${api}/costs/overview`)).status).toBe(401)
      const token = (await run('token', '--data', data)).stdout.trim()
      const overview = await fetch(`${api}/costs/overview`, { headers: { Authorization: `Bearer ${token}` } })
      expect(overview.status).toBe(200)
      // Those without an export follow the tables.
      const activeAccounts = async () => {
        const headers = { Authorization: `Bearer ${token}` }
        const listed = await fetch(`${api}/cloud-accounts?status=active&page_size=100`, { headers })
        return ((await listed.json()) as { total: number }).total
      }
      await vi.waitFor(async () => expect(await activeAccounts()).toBe(19), { timeout: 240_000, interval: 1000 })
      const attached = await run('status', '--data', data, '--json')
      const { api: served, partitions } = JSON.parse(attached.stdout) as { api: string; partitions: number }
      expect([served, partitions >= 16]).toEqual([api, true])
      // Ctrl-C on a terminal signals the simulated clouds too.
      process.kill(-(first.child.pid ?? 0), 'SIGINT')
      const ended = await first.ended
      expect([ended.code, ended.stderr.includes('invented company')], ended.stderr).toEqual([0, true])
      const again = await run('--once', '--data', data)
      expect([again.code, again.stderr]).toEqual([0, ''])
      expect(again.stdout).toContain(' partitions, ')
      const real = await answer('--data', data, '--import', bill)
      expect([real.code, real.stderr.includes("The sample's invented costs")]).toEqual([0, true])
      const { answer: apart } = await answer('--data', await fresh(), '--import', bill)
      expect(real.answer.totals).toEqual(apart.totals)
      expect((await answer('--data', data)).answer.totals).toEqual(apart.totals)
      const status = await run('status', '--data', data, '--json')
      expect(JSON.parse(status.stdout)).toMatchObject({ partitions: 4, rows: sample.rows, totals: apart.totals })
    },
    sampleMs,
  )

  it(
    'ends at Ctrl-C while it collects, and the next start goes on',
    async () => {
      const data = await fresh()
      const first = begin(['--data', data, '--port', '0'])
      await first.untilOutput('Collecting the bills')
      process.kill(-(first.child.pid ?? 0), 'SIGINT')
      const { code, stdout, stderr } = await first.ended
      expect([code, stdout, stderr.split('\n').at(-2)]).toEqual([130, '', 'Ending. Press Ctrl-C again to end at once.'])
      const second = begin(['--data', data, '--port', '0'])
      await second.untilOutput('Collecting the bills')
      second.child.kill('SIGKILL')
      await second.ended
    },
    slow,
  )

  it(
    'without a network it serves silently, with the bundled exchange rates, and logs a warning',
    async () => {
      // Nothing listens on port 1.
      vi.stubEnv('EXCHANGE_RATES_URL', 'http://127.0.0.1:1/')
      onTestFinished(() => void vi.unstubAllEnvs())
      const data = await fresh()
      const serving = begin(['--data', data, '--port', '0', '--json', '--import', bill])
      const { api } = JSON.parse(await serving.untilOutput('"api"')) as { api: string }
      const log = async () => await readFile(join(data, 'log', 'cloudoptima.log'), 'utf8')
      await vi.waitFor(async () => expect(await log()).toContain('exchange rates were not fetched'), {
        timeout: 15_000,
      })
      const token = (await run('token', '--data', data)).stdout.trim()
      const rates = await fetch(`${api}/currencies/rates`, { headers: { Authorization: `Bearer ${token}` } })
      expect(await rates.json()).toMatchObject({ fetched_at: null, rates: expect.any(Array) })
      serving.child.kill('SIGINT')
      const { code, stdout, stderr } = await serving.ended
      expect(code).toBe(0)
      expect(stdout + stderr).not.toMatch(/exchange|fetch|error|warn/i)
      expect(await log()).not.toContain('"level":"error"')
    },
    slow,
  )

  it(
    'reports a port in use and how to choose another; --once ignores a busy default port',
    async () => {
      const busy = createServer()
      const port = await new Promise<number>((resolve) =>
        busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port)),
      )
      try {
        const ended = await run('--data', await fresh(), '--port', String(port), '--import', bill)
        expect([ended.code, ended.stdout]).toEqual([1, ''])
        expect(ended.stderr).toContain(`Port ${port} is in use`)
        expect(ended.stderr).toContain('--port')
      } finally {
        busy.close()
      }
      const standard = createServer()
      const isOurs = await new Promise<boolean>((resolve) =>
        standard.on('error', () => resolve(false)).listen(4000, '127.0.0.1', () => resolve(true)),
      )
      try {
        const { code, answer: result } = await answer('--data', await fresh(), '--import', bill)
        expect([code, result.api === 'http://127.0.0.1:4000/v1']).toEqual([0, false])
      } finally {
        if (isOurs) standard.close()
      }
    },
    slow,
  )
})

describe('the other commands', () => {
  let data: string
  beforeAll(async () => {
    data = await fresh()
    await answer('--data', data, '--import', bill)
  }, slow)

  it(
    'costs: prints a table for each currency, or the answer of the API as JSON',
    async () => {
      const shown = await run('costs', '--data', data, '--granularity', 'daily', '--metric', 'billed')
      for (const currency of ['USD', 'EUR', 'GBP']) expect(shown.stdout).toContain(`Billed cost in ${currency}`)
      expect(shown.stdout).toMatch(/Amazon Elastic Compute Cloud +[▁-█]{31} /)
      const filtered = await run(
        'costs',
        '--data',
        data,
        '--json',
        '--metric',
        'billed',
        '--start',
        '2026-10-01',
        '--end',
        '2026-10-31',
        '--filter',
        'provider=AWS',
      )
      expect(JSON.parse(filtered.stdout)).toMatchObject({
        currency: 'USD',
        granularity: 'monthly',
        time_series: [{ date: '2026-10-01' }],
      })
      const wrong = await run('costs', '--data', data, '--filter', 'colour=red')
      expect([wrong.code, wrong.stdout]).toEqual([1, ''])
      expect(wrong.stderr).toContain('--filter colour=red')
    },
    slow,
  )

  it(
    'changes: prints the tree of a change with its causes, or the answer of the API as JSON',
    async () => {
      const months = ['--data', data, '--from', '2026-09', '--to', '2026-10', '--filter', 'provider=AWS']
      const shown = await run('changes', ...months, '--limit', '1')
      expect(shown.stdout).toContain('cost in USD: 2026-09-01 to 2026-09-30 against 2026-10-01 to 2026-10-31')
      expect(shown.stdout).toMatch(/^AWS +0\.00 .*new \+/m)
      const { stdout } = await run('changes', ...months, '--json')
      expect(JSON.parse(stdout)).toMatchObject({ before_exact: '0', meta: { same_length: false } })
      const wrong = await run('changes', '--data', data, '--from', '2026')
      expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
        1,
        '',
        expect.stringContaining('from: must be a month'),
      ])
    },
    slow,
  )

  it(
    'costs: filters and groups by every dimension, such as the billing account',
    async () => {
      const [account] = sample.totals
      const filter = `billing_account=${account?.billingAccountId ?? ''}`
      const shown = await run('costs', '--data', data, '--group-by', 'billing_account', '--filter', filter)
      expect(shown.code).toBe(0)
      for (const { billingAccountId } of sample.totals)
        expect([billingAccountId, shown.stdout.includes(billingAccountId)]).toEqual([
          billingAccountId,
          billingAccountId === account?.billingAccountId,
        ])
    },
    slow,
  )

  it(
    'export: writes FOCUS files that have equal totals after an import',
    async () => {
      const out = join(dir, 'focus')
      const exported = await run(
        'export',
        '--data',
        data,
        '--focus',
        '1.2',
        '--out',
        out,
        '--period',
        '2026-10',
        '--json',
      )
      expect((JSON.parse(exported.stdout) as { files: unknown[] }).files).toHaveLength(4)
      const [before, after] = [await answer('--data', data), await answer('--data', await fresh(), '--import', out)]
      expect(after.answer.totals).toEqual(before.answer.totals)
      const nothing = await run('export', '--data', data, '--focus', '1.2', '--out', out, '--period', '1999-01')
      expect([nothing.code, nothing.stderr.split('\n').length]).toEqual([1, 2])
    },
    slow,
  )

  it(
    'rebuild: rebuilds the lake with equal totals',
    async () => {
      const { code, stdout } = await run('rebuild', '--data', data, '--json')
      expect([code, JSON.parse(stdout)]).toMatchObject([0, { equal: true, lakeVersion: 2 }])
    },
    slow,
  )

  it(
    'status: prints rows, partitions and whether the product runs',
    async () => {
      const { code, stdout } = await run('status', '--data', data)
      expect(code).toBe(0)
      expect(stdout).toContain(`${sample.rows.toLocaleString('en-US')} rows in 4 partitions`)
      expect(stdout).toContain('not running')
    },
    slow,
  )

  it(
    '--help prints examples for each command; an unknown option is refused',
    async () => {
      for (const command of ['', 'costs', 'export', 'rebuild', 'status']) {
        const { code, stdout } = await run(...(command ? [command] : []), '--help')
        expect([command, code, stdout.includes('npm start')]).toEqual([command, 0, true])
      }
      const { code, stderr } = await run('--improt', bill)
      expect([code, stderr.includes('--import')]).toEqual([1, true])
      for (const path of [bill, join(bill, 'below')])
        for (const command of [[], ['status']]) {
          const file = await run(...command, '--data', path)
          expect([file.code, file.stdout, file.stderr.split('\n').length]).toEqual([1, '', 2])
          expect(file.stderr).toContain('cannot be the data folder')
        }
    },
    slow,
  )
})
