import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault, type Limits, type SourceFile } from '@cloudoptima/core'
import { detect, type Format, formats } from '@cloudoptima/providers'
import { locate, missingInSource } from '../checks.ts'
import { literal, rows } from '../database.ts'
import type { Bill, Control } from './bill.ts'
import { decideMark, decideOrder, hasLocalTimes, Unclear, Undecided } from './decide.ts'
import { inspect } from './inspect.ts'
import { refuseTooMany } from './limits.ts'
import { recognise } from './recognise.ts'
import { complaintOf, refusal, tooLarge } from './refusal.ts'
import { rewriteJson } from './json-lines.ts'
import { regularity } from './regular.ts'
import { rewrite } from './rewrite.ts'
import { asCsv, csvOf, refuseUnreadableColumns, selectSource, tagKeys } from './select.ts'
import type { Source } from './source.ts'

/** Recognizes a file and reads its control totals. */
export async function readBill(
  connection: DuckDBConnection,
  file: SourceFile,
  { origin, rewriteTo, limits }: { origin: number; rewriteTo: string; limits: Limits.Limits },
): Promise<Bill> {
  const source = await inspect(connection, file, limits)
  refuseHeader(source, limits)
  const bill: Bill = {
    origin,
    source,
    format: formats[0] as Format,
    isInferred: false,
    paired: [],
    net: [],
    reading: {},
    control: [],
    rewriteTo,
    staged: [],
  }
  if (source.kind === 'parquet' && tagsOf(source.headers).size > mostTagColumns)
    bill.source = await asCsv(connection, source, `${rewriteTo}.raw`)
  if (source.kind === 'json') bill.source = await rewriteJson(source, rewriteTo)
  if (bill.source.kind === 'csv') {
    bill.source = { ...bill.source, ...(await regularity(bill.source)) }
    if (isOdd(bill.source) || bill.source.isRegular === false) await rewriteBill(bill)
  }
  try {
    await withRefusals(connection, bill, async () => {
      bill.format = await recognise(connection, bill.source)
      refuseUnreadableColumns(bill.source, bill.format)
      bill.control = await readControl(connection, bill)
      await proveWhole(connection, bill)
    })
  } catch (error) {
    if (!(error instanceof Undecided)) throw error
    bill.undecided = error
  }
  refuseTooMany(
    source.name,
    'rows',
    bill.control.reduce((sum, { rows }) => sum + Number(rows), 0),
    limits.rows,
  )
  return bill
}

/** Refuses a header with more columns than a bill has, or with a tag twice. */
function refuseHeader({ name, headers }: Source, limits: Limits.Limits): void {
  const tags = tagsOf(headers)
  refuseTooMany(name, 'tag columns', tags.size, limits.tagColumns)
  refuseTooMany(name, 'columns', headers.length - tags.size, limits.columns)
  const seen = new Set<string>()
  for (const header of [...tags.keys()].map((position) => headers[position] ?? '')) {
    if (seen.has(header)) throw refusal(name, `the column ${header} appears several times`, { line: 1 })
    seen.add(header)
  }
}

function tagsOf(headers: readonly string[]): Map<number, string> {
  const [format] = detect(headers)
  return format ? tagKeys(headers, format) : new Map<number, string>()
}

// A mapping over thousands of columns does not fit DuckDB's memory.
const mostTagColumns = 200

function isOdd({ headers, dialect }: Source): boolean {
  return dialect.encoding !== 'utf-8' || dialect.hasSeparatorLine || tagsOf(headers).size > mostTagColumns
}

async function rewriteBill(bill: Bill): Promise<void> {
  const tags = tagsOf(bill.source.headers)
  bill.source = await rewrite(bill.source, bill.rewriteTo, tags.size > mostTagColumns ? tags : new Map())
}

/** Reads the control totals of a bill again, in another format or reading. */
export async function readAgain(connection: DuckDBConnection, bill: Bill): Promise<void> {
  bill.control = await withRefusals(connection, bill, async () => await readControl(connection, bill))
}

