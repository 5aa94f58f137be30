// Compares the API's time for new and cached questions with plain DuckDB on the same Parquet files, elapsed and of the
// processor, which other programs disturb less: `npm run bench:query [-- rows [rounds]]`.
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { Import, Snapshot } from '@cloudoptima/core'
import { orgId, type Product, startProduct, tokenOf } from '@cloudoptima/local'
import { benchDir, bill } from './bench/measure.ts'

const [rows = 2_000_000, rounds = 25] = process.argv.slice(2).map(Number)
const span = (round: number): { start: string; end: string } => ({
  start: `2026-10-0${1 + (round % 5)}`,
  end: `2026-10-${31 - Math.floor(round / 5)}`,
})
/** The overview also queries the previous period, which is empty because the bill has one month. */
const overview = (round: number, query: string): string =>
  `/costs/overview?start_date=${span(round).start}&end_date=${span(round).end}&granularity=daily&${query}`
const days = (day: string, round: number): string =>
  `${day} BETWEEN DATE '${span(round).start}' AND DATE '${span(round).end}'`

interface Question {
  name: string
  dataset: 'costs' | 'cost_rollup'
  path(round: number): string
  sql(files: string, round: number): string
}

const chargeDay = 'CAST(ChargePeriodStart AS DATE)'
const questions: Question[] = [
  {
    name: 'overview by service and day',
    dataset: 'cost_rollup',
    path: (round) => overview(round, 'group_by=service'),
    sql: (files, round) =>
      `SELECT ChargeDay, ServiceName, BillingCurrency, sum(EffectiveCost) FROM ${files} WHERE ${days('ChargeDay', round)} GROUP BY ALL`,
  },
  {
    name: 'overview by tag',
    dataset: 'costs',
    path: (round) => overview(round, 'group_by=tag&tag_key=Team'),
    sql: (files, round) =>
      `SELECT ${chargeDay}, json_extract_string(Tags, '/Team'), BillingCurrency, sum(EffectiveCost) FROM ${files} WHERE ${days(chargeDay, round)} GROUP BY ALL`,
  },
  {
    name: 'one account',
    dataset: 'cost_rollup',
    path: (round) => overview(round, `group_by=service&filter[subaccount]=583920174465`),
    sql: (files, round) =>
      `SELECT ChargeDay, ServiceName, BillingCurrency, sum(EffectiveCost) FROM ${files} WHERE SubAccountId = '583920174465' AND ${days('ChargeDay', round)} GROUP BY ALL`,
  },
  {
    name: 'top resources of each service',
    dataset: 'costs',
    path: (round) => `/costs/by-service?month=2026-10&top_resources=${10 + (round % 25)}`,
    sql: (files, round) => `SELECT * FROM (
  SELECT ServiceProviderName, ServiceName, ResourceId, BillingCurrency, sum(EffectiveCost) AS cost FROM ${files}
  WHERE ResourceId IS NOT NULL AND ${chargeDay} BETWEEN DATE '2026-10-01' AND DATE '2026-10-31' GROUP BY ALL
) QUALIFY row_number() OVER (PARTITION BY ServiceProviderName, ServiceName, BillingCurrency ORDER BY cost DESC) <= ${10 + (round % 25)}`,
  },
]

const dataDir = join(benchDir, `lake-${rows}`)
const isFresh = !existsSync(dataDir)
const product = await startProduct({ dataDir, port: 0 })
const token = await tokenOf(product.services.runtime, 'admin@local.example')
if (isFresh) await importBill(product, await bill(rows, false))
const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run("SELECT json_extract_string('{\"a\":1}', '/a')")
const { snapshots } = await Snapshot.view(product.ctx)

process.stdout.write(`${rows.toLocaleString('en')} rows, minimum of ${rounds} rounds in turn, ms\n`)
const heads = ['bare', 'API', 'ratio', 'cached', '304', 'bare CPU', 'API CPU', 'ratio']
process.stdout.write(`${'question'.padEnd(32)}${heads.map((head) => head.padStart(9)).join('')}\n`)
for (const question of questions) process.stdout.write(`${await measure(question)}\n`)
await product.close()
process.exit(0)

async function measure(question: Question): Promise<string> {
  const keys = snapshots.flatMap((snapshot) => snapshot.files[question.dataset])
  const files = `read_parquet([${keys.map((key) => `'${join(dataDir, 'cache', 'parquet', orgId, ...key.split('/'))}'`).join(', ')}])`
  await ask(question.path(0))
  const bare: Time[] = []
  const api: Time[] = []
  const cached: Time[] = []
  const unmodified: Time[] = []
  for (let round = 1; round < rounds; round++) {
    bare.push(await time(async () => await connection.runAndReadAll(question.sql(files, round))))
    let tag = ''
    api.push(await time(async () => (tag = await ask(question.path(round)))))
    cached.push(await time(async () => await ask(question.path(round))))
    unmodified.push(await time(async () => await ask(question.path(round), tag)))
  }
  const least = (times: Time[], figure: keyof Time) => Math.min(...times.map((one) => one[figure]))
  const pair = (figure: keyof Time) => {
    const [reference, own] = [least(bare, figure), least(api, figure)]
    return [reference.toFixed(1), own.toFixed(1), (own / reference).toFixed(2)]
  }
  const answered = [cached, unmodified].map((times) => least(times, 'elapsedMs').toFixed(1))
  const cells = [...pair('elapsedMs'), ...answered, ...pair('cpuMs')]
  return `${question.name.padEnd(32)}${cells.map((text) => text.padStart(9)).join('')}`
}

/** Sends one request, reads the whole body and returns the ETag. */
async function ask(path: string, tag?: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, ...(tag !== undefined && { 'if-none-match': tag }) }
  const response = await fetch(`${product.api ?? ''}${path}`, { headers })
  const body = await response.text()
  if (response.status !== (tag === undefined ? 200 : 304)) throw new Error(`${path}: ${response.status} ${body}`)
  return response.headers.get('etag') ?? ''
}

interface Time {
  elapsedMs: number
  cpuMs: number
}

async function time(work: () => Promise<unknown>): Promise<Time> {
  const [began, processor] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(processor)
  return { elapsedMs: performance.now() - began, cpuMs: (user + system) / 1000 }
}

async function importBill({ ctx, services }: Product, path: string): Promise<void> {
  const { id } = await Import.create(ctx, { files: [{ name: basename(path), bytes: (await stat(path)).size }] })
  await Import.storeFile(ctx, id, 0, path)
  await Import.start(ctx, id)
  await services.whenEnded('bills', id)
}
