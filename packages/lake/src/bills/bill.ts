import type { DuckDBConnection } from '@duckdb/node-api'
import { type ControlMetric, Partition, type SourceFile } from '@cloudoptima/core'
import type { Format } from '@cloudoptima/providers'
import { type Database, rows } from '../database.ts'
import { inLanes } from '../lanes.ts'
import { inspect } from './inspect.ts'
import { recognise } from './recognise.ts'
import { fromDuckDb, refusal } from './refusal.ts'
import { resolveSets } from './sets.ts'
import { refuseAmbiguousHeaders, selectSource } from './select.ts'
import type { Reading, Source } from './source.ts'

/** One recognized file of a delivery. */
export interface Bill {
  source: Source
  format: Format
  /** `account/YYYY-MM` of the bills of which the delivery also has the paired format. */
  paired: string[]
  reading: Reading
  control: Control[]
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
}

/** Recognizes the files of a delivery and reads their control totals. */
export async function understand(database: Database, files: SourceFile[], lanes: number): Promise<Bill[]> {
  const found = new Map<number, Bill>()
  await inLanes(
    database,
    lanes,
    files,
    async (connection, file, index) => void found.set(index, await readBill(connection, file)),
  )
  const bills = files.flatMap((_, index) => found.get(index) ?? [])
  await resolveFormats(database.connection, bills)
  for (const bill of bills) bill.paired = pairedPeriods(bill, bills)
  refuseTwoSources(bills)
  return bills
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

async function readBill(connection: DuckDBConnection, file: SourceFile): Promise<Bill> {
  const source = await inspect(connection, file)
  const format = await withSourceRefusals(source, async () => await recognise(connection, source))
  refuseAmbiguousHeaders(source, format)
  const bill: Bill = { source, format, paired: [], reading: {}, control: [], staged: [] }
  bill.control = await withRefusals(bill, async () => await readControl(connection, bill))
  if (bill.control.length === 0) throw refusal(source.name, 'the file has a header and no rows')
  return bill
}

/** Reads a file again if the other files show that it has another format. */
async function resolveFormats(connection: DuckDBConnection, bills: Bill[]): Promise<void> {
  const before = bills.map(({ format }) => format)
  await resolveSets(connection, bills, sharesPartition)
  for (const [index, bill] of bills.entries()) {
    if (bill.format !== before[index])
      bill.control = await withRefusals(bill, async () => await readControl(connection, bill))
  }
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
  const { source, format, reading } = bill
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
  return await rows<Control>(connection, format.control)
}

/** Turns DuckDB's errors about a file's content into refusals. */
async function withSourceRefusals<Result>(source: Source, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    throw fromDuckDb(source, error)?.fault ?? error
  }
}

/** Turns DuckDB's errors about a file's content into refusals. Reads a bill that a spreadsheet saved a second time, leniently. */
export async function withRefusals<Result>(bill: Bill, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    const understood = fromDuckDb(bill.source, error)
    if (!understood) throw error
    if (!understood.isConversion || bill.reading.lenient || bill.source.kind !== 'csv') throw understood.fault
    bill.reading = { lenient: true }
    return await withRefusals(bill, read)
  }
}
