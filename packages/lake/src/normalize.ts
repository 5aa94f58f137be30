import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import {
  type Normalized,
  type NormalizeOptions,
  Partition,
  type Progress,
  Runs,
  type SourceFile,
} from '@cloudoptima/core'
import { type Format, lakeColumns } from '@cloudoptima/providers'
import { check } from './checks.ts'
import { identifier, literal, open, parquet, rowGroupSize, rows, storage } from './database.ts'
import { type Bill, controlKey } from './bills/bill.ts'
import { withRefusals } from './bills/read-bill.ts'
import { refusal } from './bills/refusal.ts'
import { setVariables, understand } from './bills/understand.ts'
import { inLanes, lanesFor } from './lanes.ts'
import { partitions } from './partitions.ts'
import { selectSource } from './bills/select.ts'

/** Maps bill files to FOCUS Parquet, one set of files for each partition. */
export async function normalize(
  files: SourceFile[],
  options: NormalizeOptions & { memoryLimit: string },
): Promise<Normalized> {
  const database = await open({ tempDir: options.workDir, memoryLimit: options.memoryLimit })
  try {
    const { newest, notes } = await Runs.newestRuns(files)
    if (newest.length === 0) throw refusal(files[0]?.name ?? 'the delivery', 'the delivery holds no bill')
    const lanes = await lanesFor(newest)
    const { workDir, snapshotId, limits } = options
    const all = await understand(newest, { database, lanes, workDir, limits })
    // An export writes parts without rows beside full ones.
    const bills = all.filter(({ control }) => control.length > 0)
    const meter = createMeter(bills, options.onProgress)
    await inLanes(database, lanes, bills, async (connection, bill, index) => {
      const place = { folder: join(workDir, 'staged', String(index)), snapshotId }
      await withRefusals(
        connection,
        bill,
        async () => await stage(connection, bill, { ...place, report: (percent) => meter(index, percent) }),
      )
    })
    return {
      files: files.map((file) =>
        describe(
          file,
          all.filter(({ origin }) => newest[origin] === file),
        ),
      ),
      partitions: await partitions(database.connection, bills, options),
      notes: [...notes, ...roundingNotes(bills)],
    }
  } finally {
    database.close()
  }
}

/** Computes the progress of the delivery from the progress of its files, by rows. */
function createMeter(
  bills: readonly Bill[],
  onProgress: (progress: Progress) => void = () => undefined,
): (index: number, percent: number) => void {
  const rowsOf = bills.map(rowCount)
  const total = rowsOf.reduce((sum, rows) => sum + rows, 0)
  const done = rowsOf.map(() => 0)
  return (index, percent) => {
    done[index] = ((rowsOf[index] ?? 0) * percent) / 100
    const rows = done.reduce((sum, rows) => sum + rows, 0)
    onProgress({ phase: 'normalize', percent: (100 * rows) / total, rows: Math.round(rows) })
  }
}

/** The lake's costs have 18 decimals, and bills of binary numbers have more. */
function roundingNotes(bills: readonly Bill[]): string[] {
  const countOf = ({ control }: Bill): number => control.reduce((sum, { rounded }) => sum + Number(rounded), 0)
  const names = bills.filter((bill) => countOf(bill) > 0).map(({ source }) => source.name)
  if (names.length === 0) return []
  const count = bills.reduce((sum, bill) => sum + countOf(bill), 0).toLocaleString('en')
  const more = names.length > 3 ? ` and ${names.length - 3} more files` : ''
  return [`Costs with more than 18 decimals, rounded to 18: ${count}, in ${names.slice(0, 3).join(', ')}${more}.`]
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
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  // Each thread holds this many rows of each partition: half a row group takes 100 MB less, and is as fast.
  await connection.run(`SET partitioned_write_flush_threshold = ${rowGroupSize / 2}`)
  await setVariables(connection, bill)
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
  const keys = [...new Set(bill.control.map(controlKey))]
  const ticker = setInterval(() => report(Math.max(0, connection.progress.percentage)), 200)
  try {
    await connection.run(
      copy(await lakeSelect(connection, format, snapshotId), folder, keys.length <= writersAtOnce ? keys : []),
    )
  } finally {
    clearInterval(ticker)
  }
  bill.staged = (await readdir(folder, { recursive: true }))
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join(folder, name))
  await check(connection, bill)
  if (keys.length > writersAtOnce) bill.staged = await split(connection, bill, bill.staged[0] ?? '', folder)
  report(100)
}

