import type { DuckDBConnection } from '@duckdb/node-api'
import { type Fault, Money, Partition } from '@cloudoptima/core'
import { type Column, mandatory } from '@cloudoptima/providers'
import { identifier, parquet, plain, rows } from './database.ts'
import type { Bill, Control } from './bills/bill.ts'
import { Unclear } from './bills/decide.ts'
import { firstRow, headerOf } from './bills/first-row.ts'
import { lineOfRow, refusal } from './bills/refusal.ts'
import { selectSource } from './bills/select.ts'

interface Violation {
  column: string
  predicate: string
  reason: string
}

/** Predicates over lake columns that no row may fulfil. */
const violations: Violation[] = [
  ...mandatory.map((column) => ({ column, predicate: `${column} IS NULL`, reason: 'a mandatory value is missing' })),
  {
    // The first public cloud began in 2006. Another year is of another calendar, or a day that was read as a year.
    column: 'BillingPeriodStart',
    predicate: 'year(BillingPeriodStart) NOT BETWEEN 2006 AND 2099',
    reason: 'the billing period is before 2006 or after 2099: export dates as 2024-09-30',
  },
  {
    column: 'BillingPeriodEnd',
    predicate: 'BillingPeriodEnd <= BillingPeriodStart',
    reason: 'the billing period ends before it begins',
  },
  {
    column: 'BillingPeriodEnd',
    predicate: 'BillingPeriodEnd < BillingPeriodStart + INTERVAL 7 DAY',
    reason: 'the billing period is shorter than a week',
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
  ...['BillingAccountId', 'SubAccountId'].map((column) => ({
    column,
    predicate: `regexp_full_match(${column}, '\\d([.,]\\d+)?[eE]\\+?\\d+')`,
    reason: 'a spreadsheet rounded the id: export the bill again, and do not save it in a spreadsheet',
  })),
  {
    column: 'ChargePeriodEnd',
    predicate: 'ChargePeriodEnd < ChargePeriodStart',
    reason: 'the charge period ends before it begins',
  },
  {
    // One day of tolerance, because providers cut bills at midnight of their own zone. Fees may be paid in advance.
    column: 'ChargePeriodStart',
    predicate: `ChargeCategory = 'Usage' AND ChargeFrequency IS DISTINCT FROM 'Recurring'
      AND ChargePeriodStart >= BillingPeriodEnd + INTERVAL 1 DAY`,
    reason: 'the charge begins after its billing period has ended: the row is outside every period',
  },
  {
    // Corrections and credits have the period of the charge that they correct.
    column: 'ChargePeriodStart',
    predicate: `ChargeCategory = 'Usage' AND BilledCost > 0 AND ChargeClass IS DISTINCT FROM 'Correction'
      AND ChargePeriodEnd < BillingPeriodStart - INTERVAL 13 MONTH`,
    reason:
      'the charge lies more than a year before its billing period and is no correction: ' +
      'the row is outside every period',
  },
]

/**
 * Throws the refusal of the first row that breaks a rule, and proves for each partition that the sum and the number of
 * the staged rows equal those of the bill.
 */
export async function check(connection: DuckDBConnection, bill: Bill): Promise<void> {
  const { format, staged } = bill
  const broken = violations.map(({ predicate }, i) => `count(*) FILTER (WHERE ${predicate}) AS v${i}`)
  const cost = format.control.includes(`'effective' AS metric`) ? 'EffectiveCost' : 'BilledCost'
  const found = await rows<Record<string, string> & StagedSum>(
    connection,
    `SELECT ServiceProviderName AS provider, BillingAccountId AS billing_account_id,
       bill_month(BillingPeriodStart) AS period, BillingCurrency AS currency, CAST(sum(${cost}) AS VARCHAR) AS total,
       CAST(count(*) FILTER ((${format.adds ?? 'false'}) IS NOT TRUE) AS VARCHAR) AS rows, ${broken.join(', ')}
     FROM ${parquet(staged)} GROUP BY ALL`,
  )
  const rule = violations.find((_, i) => found.some((sums) => sums[`v${i}`] !== '0'))
  if (rule)
    throw new Unclear(
      async () => (await missingInSource(connection, bill)) ?? (await locate(connection, bill, rule)),
      false,
    )
  const [expected, actual] = [expectedOf(bill), sumsOf(found)]
  for (const key of expected.keys())
    if (expected.get(key) !== actual.get(key)) throw await lossOf(connection, bill, key)
  for (const key of actual.keys()) if (!expected.has(key)) throw await lossOf(connection, bill, key)
}

type StagedSum = Pick<Control, 'provider' | 'billing_account_id' | 'period' | 'currency' | 'total' | 'rows'>

/** Total and rows of each partition and currency, as one text to compare. */
function sumsOf(sums: readonly StagedSum[]): Map<string, string> {
  const byKey = Map.groupBy(
    sums,
    ({ provider, billing_account_id, period, currency }) =>
      `${Partition.key({ provider, billingAccountId: billing_account_id, period })} ${currency}`,
  )
  return new Map(
    [...byKey].flatMap(([key, parts]) => {
      const count = parts.reduce((sum, { rows }) => sum + Number(rows), 0)
      const total = Money.sum(parts.map(({ total }) => Money.parse(plain(total))))
      return count === 0 && total.eq(0) ? [] : [[key, `${count} rows, ${Money.plain(total)}`] as const]
    }),
  )
}

function expectedOf({ control, paired, format }: Bill): Map<string, string> {
  const isPartial = (row: Control): boolean =>
    format.id === 'azure-actual' && paired.includes(`${row.billing_account_id}/${row.period}`)
  return sumsOf(
    control.map((row) =>
      isPartial(row) ? { ...row, total: row.purchase_total ?? '0', rows: row.purchase_rows ?? '0' } : row,
    ),
  )
}

/** The refusal of the first row of the bill that was not staged; an error of the product if all were. */
async function lossOf(connection: DuckDBConnection, bill: Bill, key: string): Promise<Error> {
  const { source, format, reading } = bill
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE numbered AS ${selectSource(source, format, { ...reading, numbered: true })}`,
  )
  await connection.run('CREATE OR REPLACE TEMP VIEW source AS SELECT * FROM numbered')
  const [first] = await rows<{ row: string | null }>(
    connection,
    `SELECT CAST(min(x_SourceRow) AS VARCHAR) AS row FROM source
     WHERE (${format.leavesOut ?? 'false'}) IS NOT TRUE
       AND x_SourceRow NOT IN (SELECT x_SourceRow FROM (${format.mapping}) WHERE x_SourceRow IS NOT NULL)`,
  )
  await connection.run('DROP TABLE numbered')
  if (first?.row == null || bill.paired.length > 0)
    return new Error(`${source.name}: the staged rows of ${key} differ from the bill`)
  return refusal(source.name, 'the row would be lost', { line: await lineOfRow(source, Number(first.row)) })
}

/** The macros that read text; NULL for a text that they do not understand. */
const macros: Partial<Record<Column['type'], string>> = { time: 'bill_time', month: 'gcp_month' }

/** The refusal in the bill's own terms, if a column of the bill is the cause. */
export async function missingInSource(
  connection: DuckDBConnection,
  { source, format, reading }: Bill,
): Promise<Fault | undefined> {
  for (const [name, column] of Object.entries(format.columns)) {
    const macro = macros[column.type]
    if (!column.notNull && macro === undefined) continue
    const value = identifier(name)
    const isMissing = column.notNull ? `${value} IS NULL` : 'false'
    const isUnreadable = macro === undefined ? 'false' : `(${value} IS NOT NULL AND ${macro}(${value}) IS NULL)`
    const select = selectSource(source, format, { ...reading, numbered: true })
    const first = await firstRow(connection, select, { predicate: `${isMissing} OR ${isUnreadable}`, value })
    if (!first) continue
    const reason =
      first.value === null
        ? 'a mandatory value is missing'
        : `${JSON.stringify(first.value)} is no ${column.type === 'month' ? 'month' : 'date'} that can be understood`
    return refusal(source.name, reason, {
      line: await lineOfRow(source, first.row),
      column: headerOf(source, format, name),
    })
  }
  return undefined
}

/** The refusal of the first row whose lake columns fulfil a predicate. */
export async function locate(
  connection: DuckDBConnection,
  { source, format, reading }: Bill,
  { column, predicate, reason }: Violation,
): Promise<Fault> {
  await connection.run(
    `CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, { ...reading, numbered: true })}`,
  )
  const first = await firstRow(connection, format.mapping, { predicate, value: identifier(column) })
  return refusal(source.name, reason, { line: first && (await lineOfRow(source, first.row)), column })
}
