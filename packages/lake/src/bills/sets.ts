import type { DuckDBConnection } from '@duckdb/node-api'
import { type Format, formats } from '@cloudoptima/providers'
import { rows } from '../database.ts'
import { selectSource } from './select.ts'
import type { Reading, Source } from './source.ts'

/** A file of a delivery whose format was recognised from this file alone. */
export interface Recognised {
  source: Source
  format: Format
  reading: Reading
}

/**
 * Azure's actual and amortized sets have the same headers, and without commitments the same rows. Such a file is recognized by the other files of its account and
 * period: if it has the charges of another file it is the other set, otherwise one more part of the same set. Without this, a pair of an account without commitments
 * would be counted twice.
 */
export async function resolveSets<Bill extends Recognised>(
  connection: DuckDBConnection,
  bills: readonly Bill[],
  isSamePartition: (a: Bill, b: Bill) => boolean,
): Promise<void> {
  const candidates = bills.filter(({ format }) => format.proof !== undefined && format.chargeKeys !== undefined)
  if (candidates.length < 2) return
  const resolved: Bill[] = []
  const unresolved: Bill[] = []
  for (const bill of candidates) {
    await view(connection, bill)
    const [proof = {}] = await rows<Record<string, boolean>>(connection, bill.format.proof ?? '')
    ;(Object.values(proof)[0] === true ? resolved : unresolved).push(bill)
  }
  if (unresolved.length === 0) return
  const isTwin = await compareCharges(connection, candidates)
  for (const bill of unresolved) {
    const neighbours = resolved.filter((other) => isSamePartition(other, bill))
    const twin = neighbours.find((other) => isTwin(bill, other))
    bill.format =
      (twin ? formats.find(({ id }) => id === twin.format.pairedWith) : neighbours[0]?.format) ?? bill.format
    resolved.push(bill)
  }
}

/** Answers whether most charges of one file are in another. Each file is read once. */
async function compareCharges<Bill extends Recognised>(
  connection: DuckDBConnection,
  bills: readonly Bill[],
): Promise<(bill: Bill, other: Bill) => boolean> {
  await connection.run('CREATE OR REPLACE TEMP TABLE charge_keys (file INTEGER, charge UBIGINT)')
  for (const [index, bill] of bills.entries()) {
    await view(connection, bill)
    await connection.run(`INSERT INTO charge_keys SELECT ${index}, charge FROM (${bill.format.chargeKeys ?? ''})`)
  }
  const found = await rows<{ file: number; other: number; shared: string }>(
    connection,
    'SELECT a.file AS file, b.file AS other, count(*) AS shared FROM charge_keys AS a JOIN charge_keys AS b USING (charge) GROUP BY ALL',
  )
  await connection.run('DROP TABLE charge_keys')
  const shared = new Map(found.map(({ file, other, shared }) => [`${file} ${other}`, Number(shared)]))
  return (bill, other) => {
    const [i, j] = [bills.indexOf(bill), bills.indexOf(other)]
    return 2 * (shared.get(`${i} ${j}`) ?? 0) > (shared.get(`${i} ${i}`) ?? 0)
  }
}

async function view(connection: DuckDBConnection, { source, format, reading }: Recognised): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
}
