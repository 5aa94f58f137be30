import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type ControlMetric, Fault, Limits, Partition, type SourceFile } from '@cloudoptima/core'
import { detect, type Format, formats } from '@cloudoptima/providers'
import { type Database, rows } from '../database.ts'
import { inLanes } from '../lanes.ts'
import { locate, missingInSource } from '../checks.ts'
import { decideMark, decideOrder, hasLocalTimes, Unclear, Undecided } from './decide.ts'
import { refuseDuplicates } from './duplicates.ts'
import { inspect } from './inspect.ts'
import { refuseTooMany } from './limits.ts'
import { recognise } from './recognise.ts'
import { complaintOf, refusal } from './refusal.ts'
import { isRegular } from './regular.ts'
import { rewrite } from './rewrite.ts'
import { refuseRuns } from './runs.ts'
import { resolveSets } from './sets.ts'
import { refuseUnreadableColumns, selectSource, tagKeys } from './select.ts'
import type { Reading, Source } from './source.ts'
import { unpack } from './unpack.ts'

/** One recognized file of a delivery. */
export interface Bill {
  /** The number of the delivered file; an archive holds several. */
  origin: number
  source: Source
  format: Format
  /** Whether the format follows from other files of the delivery and not from this one. */
  isInferred: boolean
  /** `account/YYYY-MM` of the bills of which the delivery also has the paired format. */
  paired: string[]
  reading: Reading
  /** The refusal of a file whose numbers or dates have two readings, unless its siblings tell which. */
  undecided?: Undecided
  control: Control[]
  /** The file that DuckDB reads instead, if the delivered one must be rewritten. */
  rewriteTo: string
  /** The Parquet files of its rows. */
  staged: string[]
}

export interface Control {
  provider: string
  billing_account_id: string
  period: string
  currency: string
  metric: ControlMetric
  total: string
  rows: string
  /** Total and rows of purchases and refunds of commitments: all that is read if the delivery has the paired format. */
  purchase_total?: string
  purchase_rows?: string
}

export interface Reader {
  database: Database
  lanes: number
  workDir: string
  limits?: Limits.Limits | undefined
}

/** Recognizes the files of a delivery and reads their control totals. */
export async function understand(files: SourceFile[], reader: Reader): Promise<Bill[]> {
  const { database, lanes, workDir, limits = Limits.standard } = reader
  const unpacked: { file: SourceFile; origin: number }[] = []
  for (const [origin, file] of files.entries())
    for (const inner of await unpack(file, { folder: join(workDir, `unpacked-${origin}`), limits }))
      unpacked.push({ file: inner, origin })
  const found = new Map<number, Bill>()
  await inLanes(database, lanes, unpacked, async (connection, { file, origin }, index) => {
    const rewriteTo = join(workDir, `rewritten-${index}.csv`)
    const bill = await readBill(connection, file, { origin, rewriteTo, limits })
    found.set(index, bill)
  })
  const bills = unpacked.flatMap((_, index) => found.get(index) ?? [])
  await settle(database.connection, bills)
  return bills
}

/** Decides what only the files together tell, and refuses deliveries that would count something twice. */
async function settle(connection: DuckDBConnection, bills: Bill[]): Promise<void> {
  for (const bill of bills) if (bill.undecided) await decideBySiblings(connection, bill, bills)
  if (bills.every(({ control }) => control.length === 0))
    throw refusal(bills[0]?.source.name ?? 'the delivery', 'the file has a header and no rows')
  const before = bills.map(({ format }) => format)
  await resolveSets(connection, bills, sharesPartition)
  for (const [index, bill] of bills.entries()) if (bill.format !== before[index]) await readAgain(connection, bill)
  await connection.run('SET VARIABLE paired = []::VARCHAR[]')
  refuseRuns(bills, sharesPartition)
  await refuseDuplicates(connection, bills)
  for (const bill of bills) bill.paired = pairedPeriods(bill, bills)
  refuseTwoSources(bills)
}

async function decideBySiblings(connection: DuckDBConnection, bill: Bill, bills: readonly Bill[]): Promise<void> {
  const { undecided } = bill
  if (!undecided) return
  const siblings = bills.filter(({ source }) => source.headers.join() === bill.source.headers.join())
  const decided = new Set(siblings.flatMap(({ reading }) => reading[undecided.aspect] ?? []))
  const [first, ...more] = decided
  if (first === undefined || more.length > 0) throw undecided.fault
  bill.reading = { ...bill.reading, [undecided.aspect]: first }
  delete bill.undecided
  await readAgain(connection, bill)
}

/** Throws Fault `invalid` for the same bill in two formats, which would count it twice. */
function refuseTwoSources(bills: readonly Bill[]): void {
  const first = new Map<string, Bill>()
  for (const bill of bills) {
    for (const key of new Set(bill.control.map(controlKey))) {
      const other = first.get(key) ?? bill
      first.set(key, other)
      if (other.format.id === bill.format.id || other.format.pairedWith === bill.format.id) continue
      const { provider, billingAccountId, period } = Partition.parse(key)
      const reason = `it is a bill of ${provider} account ${billingAccountId} for ${period}, and so is ${other.source.name}, in another format (${bill.format.title}, ${other.format.title}): together they would count it twice`
      throw refusal(bill.source.name, reason)
    }
  }
}