/** Reads the control totals of a bill, apart from the mapping, so that both can be compared. */
async function readControl(connection: DuckDBConnection, bill: Bill): Promise<Control[]> {
  const { source, format } = bill
  // Where lists are separated by semicolons, a comma is the decimal mark and a dot may group thousands.
  if (bill.reading.mark === undefined && ';\t'.includes(source.dialect.delimiter))
    await decide(connection, bill, 'mark')
  if (bill.reading.order === undefined && (await hasLocalTimes(connection, bill)))
    await decide(connection, bill, 'order')
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, bill.reading)}`)
  const control = await rows<Control>(connection, format.control)
  const isWhole = control.every((row) =>
    [row.provider, row.billing_account_id, row.period, row.currency].every(Boolean),
  )
  if (!isWhole) throw new Unclear(async () => await firstMissing(connection, bill), true)
  const named = control.flatMap(({ currency }) => (iso4217.has(currency) ? [] : currency))
  if (named.length === 0) return control
  const currencies = codesOf(named)
  const unknown = named.find((name) => currencies[name] === undefined)
  if (unknown !== undefined) throw new Unclear(async () => await noCurrency(connection, bill, unknown), false)
  bill.reading = { ...bill.reading, currencies }
  return await readControl(connection, bill)
}

/**
 * If the first row that begins in the last buffer of a CSV has too few or too many fields, DuckDB's parallel reader
 * drops the rest of the file, without an error. One thread throws the error. It reads a file only if its rows are not
 * as many as its lines: some are lost, or some span lines.
 */
async function proveWhole(connection: DuckDBConnection, { source, control }: Bill): Promise<void> {
  if (source.kind !== 'csv' || source.rewritten !== undefined) return
  const rows = control.reduce((sum, { rows }) => sum + Number(rows), 0)
  if (source.lines !== rows + 1) await connection.run(`SELECT count(*) FROM ${csvOf(source, { isSerial: true })}`)
}

/** Decides the decimal mark or the order of dates of a file. Throws Undecided, or Fault `invalid`. */
async function decide(connection: DuckDBConnection, bill: Bill, aspect: 'mark' | 'order'): Promise<void> {
  const decided = aspect === 'mark' ? await decideMark(connection, bill) : await decideOrder(connection, bill)
  bill.reading = { ...bill.reading, [aspect]: decided }
}

/**
 * Reads a bill, and repeats it after each error with a known remedy: a CSV that DuckDB misreads is rewritten; the forms
 * of numbers and dates are decided for the whole file. Throws Fault `invalid` for an error without a remedy.
 */
export async function withRefusals<Result>(
  connection: DuckDBConnection,
  bill: Bill,
  read: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      await learn(connection, bill, error)
    }
  }
}

async function learn(connection: DuckDBConnection, bill: Bill, error: unknown): Promise<void> {
  const { source, reading } = bill
  const isOriginal = source.kind === 'csv' && source.rewritten === undefined
  if (error instanceof Unclear) {
    if (reading.order === undefined && (await hasLocalTimes(connection, bill, 'all')))
      return await decide(connection, bill, 'order')
    if (error.mayBeEmptyRows && isOriginal) return await rewriteBill(bill)
    throw await error.explain()
  }
  if (error instanceof Fault) throw error
  const complaint = complaintOf(source, error)
  if (complaint === 'structure' && isOriginal) return await rewriteBill(bill)
  if (complaint === 'numbers' && reading.mark === undefined) return await decide(connection, bill, 'mark')
  if (complaint === 'numbers') throw tooLarge(source, error)
  throw complaint instanceof Fault ? complaint : error
}

async function noCurrency(connection: DuckDBConnection, bill: Bill, written: string): Promise<Fault> {
  return await locate(connection, bill, {
    column: 'BillingCurrency',
    predicate: `BillingCurrency = ${literal(written)}`,
    reason: `${JSON.stringify(written)} is no currency of ISO 4217: write its code, such as USD`,
  })
}

const iso4217: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** The ISO 4217 code of each name of a currency: `US DOLLAR`, `EUROS`. */
function codesOf(names: readonly string[]): Record<string, string> {
  const titles = new Intl.DisplayNames('en', { type: 'currency' })
  const codes = new Map([...iso4217].map((code) => [titles.of(code)?.toUpperCase(), code]))
  return Object.fromEntries(
    names.flatMap((name) => {
      const code = codes.get(name) ?? codes.get(name.replace(/S$/, ''))
      return code === undefined ? [] : [[name, code]]
    }),
  )
}

async function firstMissing(connection: DuckDBConnection, bill: Bill): Promise<Fault> {
  return (
    (await missingInSource(connection, bill)) ??
    (await locate(connection, bill, {
      column: 'BillingAccountId',
      predicate: ['ServiceProviderName', 'BillingAccountId', 'BillingPeriodStart', 'BillingCurrency']
        .map((column) => `CAST(${column} AS VARCHAR) IS NULL OR CAST(${column} AS VARCHAR) = ''`)
        .join(' OR '),
      reason: 'the row belongs to no account, period or currency',
    }))
  )
}
