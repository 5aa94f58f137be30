import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { Money, type NormalizedPartition, type NormalizeOptions, Partition, type Totals } from '@cloudoptima/core'
import { type Bill, type Control, controlKey } from './bills/bill.ts'
import { refusal } from './bills/refusal.ts'
import { literal, parquet, plain, rows, storage } from './database.ts'

const rollupSql = readFileSync(new URL('./rollup.sql', import.meta.url), 'utf8')

interface StagedPart {
  filename: string
  provider: string
  billing_account_id: string
  period: string
}

/** Groups the staged files into partitions with roll-ups, and compares their sums with the control totals. */
export async function partitions(
  connection: DuckDBConnection,
  bills: Bill[],
  { workDir }: Pick<NormalizeOptions, 'workDir'>,
): Promise<NormalizedPartition[]> {
  const staged = bills.flatMap((bill) => bill.staged)
  const parts = await rows<StagedPart>(
    connection,
    `SELECT DISTINCT filename, ServiceProviderName AS provider, BillingAccountId AS billing_account_id,
       bill_month(BillingPeriodStart) AS period
     FROM ${parquet(staged)} ORDER BY 2, 3, 4, 1`,
  )
  const byPartition = Map.groupBy(parts, ({ provider, billing_account_id, period }) =>
    Partition.key({ provider, billingAccountId: billing_account_id, period }),
  )
  const control = bills.flatMap((bill) => bill.control)
  const result: NormalizedPartition[] = []
  for (const [key, files] of byPartition) {
    const folder = join(workDir, 'rollup', createHash('sha256').update(key).digest('hex').slice(0, 32))
    const summary = await summarize(connection, { key, files: files.map(({ filename }) => filename), control, folder })
    proveEqual(key, summary, bills)
    result.push({ ...summary, ...origin(bills, key) })
  }
  return result
}

/** The formats of a partition's files. */
function origin(bills: readonly Bill[], key: string): Pick<NormalizedPartition, 'formats' | 'lacks'> {
  const sources = [
    ...new Set(
      bills.filter(({ control }) => control.some((row) => controlKey(row) === key)).map(({ format }) => format),
    ),
  ]
  const formats = sources.map(({ id }) => id)
  const lacks = sources
    .map(({ pairedWith }) => pairedWith)
    .find((half) => half !== undefined && !formats.includes(half))
  return { formats, ...(lacks !== undefined && { lacks }) }
}

/**
 * Throws if the sums differ from the control totals. The billed total of a pair equals that of its actual set only if
 * both sets are complete, which is demanded where the set of a file was inferred.
 */
function proveEqual(
  key: string,
  { control, totals }: Pick<NormalizedPartition, 'control' | 'totals'>,
  bills: readonly Bill[],
): void {
  const own = bills.filter((bill) => bill.control.some((row) => controlKey(row) === key))
  const isPair = new Set(own.map(({ format }) => format.id)).size > 1
  const inferred = own.find(({ isInferred }) => isInferred)
  for (const { currency, metric, total } of control) {
    const ours = totals.find((sums) => sums.currency === currency)?.[metric] ?? '0'
    if (ours === total || (isPair && metric === 'billed' && !inferred)) continue
    if (isPair && inferred)
      throw refusal(
        inferred.source.name,
        `the sets of the pair do not fit together (${metric} ${total} ${currency} in the one set, ${ours} in the ` +
          'union): put each set in a folder of its own, named actual and amortized',
      )
    throw new Error(`${key}: the bill comes to ${total} ${currency} ${metric}, the lake to ${ours}`)
  }
}

const smallBytes = 8 * 1024 * 1024

/** Merges many small files of a partition into one, because readers open each file and the commit names each. */
async function merge(connection: DuckDBConnection, files: string[], target: string): Promise<string[]> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  const small = files.filter((_, index) => (sizes[index] ?? 0) < smallBytes)
  if (small.length <= 8) return files
  const path = join(target, 'costs.parquet')
  await connection.run(`COPY (SELECT * FROM ${parquet(small)}) TO ${literal(path)} (${storage})`)
  return [path, ...files.filter((file) => !small.includes(file))]
}

async function summarize(
  connection: DuckDBConnection,
  { key, files: staged, control, folder }: { key: string; files: string[]; control: Control[]; folder: string },
): Promise<Omit<NormalizedPartition, 'formats' | 'lacks'>> {
  await mkdir(folder, { recursive: true })
  const files = await merge(connection, staged, folder)
  const rollup = join(folder, 'cost_rollup.parquet')
  await connection.run(`CREATE OR REPLACE TEMP VIEW costs AS SELECT * FROM ${parquet(files)}`)
  await connection.run(`COPY (${rollupSql}) TO ${literal(rollup)} (FORMAT parquet, COMPRESSION zstd)`)
  const isUsage = `ChargeCategory = 'Usage' AND strftime(ChargeDay, '%Y-%m') = ${literal(Partition.parse(key).period)}`
  const sums = await rows<Totals & { rows: string; first: string; last: string; usage: string }>(
    connection,
    `SELECT BillingCurrency AS currency, CAST(sum(BilledCost) AS VARCHAR) AS billed,
       CAST(sum(EffectiveCost) AS VARCHAR) AS effective,
       CAST(sum(ListCost) AS VARCHAR) AS list, CAST(sum(ContractedCost) AS VARCHAR) AS contracted,
       CAST(sum(x_Rows) AS VARCHAR) AS rows,
       CAST(min(ChargeDay) AS VARCHAR) AS first, CAST(max(ChargeDay) AS VARCHAR) AS last,
       CAST(coalesce(bit_or(1 << (day(ChargeDay) - 1)) FILTER (${isUsage}), 0) AS VARCHAR) AS usage
     FROM read_parquet(${literal(rollup)}) GROUP BY ALL ORDER BY 1`,
  )
  return {
    ...Partition.parse(key),
    rows: sums.reduce((sum, { rows }) => sum + Number(rows), 0),
    days: daysOf(sums),
    totals: sums.map(({ currency, billed, effective, list, contracted }) => ({
      currency,
      billed: plain(billed),
      effective: plain(effective),
      list: list === null ? null : plain(list),
      contracted: contracted === null ? null : plain(contracted),
    })),
    control: sumControl(control.filter((row) => controlKey(row) === key)),
    files: { costs: files, cost_rollup: [rollup] },
  }
}

function daysOf(sums: readonly { first: string; last: string; usage: string }[]): NormalizedPartition['days'] {
  return {
    first: sums.map(({ first }) => first).toSorted()[0] ?? '',
    last:
      sums
        .map(({ last }) => last)
        .toSorted()
        .at(-1) ?? '',
    usage: sums.reduce((bits, { usage }) => bits | Number(usage), 0),
  }
}

function sumControl(control: Control[]): NormalizedPartition['control'] {
  return [...Map.groupBy(control, ({ currency, metric }) => `${currency} ${metric}`).values()].map((parts) => ({
    currency: parts[0]?.currency ?? '',
    metric: parts[0]?.metric ?? 'billed',
    total: Money.plain(Money.sum(parts.map(({ total }) => Money.parse(total)))),
    rows: parts.reduce((sum, { rows }) => sum + Number(rows), 0),
  }))
}