/** The mapping with all columns of the lake: a column that the mapping lacks is NULL. */
async function lakeSelect(connection: DuckDBConnection, format: Format, snapshotId: string): Promise<string> {
  const known = await columnsOf(connection, format)
  const columns = lakeColumns.map(
    ({ name, type }) =>
      `${known.has(name) ? `CAST(${identifier(name)} AS ${type})` : `NULL::${type}`} AS ${identifier(name)}`,
  )
  return `SELECT ${columns.join(', ')}, ${literal(snapshotId)} AS x_Snapshot FROM (${format.mapping})`
}

const mappedColumns = new Map<string, ReadonlySet<string>>()

/** The columns of a format's mapping, cached, because planning it takes longer than reading a small bill. */
async function columnsOf(connection: DuckDBConnection, { id, mapping }: Format): Promise<ReadonlySet<string>> {
  const columns =
    mappedColumns.get(id) ??
    new Set(
      (await rows<{ column_name: string }>(connection, `DESCRIBE ${mapping}`)).map(({ column_name }) => column_name),
    )
  mappedColumns.set(id, columns)
  return columns
}

// Each partition has a writer with buffers for all columns in every thread. More writers than this exceed the memory.
const writersAtOnce = 40

/** Splits a staged file into one file per partition, one after the other. */
async function split(connection: DuckDBConnection, bill: Bill, whole: string, folder: string): Promise<string[]> {
  const parts: string[] = []
  for (const key of new Set(bill.control.map(controlKey))) {
    const { provider, billingAccountId, period } = Partition.parse(key)
    const path = join(folder, `part-${parts.length}.parquet`)
    const rows = `SELECT * FROM ${parquet([whole])} WHERE ServiceProviderName = ${literal(provider)}
      AND BillingAccountId = ${literal(billingAccountId)} AND bill_month(BillingPeriodStart) = ${literal(period)}`
    await connection.run(`COPY (${rows}) TO ${literal(path)} (${storage})`)
    parts.push(path)
  }
  const [before, after] = [await countRows(connection, [whole]), await countRows(connection, parts)]
  if (before !== after)
    throw new Error(`${bill.source.name}: ${before} rows were staged and ${after} are in the partitions`)
  await rm(whole)
  return parts
}

async function countRows(connection: DuckDBConnection, paths: string[]): Promise<string> {
  const [found] = await rows<{ rows: string }>(connection, `SELECT count(*) AS rows FROM ${parquet(paths)}`)
  return found?.rows ?? '0'
}

/** One file for each of several partitions. A small number as partition key costs a tenth less than three texts. */
function copy(select: string, folder: string, keys: readonly string[]): string {
  if (keys.length <= 1) return `COPY (${select}) TO ${literal(join(folder, 'costs.parquet'))} (${storage})`
  const names = keys.map((key) => {
    const { provider, billingAccountId, period } = Partition.parse(key)
    return literal(`${provider}\n${billingAccountId}\n${period}`)
  })
  const name = `ServiceProviderName || '\n' || BillingAccountId || '\n' || bill_month(BillingPeriodStart)`
  const number = `CAST(list_position([${names.join(', ')}], ${name}) AS UTINYINT)`
  const parts = `${storage}, PARTITION_BY (x_Part), OVERWRITE_OR_IGNORE`
  return `COPY (SELECT *, ${number} AS x_Part FROM (${select})) TO ${literal(folder)} (${parts})`
}

function describe({ name }: SourceFile, bills: readonly Bill[]): Normalized['files'][number] {
  const formats = [...new Set(bills.map(({ format }) => format.id))]
  const periods = [...new Set(bills.flatMap(({ control }) => control.map(({ period }) => period)))].sort()
  return {
    name,
    ...(formats.length > 0 && { format: formats.join(', ') }),
    rows: bills.reduce((sum, bill) => sum + rowCount(bill), 0),
    periods,
  }
}
