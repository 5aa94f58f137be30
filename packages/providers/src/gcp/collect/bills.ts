import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { LRUCache } from 'lru-cache'
import { type BillDelivery, Calendar, type DeliveredFile, Fault } from '@cloudoptima/core'
import { collectedMonths } from '../../collect/months.ts'
import { formats } from '../../formats.ts'
import { matcherOf } from '../../headers.ts'
import { type Caller, Refusal } from './calls.ts'
import { type BillExport, billExports } from './exports.ts'
import { query, type Row } from './query.ts'

// More would cost over a dollar for the months, and over six for the rows of one.
const mostBytesOfMonths = 200 * 1024 ** 3
const mostBytesOfRows = 1024 ** 4

/** A month of an export, as BigQuery described it. */
interface Period {
  source: BillExport
  month: string
  accounts: string[]
  rows: number
  /** The newest time of export; null if the export does not tell. */
  exported: string | null
  /** The first charge. */
  begins: string
  /** The first and the last day of the partitions with its rows. */
  bounds: [string, string] | undefined
  version: string
}

/** The months of an export, as the last query of this process found them. */
interface Look {
  periods: Period[]
  changedAt: string | undefined
  /** Milliseconds since 1970. */
  at: number
  months: string
}

/** By service account and table. */
export type Looks = LRUCache<string, Look>

export const createLooks = (): Looks => new LRUCache({ max: 500 })

// Only the query tells whether a view changed, and Google bills each.
const viewMs = 3_600_000

/** Each month of each billing account from the best export that has all of it, the newest first. */
export async function* bills(caller: Caller, looks: Looks): AsyncGenerator<BillDelivery> {
  const exports = await caller.attempt('bigquery', async () => await billExports(caller))
  if (exports?.length === 0)
    caller.access.report({
      state: 'no_export',
      part: 'bigquery',
      message:
        `The project ${caller.access.credentials.projectId} has no billing export that can be read. Under Billing, ` +
        'Billing export, enable the detailed usage cost export to a dataset of this project, or connect its project.',
    })
  const months = collectedMonths(caller.access.now())
  const periods: Period[] = []
  for (const source of exports ?? []) {
    let passing: Fault | undefined
    const read = async () => await lookAt(caller, looks, source, months)
    const found = await caller.attempt(nameOf(source), async () => {
      try {
        return await read()
      } catch (error) {
        if (error instanceof Fault) passing = error
        throw error
      }
    })
    // A lesser export must not take over because a better one could not be read now: the collection ends.
    if (passing) throw passing
    periods.push(...(found ?? []))
  }
  for (const month of months)
    for (const period of bestOf(periods.filter((each) => each.month === month))) yield deliveryOf(caller, looks, period)
}

const nameOf = ({ dataset, table }: BillExport): string => `${dataset}.${table}`

/** Of each billing account the best kind of export, unless it was enabled after the month began. */
function bestOf(periods: readonly Period[]): Period[] {
  const best: Period[] = []
  const isBehind = (period: Period, other: Period): boolean =>
    period.accounts.some((account) => other.accounts.includes(account)) &&
    Date.parse(period.begins) - Date.parse(other.begins) > 24 * 3_600_000
  for (const period of periods) {
    const hasBetter = best.some(({ accounts }) => period.accounts.some((account) => accounts.includes(account)))
    if (!hasBetter && !periods.some((other) => isBehind(period, other))) best.push(period)
  }
  return best
}

/** Asks BigQuery only if the table was modified since the last look. */
async function lookAt(caller: Caller, looks: Looks, source: BillExport, months: readonly string[]): Promise<Period[]> {
  const { changedAt } = source
  const key = lookKey(caller, source)
  const at = caller.access.now().getTime()
  const last = looks.get(key)
  const isSame = last?.months === months.join() && last.changedAt === changedAt
  if (isSame && (changedAt !== undefined || at - last.at < viewMs)) return last.periods
  const periods = await periodsOf(caller, source, months)
  looks.set(key, { periods, changedAt, at, months: months.join() })
  return periods
}

const lookKey = ({ access: { credentials } }: Caller, { from }: BillExport): string =>
  `${credentials.serviceAccount.client_email} ${from}`

async function periodsOf(caller: Caller, source: BillExport, months: readonly string[]): Promise<Period[]> {
  const oldest = months.at(-1) ?? ''
  const parameters = { oldest, since: Calendar.addDays(`${oldest}-01`, -2) }
  const found: Period[] = []
  const options = { location: source.location, parameters, mostBytes: mostBytesOfMonths }
  for await (const rows of query(caller, monthsSql(source), options))
    found.push(...rows.map((row) => periodOf(source, row)).filter(({ month }) => months.includes(month)))
  return found
}

function periodOf(source: BillExport, row: Row): Period {
  const { month, begins, exported, accounts, row_count: rows, billed, effective, first_partition, last_partition } = row
  const named = /(\w{6})_(\w{6})_(\w{6})$/.exec(source.table)?.slice(1).join('-') ?? source.table
  return {
    source,
    month: month as string,
    accounts: Array.isArray(accounts) ? (accounts as string[]) : [named],
    rows: Number(rows),
    exported: exported as string | null,
    begins: begins as string,
    bounds: first_partition && last_partition ? [first_partition as string, last_partition as string] : undefined,
    version: createHash('sha256')
      .update(JSON.stringify([rows, exported, billed, effective]))
      .digest('hex')
      .slice(0, 32),
  }
}

