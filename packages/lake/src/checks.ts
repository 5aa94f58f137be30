import type { DuckDBConnection } from '@duckdb/node-api'
import type { Fault } from '@cloudoptima/core'
import { type Format, mandatory, positionsOf } from '@cloudoptima/providers'
import { identifier, literal, rows } from './database.ts'
import { lineOfRow, refusal } from './bills/refusal.ts'
import { selectSource } from './bills/select.ts'
import type { Reading, Source } from './bills/source.ts'

/** Predicates over lake columns that no row may fulfil. */
const violations: { column: string; predicate: string; reason: string }[] = [
  ...mandatory.map((column) => ({ column, predicate: `${column} IS NULL`, reason: 'a mandatory value is missing' })),
  {
    column: 'BillingPeriodEnd',
    predicate: 'BillingPeriodEnd <= BillingPeriodStart',
    reason: 'the billing period ends before it begins',
  },
  {
    column: 'BillingPeriodEnd',
    predicate: 'BillingPeriodEnd < BillingPeriodStart + INTERVAL 7 DAY',
    reason: 'the billing period is shorter than a week: dates such as 01/09/2024 are read with the month first',
  },
  // A partition is a folder of the lake, and a folder name has at most 255 bytes.
  ...['ServiceProviderName', 'BillingAccountId'].map((column) => ({
    column,
    predicate: `strlen(url_encode(${column})) > 200`,
    reason: 'the name is longer than the lake can keep (200 bytes)',
  })),
  // `.` and `..` would lead out of the organization's folder.
  ...['ServiceProviderName', 'BillingAccountId'].map((column) => ({
    column,
    predicate: `${column} IN ('', '.', '..')`,
    reason: 'the name is one that no folder of the lake can have',
  })),
  {
    column: 'ChargePeriodEnd',
    predicate: 'ChargePeriodEnd < ChargePeriodStart',
    reason: 'the charge period ends before it begins',
  },
  {
    // One day of tolerance, because providers cut bills at midnight of their own time zone. Purchases may begin after they are billed.
    column: 'ChargePeriodStart',
    predicate: `ChargeCategory <> 'Purchase' AND ChargePeriodStart >= BillingPeriodEnd + INTERVAL 1 DAY`,
    reason: 'the charge begins after its billing period has ended: the row is outside every period',
  },
  {
    // Corrections have the charge period of the corrected charge, which may be old.
    column: 'ChargePeriodStart',
    predicate: `ChargeClass IS DISTINCT FROM 'Correction' AND ChargePeriodEnd < BillingPeriodStart - INTERVAL 13 MONTH`,
    reason:
      'the charge lies more than a year before its billing period and is no correction: the row is outside every period',
  },
]

/** Throws the refusal of the first row that breaks a rule. `staged` are the Parquet files of the source. */
export async function check(
  connection: DuckDBConnection,
  source: Source,
  format: Format,
  reading: Reading,
  staged: string[],
): Promise<void> {
  const counts = violations.map(({ predicate }, i) => `count(*) FILTER (WHERE ${predicate}) AS v${i}`)
  const [found = {}] = await rows<Record<string, string>>(
    connection,
    `SELECT ${counts.join(', ')} FROM read_parquet([${staged.map(literal).join(', ')}])`,
  )
  const broken = violations.find((_, i) => found[`v${i}`] !== '0')
  if (broken)
    throw (
      (await missingInSource(connection, source, format, reading)) ??
      (await locate(connection, source, format, reading, broken))
    )
}

/** The refusal in the bill's own terms, if a column of the bill is the cause. */
async function missingInSource(
  connection: DuckDBConnection,
  source: Source,
  format: Format,
  reading: Reading,
): Promise<Fault | undefined> {
  for (const [name, column] of Object.entries(format.columns)) {
    if (!column.notNull && column.type !== 'time') continue
    const value = identifier(name)
    const isMissing = column.notNull ? `${value} IS NULL` : 'false'
    const isUnreadable = column.type === 'time' ? `(${value} IS NOT NULL AND bill_time(${value}) IS NULL)` : 'false'
    const first = await firstRow(
      connection,
      selectSource(source, format, { ...reading, numbered: true }),
      `${isMissing} OR ${isUnreadable}`,
      value,
    )
    if (!first) continue
    const header = headerOf(source, format, name)
    const reason =
      first.value === null
        ? 'a mandatory value is missing'
        : `${JSON.stringify(first.value)} is no date that can be understood`
    return refusal(source.name, reason, { line: await lineOfRow(source, first.row), column: header })
  }
  return undefined
}

/** Refuses costs that are no number, in a bill that a spreadsheet saved. */
export async function checkMoney(connection: DuckDBConnection, source: Source, format: Format): Promise<void> {
  const text = textOnly(format)
  for (const [name, { type }] of Object.entries(format.columns)) {
    if (type !== 'decimal') continue
    const value = identifier(name)
    const first = await firstRow(
      connection,
      selectSource(source, text, { lenient: true, numbered: true }),
      `${value} IS NOT NULL AND bill_money(${value}) IS NULL`,
      value,
    )
    if (first)
      throw refusal(source.name, `${JSON.stringify(first.value)} is no number`, {
        line: await lineOfRow(source, first.row),
        column: headerOf(source, format, name),
      })
  }
}

function textOnly(format: Format): Format {
  return {
    ...format,
    columns: Object.fromEntries(
      Object.entries(format.columns).map(([name, column]) => [name, { ...column, type: 'text' as const }]),
    ),
  }
}

async function locate(
  connection: DuckDBConnection,
  source: Source,
  format: Format,
  reading: Reading,
  broken: (typeof violations)[number],
): Promise<Fault> {
  await connection.run(
    `CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, { ...reading, numbered: true })}`,
  )
  const first = await firstRow(connection, format.mapping, broken.predicate, identifier(broken.column))
  return refusal(source.name, broken.reason, {
    line: first && (await lineOfRow(source, first.row)),
    column: broken.column,
  })
}

async function firstRow(
  connection: DuckDBConnection,
  select: string,
  predicate: string,
  value: string,
): Promise<{ row: number; value: string | null } | undefined> {
  await connection.run('SET preserve_insertion_order = true')
  const sql = `SELECT x_SourceRow AS row, CAST(${value} AS VARCHAR) AS value FROM (${select}) WHERE ${predicate} ORDER BY 1 LIMIT 1`
  const [first] = await rows<{ row: string; value: string | null }>(connection, sql)
  await connection.run('SET preserve_insertion_order = false')
  return first && { row: Number(first.row), value: first.value }
}

function headerOf(source: Source, format: Format, name: string): string {
  const [position = -1] = positionsOf(name, format.columns[name] ?? { type: 'text' }, source.headers)
  return source.headers[position] ?? name
}
