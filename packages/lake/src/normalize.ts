import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import {
  isOfCloud,
  Money,
  type Normalized,
  type NormalizedPartition,
  type NormalizeOptions,
  Partition,
  type Progress,
  type SourceFile,
  type Totals,
} from '@cloudoptima/core'
import { type Format, lakeColumns } from '@cloudoptima/providers'
import { check, checkMoney } from './checks.ts'
import { identifier, literal, open, plain, rows } from './database.ts'
import { type Bill, type Control, controlKey, guarded, understand } from './bill.ts'
import { inLanes, lanesFor } from './lanes.ts'
import { selectSource } from './source.ts'
import { withhold } from './withhold.ts'

/**
 * Rows of a Parquet row group. A thread holds one in memory, uncompressed, before it writes it: seventy columns of DuckDB's own 122,880 rows exceed the
 * memory limit, and spilling them to disk makes an import three times as long.
 */
const rowGroupSize = 30_720

const rollupSql = readFileSync(new URL('./rollup.sql', import.meta.url), 'utf8')

/** The part of {@link Lake} that writes: bill files -> FOCUS Parquet, one set of files for each partition. */
export async function normalize(files: SourceFile[], options: NormalizeOptions & { memoryLimit: string }): Promise<Normalized> {
  const database = await open({ tempDir: options.workDir, memoryLimit: options.memoryLimit })
  try {
    const lanes = await lanesFor(files)
    const bills = await understand(database, files, lanes)
    const meter = createMeter(bills, options.onProgress)
    await inLanes(database, lanes, bills, async (connection, bill, index) => {
      const place = { folder: join(options.workDir, 'staged', String(index)), snapshotId: options.snapshotId }
      await guarded(bill, async () => await stage(connection, bill, { ...place, report: (percent) => meter(index, percent) }))
    })
    return { files: bills.map(describe), partitions: await partitions(database.connection, bills, options) }
  } finally {
    database.close()
  }
}

/** Turns the progress of each file into that of the delivery, by rows. */
function createMeter(bills: readonly Bill[], onProgress: (progress: Progress) => void = () => undefined): (index: number, percent: number) => void {
  const rowsOf = bills.map(rowCount)
  const total = rowsOf.reduce((sum, rows) => sum + rows, 0)
  const done = rowsOf.map(() => 0)
  return (index, percent) => {
    done[index] = ((rowsOf[index] ?? 0) * percent) / 100
    const rows = done.reduce((sum, rows) => sum + rows, 0)
    onProgress({ phase: 'normalize', percent: (100 * rows) / total, rows: Math.round(rows) })
  }
}

function rowCount({ control }: Bill): number {
  return control.reduce((sum, { rows }) => sum + Number(rows), 0)
}

async function stage(
  connection: DuckDBConnection,
  bill: Bill,
  { folder, snapshotId, report }: { folder: string; snapshotId: string; report: (percent: number) => void },
): Promise<void> {
  const { source, format, reading } = bill
  if (reading.lenient) await checkMoney(connection, source, format)
  await mkdir(folder, { recursive: true })
  await connection.run(`SET partitioned_write_flush_threshold = ${rowGroupSize}`)
  await connection.run(`SET VARIABLE paired = [${bill.paired.map(literal).join(', ')}]::VARCHAR[]`)
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
  const partitionCount = new Set(bill.control.map(controlKey)).size
  const ticker = setInterval(() => report(Math.max(0, connection.progress.percentage)), 200)
  try {
    await connection.run(
      copy(
        await lakeSelect(connection, format, snapshotId),
        folder,
        partitionCount > 1 && partitionCount <= writersAtOnce && bill.control.every(hasFolderName),
      ),
    )
  } finally {
    clearInterval(ticker)
  }
  bill.staged = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.parquet')).map((name) => join(folder, name))
  await check(connection, source, format, reading, bill.staged)
  if (partitionCount > writersAtOnce) bill.staged = await split(connection, bill, bill.staged[0] ?? '', folder)
  report(100)
}

/** The mapping, filled up to the lake's columns: what it does not know is NULL. */
async function lakeSelect(connection: DuckDBConnection, format: Format, snapshotId: string): Promise<string> {
  const known = await columnsOf(connection, format)
  const columns = lakeColumns.map(({ name, type }) => `${known.has(name) ? `CAST(${identifier(name)} AS ${type})` : `NULL::${type}`} AS ${identifier(name)}`)
  return `SELECT ${columns.join(', ')}, ${literal(snapshotId)} AS x_Snapshot FROM (${format.mapping})`
}

const mappedColumns = new Map<string, ReadonlySet<string>>()