/**
 * Row count and newest export of each month: Google only adds rows. A view may change in other ways, so its costs count
 * too. The table's metadata do not tell which months its new rows belong to.
 */
function monthsSql({ kind, from, columns, partition }: BillExport): string {
  if (kind === 'focus')
    return `SELECT ${focusMonth} AS month, ARRAY_AGG(DISTINCT BillingAccountId ORDER BY BillingAccountId) AS accounts,
        COUNT(*) AS row_count, ${columns.has('x_ExportTime') ? 'MAX(x_ExportTime)' : 'NULL'} AS exported,
        SUM(CAST(BilledCost AS NUMERIC)) AS billed, SUM(CAST(EffectiveCost AS NUMERIC)) AS effective,
        MIN(CAST(ChargePeriodStart AS TIMESTAMP)) AS begins
      FROM ${from} WHERE ${focusMonth} >= @oldest GROUP BY month`
  const dayOf = (bound: 'MIN' | 'MAX') => `FORMAT_TIMESTAMP('%F', ${bound}(${partition}))`
  const bounds = partition ? `, ${dayOf('MIN')} AS first_partition, ${dayOf('MAX')} AS last_partition` : ''
  return `SELECT ${nativeMonth} AS month, COUNT(*) AS row_count, MAX(export_time) AS exported,
      MIN(usage_start_time) AS begins${bounds}
    FROM ${from} WHERE ${nativeMonth} >= @oldest${partition ? ` AND ${partition} >= TIMESTAMP(@since)` : ''}
    GROUP BY month`
}

const nativeMonth = `CONCAT(SUBSTR(invoice.month, 1, 4), '-', SUBSTR(invoice.month, 5, 2))`
// Google's own view begins a period at midnight of Pacific time.
const focusMonth = `FORMAT_TIMESTAMP('%Y-%m', TIMESTAMP_ADD(CAST(BillingPeriodStart AS TIMESTAMP), INTERVAL 14 HOUR))`

function deliveryOf(caller: Caller, looks: Looks, period: Period): BillDelivery {
  const { source, month, version } = period
  return {
    id: `${nameOf(source)}/${month}`,
    period: month,
    version,
    async fetch(folder) {
      try {
        return await fetchRows(caller, period, folder)
      } catch (error) {
        // The rows are not those of the look.
        looks.delete(lookKey(caller, source))
        throw error instanceof Refusal ? new Fault('unavailable', `${nameOf(source)}: ${error.message}`) : error
      }
    },
  }
}

async function fetchRows(caller: Caller, period: Period, folder: string): Promise<DeliveredFile[]> {
  const { source, month } = period
  const name = `${source.table}-${month}.jsonl`
  const path = join(folder, name)
  let rows = 0
  let newest = ''
  const lines = async function* () {
    for (const days of spansOf(period))
      for await (const page of query(caller, rowsSql(period), {
        location: source.location,
        parameters: { month, ...days },
        mostBytes: mostBytesOfRows,
      })) {
        rows += page.length
        for (const { x_exported: at, ...row } of page) {
          if (typeof at === 'string' && timeOf(at) > timeOf(newest)) newest = at
          yield `${JSON.stringify(row)}\n`
        }
      }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path, { mode: 0o600 }), { signal: caller.access.signal })
  if (rows !== period.rows || newest !== (period.exported ?? ''))
    throw new Fault(
      'conflict',
      `Google added rows to ${nameOf(source)} for ${month} while they were read: ${period.rows} rows were announced, ` +
        `${rows} were read. The next collection reads them again.`,
    )
  return [{ name, path }]
}

// Without the Z, a time sorts before the same time with a fraction.
const timeOf = (iso: string): string => iso.replace('Z', '')

/** A query answers at most 10 GB: https://cloud.google.com/bigquery/quotas#query_jobs */
const daysAtOnce = 7

/** The days of partitions that one query reads each; all at once if nothing bounds them. */
function spansOf({ bounds }: Period): Record<string, string>[] {
  if (!bounds) return [{}]
  const [first, last] = bounds
  const spans = []
  for (let low = first; low <= last; low = Calendar.addDays(low, daysAtOnce)) {
    const next = Calendar.addDays(low, daysAtOnce)
    spans.push({ low, end: next > last ? Calendar.addDays(last, 1) : next })
  }
  return spans
}

/** The columns that the import reads, because BigQuery bills each; nested fields as `service_description`. */
function rowsSql({ source, bounds }: Period): string {
  const { kind, from, columns, partition } = source
  const format = formats.find(({ id }) => id === (kind === 'focus' ? 'focus-1.4' : 'gcp-export'))
  const columnOf = matcherOf(format?.columns ?? {})
  const selected = [...columns].flatMap((path) => {
    const column = columnOf(path)
    return column === undefined ? [] : [`${path} AS ${column}`]
  })
  const exportedAt = kind === 'focus' ? 'x_ExportTime' : 'export_time'
  if (columns.has(exportedAt)) selected.push(`${exportedAt} AS x_exported`)
  const within = bounds && partition ? ` AND ${partition} >= TIMESTAMP(@low) AND ${partition} < TIMESTAMP(@end)` : ''
  return `SELECT ${selected.join(', ')} FROM ${from}
    WHERE ${kind === 'focus' ? focusMonth : nativeMonth} = @month${within}`
}
