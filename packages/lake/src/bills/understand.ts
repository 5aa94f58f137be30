import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { Limits, Partition, type SourceFile } from '@cloudoptima/core'
import { keysOf } from '@cloudoptima/providers'
import { type Database, literal } from '../database.ts'
import { inLanes } from '../lanes.ts'
import { type Bill, type Control, controlKey } from './bill.ts'
import { holdsNothing } from './inspect.ts'
import { refuseDuplicates } from './duplicates.ts'
import { readAgain, readBill } from './read-bill.ts'
import { refusal } from './refusal.ts'
import { refuseRuns } from './runs.ts'
import { resolveSets } from './sets.ts'
import { unpack } from './unpack.ts'

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
  // Exports write parts of 0 bytes beside full ones.
  const isEmpty = await Promise.all(unpacked.map(async ({ file }) => await holdsNothing(file)))
  const full = isEmpty.every(Boolean) ? unpacked : unpacked.filter((_, index) => !isEmpty[index])
  const found = new Map<number, Bill>()
  await inLanes(database, lanes, full, async (connection, { file, origin }, index) => {
    const rewriteTo = join(workDir, `rewritten-${index}.csv`)
    const bill = await readBill(connection, file, { origin, rewriteTo, limits })
    found.set(index, bill)
  })
  const bills = full.flatMap((_, index) => found.get(index) ?? [])
  await settle(database.connection, bills)
  return bills
}

/** Decides readings that need all files of the delivery, and refuses a delivery that would count a row twice. */
async function settle(connection: DuckDBConnection, bills: Bill[]): Promise<void> {
  for (const bill of bills) if (bill.undecided) await decideBySiblings(connection, bill, bills)
  if (bills.every(({ control }) => control.length === 0))
    throw refusal(bills[0]?.source.name ?? 'the delivery', 'the file has a header and no rows')
  const before = bills.map(({ format }) => format)
  await resolveSets(connection, bills)
  for (const [index, bill] of bills.entries()) if (bill.format !== before[index]) await readAgain(connection, bill)
  const net = countNet(bills)
  await setVariables(connection, { paired: [], net })
  refuseRuns(bills)
  await refuseDuplicates(connection, bills)
  for (const bill of bills) bill.paired = pairedPeriods(bill, bills)
  refuseTwoSources(bills)
}

/** The variables of the mappings. */
export async function setVariables(
  connection: DuckDBConnection,
  variables: Pick<Bill, 'paired' | 'net'>,
): Promise<void> {
  for (const name of ['paired', 'net'] as const)
    await connection.run(`SET VARIABLE ${name} = [${variables[name].map(literal).join(', ')}]::VARCHAR[]`)
}

/** Takes the net totals of all parts of a bill if one of them has net costs. Returns these bills. */
function countNet(bills: readonly Bill[]): string[] {
  const rows = bills.flatMap(({ control }) => control)
  const net = new Set(rows.filter(({ has_net }) => has_net).map(monthOf))
  for (const row of rows) if (net.has(monthOf(row))) row.total = row.net_total ?? row.total
  for (const bill of bills) bill.net = [...net]
  return [...net]
}

const monthOf = ({ billing_account_id, period }: Control): string => `${billing_account_id}/${period}`

async function decideBySiblings(connection: DuckDBConnection, bill: Bill, bills: readonly Bill[]): Promise<void> {
  const { undecided } = bill
  if (!undecided) return
  const siblings = bills.filter(({ source }) => source.headers.join() === bill.source.headers.join())
  const decided = new Set(siblings.flatMap(({ reading }) => reading[undecided.aspect] ?? []))
  const [first, ...more] = decided
  if (first === undefined || more.length > 0) throw undecided
  bill.reading = { ...bill.reading, [undecided.aspect]: first }
  delete bill.undecided
  await readAgain(connection, bill)
}

/** Throws Fault `invalid` for the same bill in two formats, or of two exports, which would count it twice. */
function refuseTwoSources(bills: readonly Bill[]): void {
  const first = new Map<string, Bill>()
  for (const bill of bills) {
    for (const key of new Set(bill.control.map(controlKey))) {
      const other = first.get(key) ?? bill
      if (!first.has(key) || exportOf(other) === undefined) first.set(key, bill)
      const [ours, theirs] = [bill, other].map(exportOf)
      const isOtherExport = ours !== undefined && theirs !== undefined && ours !== theirs
      if (!isOtherExport && (other.format.id === bill.format.id || other.format.pairedWith === bill.format.id)) continue
      const { provider, billingAccountId, period } = Partition.parse(key)
      const difference = isOtherExport
        ? `from another export (${ours}, ${theirs})`
        : `in another format (${bill.format.title}, ${other.format.title})`
      const reason =
        `it is a bill of ${provider} account ${billingAccountId} for ${period}, and so is ${other.source.name}, ` +
        `${difference}: together they would count it twice`
      throw refusal(bill.source.name, reason)
    }
  }
}

/** JSON lines may lack fields without values. */
function exportOf({ format, source }: Bill): string | undefined {
  return format.exportOf?.(source.name, source.kind === 'json' ? undefined : keysOf(source.headers))
}

function pairedPeriods(bill: Bill, bills: Bill[]): string[] {
  const halves = new Set(
    bills
      .filter((other) => other.format.id === bill.format.pairedWith)
      .flatMap((other) => other.control.map(controlKey)),
  )
  return bill.control.filter((control) => halves.has(controlKey(control))).map(monthOf)
}