/** What a format's mapping yields. It is the same for every bill of the format, and planning a mapping takes longer than reading a small bill. */
async function columnsOf(connection: DuckDBConnection, { id, mapping }: Format): Promise<ReadonlySet<string>> {
  const columns =
    mappedColumns.get(id) ?? new Set((await rows<{ column_name: string }>(connection, `DESCRIBE ${mapping}`)).map(({ column_name }) => column_name))
  mappedColumns.set(id, columns)
  return columns
}

/** Names that no folder can have are refused by the checks, which read what was staged. */
function hasFolderName({ provider, billing_account_id }: Control): boolean {
  return [provider, billing_account_id].every((name) => encodeURIComponent(name).length <= 200)
}

// Each partition has a writer with buffers for all columns, in every thread: more of them than this do not fit into memory at once.
const writersAtOnce = 40

/** Cuts one staged file into a file for each partition, one after the other. */
async function split(connection: DuckDBConnection, bill: Bill, whole: string, folder: string): Promise<string[]> {
  const parts: string[] = []
  for (const key of new Set(bill.control.map(controlKey))) {
    const { provider, billingAccountId, period } = Partition.parse(key)
    const path = join(folder, `part-${parts.length}.parquet`)
    const rows = `SELECT * FROM read_parquet(${literal(whole)}) WHERE ServiceProviderName = ${literal(provider)} AND BillingAccountId = ${literal(billingAccountId)} AND strftime(BillingPeriodStart, '%Y-%m') = ${literal(period)}`
    await connection.run(`COPY (${rows}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupSize})`)
    parts.push(path)
  }
  const [before, after] = [await countRows(connection, [whole]), await countRows(connection, parts)]
  if (before !== after) throw new Error(`${bill.source.name}: ${before} rows were staged and ${after} are in the partitions`)
  await rm(whole)
  return parts
}

async function countRows(connection: DuckDBConnection, paths: string[]): Promise<string> {
  const [found] = await rows<{ rows: string }>(connection, `SELECT count(*) AS rows FROM read_parquet([${paths.map(literal).join(', ')}])`)
  return found?.rows ?? '0'
}

function copy(select: string, folder: string, isPartitioned: boolean): string {
  if (!isPartitioned) return `COPY (${select}) TO ${literal(join(folder, 'costs.parquet'))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupSize})`
  const keys = `ServiceProviderName AS p_provider, BillingAccountId AS p_account, strftime(BillingPeriodStart, '%Y-%m') AS p_period`
  return `COPY (SELECT *, ${keys} FROM (${select})) TO ${literal(folder)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupSize}, PARTITION_BY (p_provider, p_account, p_period), OVERWRITE_OR_IGNORE)`
}

function describe(bill: Bill): Normalized['files'][number] {
  const periods = [...new Set(bill.control.map(({ period }) => period))].sort()
  return { name: bill.source.name, format: bill.format.id, rows: rowCount(bill), periods }
}

interface StagedPart {
  filename: string
  provider: string
  billing_account_id: string
  period: string
}

async function partitions(connection: DuckDBConnection, bills: Bill[], { workDir, withhold }: NormalizeOptions): Promise<NormalizedPartition[]> {
  const staged = bills.flatMap((bill) => bill.staged)
  const parts = await rows<StagedPart>(
    connection,
    `SELECT DISTINCT filename, ServiceProviderName AS provider, BillingAccountId AS billing_account_id, strftime(BillingPeriodStart, '%Y-%m') AS period
     FROM read_parquet([${staged.map(literal).join(', ')}], filename = true, hive_partitioning = false) ORDER BY 2, 3, 4, 1`,
  )
  const byPartition = Map.groupBy(parts, ({ provider, billing_account_id, period }) =>
    Partition.key({ provider, billingAccountId: billing_account_id, period }),
  )
  const control = bills.flatMap((bill) => bill.control)
  const result: NormalizedPartition[] = []
  const halves = new Set(bills.filter(({ paired }) => paired.length > 0).flatMap((bill) => bill.control.map(controlKey)))
  for (const [key, files] of byPartition) {
    const folder = join(workDir, 'rollup', createHash('sha256').update(key).digest('hex').slice(0, 32))
    const accountIds = withhold.filter(({ cloud }) => isOfCloud(Partition.parse(key).provider, cloud)).map(({ accountId }) => accountId)
    const summary = await summarize(connection, { key, files: files.map(({ filename }) => filename), accountIds, control, folder })
    if (!halves.has(key)) proveEqual(key, summary)
    result.push({ ...summary, ...origin(bills, key) })
  }
  return result
}

