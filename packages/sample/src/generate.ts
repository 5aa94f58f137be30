import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { aws } from './aws/account.ts'
import { azure } from './azure/account.ts'
import type { Charge } from './bill/charge.ts'
import { chargesOf } from './bill/charges.ts'
import { periodsOf, type Period } from './bill/period.ts'
import { describe, type Anomaly } from './company/anomaly.ts'
import { plansOf, type Plan } from './company/plan.ts'
import type { Window } from './company/resource.ts'
import { gcpGbp, gcpUsd } from './gcp/account.ts'
import { columns, type Column, type FocusVersion } from './values/columns.ts'
import * as Day from './values/day.ts'
import * as Money from './values/money.ts'

export interface SampleOptions {
  /** The folder of the files. It is created if missing. */
  dir: string
  /** The day after the last day with costs, `YYYY-MM-DD`. */
  today: string
  seed?: number
  /** Number of calendar months. The last one is the month of yesterday. */
  months?: number
  /** Approximate number of rows in all files. */
  rows?: number
  gzip?: boolean
  /** 1.2 adds the clouds' own columns; 1.0 has only the 43 columns of that version. */
  focus?: FocusVersion
  /** Write one file `bill.csv` instead of one file per account and month. */
  singleFile?: boolean
  onProgress?: (rows: number) => void
}

export interface SampleFile {
  path: string
  rows: number
  bytes: number
}

/** The sums of an account's rows, as plain decimals. */
export interface SampleTotal {
  provider: string
  billingAccountId: string
  currency: string
  rows: number
  billed: string
  effective: string
  list: string
  contracted: string
}

export interface Sample {
  files: SampleFile[]
  rows: number
  totals: SampleTotal[]
  anomalies: Anomaly[]
}

interface Tally {
  rows: number
  billed: bigint
  effective: bigint
  list: bigint
  contracted: bigint
}

/** Writes the bills of an invented company. The same seed, day and size give the same bytes. */
export async function generateSample(options: SampleOptions): Promise<Sample> {
  const { dir, today, seed = 1, months = 13, rows = 200_000, focus = '1.2' } = options
  const end = Day.parse(today)
  const window: Window = { start: Day.month(end - 1, 1 - months).start, end }
  const plans = plansOf([aws, azure, gcpUsd, gcpGbp], window, seed, rows)
  const tallies = plans.map((): Tally => ({ rows: 0, billed: 0n, effective: 0n, list: 0n, contracted: 0n }))
  const outputs = outputsOf(plans, focus, options)
  const progress = { rows: 0 }
  const files: SampleFile[] = []
  for (const { name, layout, periods } of outputs) {
    const before = progress.rows
    const path = join(dir, name)
    await write(
      path,
      textOf(layout, periods, (period, charge) => add(tallies[plans.indexOf(period.plan)], charge), options, progress),
    )
    files.push({ path, rows: progress.rows - before, bytes: (await stat(path)).size })
  }
  return {
    files,
    rows: progress.rows,
    totals: plans.map((plan, i) => totalOf(plan, tallies[i])),
    anomalies: plans.flatMap(({ account, incidents }) => incidents.map((incident) => describe(account, incident))),
  }
}

/** The files to write, each with its columns and billing periods. */
function outputsOf(plans: readonly Plan[], focus: FocusVersion, { gzip = false, singleFile = false }: SampleOptions) {
  const suffix = gzip ? '.csv.gz' : '.csv'
  const own = (plan: Plan): readonly Column[] =>
    focus === '1.0' || singleFile ? columns[focus] : [...columns[focus], ...plan.account.customColumns]
  const periods = plans.flatMap((plan) => periodsOf(plan, own(plan)))
  if (singleFile) return [{ name: `bill${suffix}`, layout: columns[focus], periods }]
  return periods.map((period) => ({ name: `${nameOf(period)}${suffix}`, layout: period.layout, periods: [period] }))
}

function nameOf({ plan: { account }, month }: Period): string {
  const id = account.fields.BillingAccountId
  return `${account.cloud}-${id.slice(id.lastIndexOf('/') + 1)}/focus-${month.period}`
}

/** The text of a file in chunks of a thousand rows. */
function* textOf(
  layout: readonly Column[],
  periods: readonly Period[],
  onCharge: (period: Period, charge: Charge) => void,
  { onProgress }: SampleOptions,
  progress: { rows: number },
): Generator<string> {
  let text = `${layout.join(',')}\n`
  for (const period of periods) {
    for (const charge of chargesOf(period)) {
      onCharge(period, charge)
      text += charge.text
      if (++progress.rows % 1000 > 0) continue
      yield text
      text = ''
      onProgress?.(progress.rows)
    }
  }
  yield text
}

async function write(path: string, text: Iterable<string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const source = Readable.from(text, { objectMode: true, highWaterMark: 4 })
  const gzip: Transform[] = path.endsWith('.gz') ? [createGzip({ level: 1, chunkSize: 256 * 1024 })] : []
  await pipeline([source, ...gzip, createWriteStream(path)])
}

function add(tally: Tally | undefined, { costs }: Charge): void {
  if (!tally) throw new RangeError('A charge belongs to an account that is not planned')
  tally.rows++
  tally.billed += costs.billed
  tally.effective += costs.effective
  tally.list += costs.list
  tally.contracted += costs.contracted
}

function totalOf({ account: { fields } }: Plan, tally: Tally | undefined): SampleTotal {
  const text = (value: bigint | undefined) => Money.format(value ?? 0n, Money.costScale)
  return {
    provider: fields.ProviderName,
    billingAccountId: fields.BillingAccountId,
    currency: fields.BillingCurrency,
    rows: tally?.rows ?? 0,
    billed: text(tally?.billed),
    effective: text(tally?.effective),
    list: text(tally?.list),
    contracted: text(tally?.contracted),
  }
}