async function readBill(
  connection: DuckDBConnection,
  file: SourceFile,
  { origin, rewriteTo, limits }: { origin: number; rewriteTo: string; limits: Limits.Limits },
): Promise<Bill> {
  const source = await inspect(connection, file, limits)
  refuseLargeHeader(source, limits)
  const bill: Bill = {
    origin,
    source,
    format: formats[0] as Format,
    isInferred: false,
    paired: [],
    reading: {},
    control: [],
    rewriteTo,
    staged: [],
  }
  if (source.kind === 'csv' && (isOdd(source) || !(await isRegular(source)))) await rewriteBill(bill)
  try {
    await withRefusals(connection, bill, async () => {
      bill.format = await recognise(connection, bill.source)
      refuseUnreadableColumns(bill.source, bill.format)
      bill.control = await readControl(connection, bill)
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

/** Refuses a header with more columns than a bill has. */
function refuseLargeHeader({ name, headers }: Source, limits: Limits.Limits): void {
  const tags = tagsOf(headers).size
  refuseTooMany(name, 'tag columns', tags, limits.tagColumns)
  refuseTooMany(name, 'columns', headers.length - tags, limits.columns)
}

function tagsOf(headers: readonly string[]): Map<number, string> {
  const [format] = detect(headers)
  return format ? tagKeys(headers, format) : new Map<number, string>()
}

// DuckDB reads every column of a CSV in vectors of their own: thousands of them do not fit memory.
const mostTagColumns = 200

function isOdd({ headers, dialect }: Source): boolean {
  return dialect.encoding !== 'utf-8' || dialect.hasSeparatorLine || tagsOf(headers).size > mostTagColumns
}

async function rewriteBill(bill: Bill): Promise<void> {
  const tags = tagsOf(bill.source.headers)
  bill.source = await rewrite(bill.source, bill.rewriteTo, tags.size > mostTagColumns ? tags : new Map())
}

async function readAgain(connection: DuckDBConnection, bill: Bill): Promise<void> {
  bill.control = await withRefusals(connection, bill, async () => await readControl(connection, bill))
}

function pairedPeriods(bill: Bill, bills: Bill[]): string[] {
  const halves = new Set(
    bills
      .filter((other) => other.format.id === bill.format.pairedWith)
      .flatMap((other) => other.control.map(controlKey)),
  )
  return bill.control
    .filter((control) => halves.has(controlKey(control)))
    .map(({ billing_account_id, period }) => `${billing_account_id}/${period}`)
}

/** Whether two bills have a partition in common. */
export function sharesPartition(a: Bill, b: Bill): boolean {
  const of = (bill: Bill): Set<string> => new Set(bill.control.map(controlKey))
  return !of(a).isDisjointFrom(of(b))
}

/** The key of the partition of a control total. */
export function controlKey({ provider, billing_account_id, period }: Control): string {
  return Partition.key({ provider, billingAccountId: billing_account_id, period })
}

/** Reads the control totals of a bill, apart from the mapping, so that both can be compared. */
async function readControl(connection: DuckDBConnection, bill: Bill): Promise<Control[]> {
  const { source, format } = bill
  const view = async (): Promise<unknown> =>
    await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, bill.reading)}`)
  // Where lists are separated by semicolons, a comma is the decimal mark and a dot may group thousands.
  if (bill.reading.mark === undefined && ';\t'.includes(source.dialect.delimiter))
    await decide(connection, bill, 'mark')
  await view()
  if (bill.reading.order === undefined && (await hasLocalTimes(connection, format))) {
    await decide(connection, bill, 'order')
    await view()
  }
  const control = await rows<Control>(connection, format.control)
  const isWhole = control.every((row) =>
    [row.provider, row.billing_account_id, row.period, row.currency].every(Boolean),
  )
  if (!isWhole) throw new Unclear(async () => await firstMissing(connection, bill), true)
  return control
}

/** Decides the decimal mark or the order of dates of a file. Throws Undecided, or Fault `invalid`. */
async function decide(connection: DuckDBConnection, bill: Bill, aspect: 'mark' | 'order'): Promise<void> {
  const decided = aspect === 'mark' ? await decideMark(connection, bill) : await decideOrder(connection, bill)
  bill.reading = { ...bill.reading, [aspect]: decided }
}

/**
 * Reads a bill, and reads it again with what an error teaches: a CSV that DuckDB misreads is rewritten, numbers and dates
 * of a spreadsheet are decided for the whole file. Throws Fault `invalid` if nothing is left to learn.
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
    if (reading.order === undefined && (await hasLocalTimes(connection, bill.format, 'all')))
      return await decide(connection, bill, 'order')
    if (error.mayBeEmptyRows && isOriginal) return await rewriteBill(bill)
    throw await error.explain()
  }
  if (error instanceof Fault) throw error
  const complaint = complaintOf(source, error)
  if (complaint === 'structure' && isOriginal) return await rewriteBill(bill)
  if (complaint === 'numbers' && reading.mark === undefined) return await decide(connection, bill, 'mark')
  throw complaint instanceof Fault ? complaint : error
}

async function firstMissing(connection: DuckDBConnection, bill: Bill): Promise<Fault> {
  return (
    (await missingInSource(connection, bill)) ??
    (await locate(connection, bill, {
      column: 'BillingAccountId',
      predicate: ['ServiceProviderName', 'BillingAccountId', 'BillingPeriodStart', 'BillingCurrency']
        .map((column) => `${column} IS NULL`)
        .join(' OR '),
      reason: 'the row belongs to no account, period or currency',
    }))
  )
}