/** What a partition was made from. */
function origin(bills: readonly Bill[], key: string): Pick<NormalizedPartition, 'formats' | 'lacks'> {
  const sources = [...new Set(bills.filter(({ control }) => control.some((row) => controlKey(row) === key)).map(({ format }) => format))]
  const formats = sources.map(({ id }) => id)
  const lacks = sources.map(({ pairedWith }) => pairedWith).find((half) => half !== undefined && !formats.includes(half))
  return { formats, ...(lacks !== undefined && { lacks }) }
}

/** Cost in is cost out, with what is withheld, or nothing is committed. The two halves of a pair speak of different metrics: reconciliation shows them. */
function proveEqual(key: string, { control, totals, withheld = [] }: Pick<NormalizedPartition, 'control' | 'totals' | 'withheld'>): void {
  for (const { currency, metric, total } of control) {
    const parts = [...totals, ...withheld].filter((sums) => sums.currency === currency).map((sums) => Money.parse(sums[metric]))
    const ours = Money.plain(Money.sum(parts))
    if (ours !== total) throw new Error(`${key}: the bill comes to ${total} ${currency} ${metric}, the lake to ${ours}`)
  }
}

const smallBytes = 8 * 1024 * 1024

/** Many small files of a partition become one: readers open each, and the commit names each. */
async function merge(connection: DuckDBConnection, files: string[], target: string): Promise<string[]> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  const small = files.filter((_, index) => (sizes[index] ?? 0) < smallBytes)
  if (small.length <= 8) return files
  const path = join(target, 'costs.parquet')
  await connection.run(
    `COPY (SELECT * FROM read_parquet([${small.map(literal).join(', ')}], hive_partitioning = false)) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupSize})`,
  )
  return [path, ...files.filter((file) => !small.includes(file))]
}

async function summarize(
  connection: DuckDBConnection,
  { key, files: staged, accountIds, control, folder }: { key: string; files: string[]; accountIds: string[]; control: Control[]; folder: string },
): Promise<Omit<NormalizedPartition, 'formats' | 'lacks'>> {
  await mkdir(folder, { recursive: true })
  const { files, withheld } = await withhold(connection, { files: await merge(connection, staged, folder), accountIds, target: folder, rowGroupSize })
  const rollup = join(folder, 'cost_rollup.parquet')
  await connection.run(`CREATE OR REPLACE TEMP VIEW costs AS SELECT * FROM read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false)`)
  await connection.run(`COPY (${rollupSql}) TO ${literal(rollup)} (FORMAT parquet, COMPRESSION zstd)`)
  const sums = await rows<Totals & { rows: string; first: string; last: string }>(
    connection,
    `SELECT BillingCurrency AS currency, CAST(sum(BilledCost) AS VARCHAR) AS billed, CAST(sum(EffectiveCost) AS VARCHAR) AS effective,
       CAST(sum(ListCost) AS VARCHAR) AS list, CAST(sum(ContractedCost) AS VARCHAR) AS contracted,
       CAST(sum(x_Rows) AS VARCHAR) AS rows, CAST(min(ChargeDay) AS VARCHAR) AS first, CAST(max(ChargeDay) AS VARCHAR) AS last
     FROM read_parquet(${literal(rollup)}) GROUP BY ALL ORDER BY 1`,
  )
  return {
    ...Partition.parse(key),
    rows: sums.reduce((sum, { rows }) => sum + Number(rows), 0),
    days: daysOf([...sums, ...withheld]),
    totals: sums.map(({ currency, billed, effective, list, contracted }) => ({
      currency,
      billed: plain(billed),
      effective: plain(effective),
      list: list === null ? null : plain(list),
      contracted: contracted === null ? null : plain(contracted),
    })),
    control: sumControl(control.filter((row) => controlKey(row) === key)),
    ...(withheld.length > 0 && { withheld: withheld.map(({ first: _, last: __, ...sums }) => sums) }),
    costs: files,
    rollup: [rollup],
  }
}

/** Of the whole bill, whatever of it is withheld. */
function daysOf(spans: readonly { first: string; last: string }[]): NormalizedPartition['days'] {
  const [firsts, lasts] = [spans.map(({ first }) => first).toSorted(), spans.map(({ last }) => last).toSorted()]
  return { first: firsts[0] ?? '', last: lasts.at(-1) ?? '' }
}

function sumControl(control: Control[]): NormalizedPartition['control'] {
  return [...Map.groupBy(control, ({ currency, metric }) => `${currency} ${metric}`).values()].map((parts) => ({
    currency: parts[0]?.currency ?? '',
    metric: parts[0]?.metric ?? 'billed',
    total: Money.plain(Money.sum(parts.map(({ total }) => Money.parse(total)))),
    rows: parts.reduce((sum, { rows }) => sum + Number(rows), 0),
  }))
}
