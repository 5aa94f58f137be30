import { dirname } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type Format, formats } from '@cloudoptima/providers'
import { rows } from '../database.ts'
import { type Bill, sharesPartition } from './bill.ts'
import { refusal } from './refusal.ts'
import { selectSource } from './select.ts'

/**
 * Azure's actual and amortized sets have the same headers, and without commitments the same rows. Such a file is
 * recognized by its path, by a file with the same charges (it is of the other set), and by the files beside it. Without
 * this, a pair would be counted twice. Throws Fault `invalid` if both sets are there and nothing tells.
 */
export async function resolveSets(connection: DuckDBConnection, bills: readonly Bill[]): Promise<void> {
  const candidates = bills.filter(({ format }) => format.proof !== undefined && format.chargeKeys !== undefined)
  if (candidates.length < 2) return
  const resolved: Bill[] = []
  for (const bill of candidates) if (await isKnown(connection, bill)) resolved.push(bill)
  const unresolved = candidates.filter((bill) => !resolved.includes(bill))
  if (unresolved.length === 0) return
  const isTwin = await compareCharges(connection, candidates)
  for (const bill of unresolved) {
    const sameBill = resolved.filter((other) => sharesPartition(other, bill))
    const twin = sameBill.find((other) => isTwin(bill, other))
    const beside = sameBill.filter(({ source }) => dirname(source.name) === dirname(bill.source.name))
    const [format, other] = new Set((beside.length > 0 ? beside : sameBill).map(({ format }) => format))
    if (twin) bill.format = formatWith(twin.format.pairedWith) ?? bill.format
    else if (format !== undefined && other === undefined) bill.format = format
    // Of two files with the same charges, either is the one set: their union is the same.
    else if (other !== undefined && !unresolved.some((later) => later !== bill && isTwin(bill, later)))
      throw refusal(
        bill.source.name,
        'it is of the actual or of the amortized set, and nothing tells which: ' +
          'put each set in a folder of its own, named actual and amortized',
      )
    bill.isInferred = true
    resolved.push(bill)
  }
}

const formatWith = (id: string | undefined): Format | undefined => formats.find((format) => format.id === id)

/** Whether the rows of a file, or else its path, tell its set. */
async function isKnown(connection: DuckDBConnection, bill: Bill): Promise<boolean> {
  await view(connection, bill)
  const [proof = {}] = await rows<Record<string, boolean>>(connection, bill.format.proof ?? '')
  if (Object.values(proof)[0] === true) return true
  const named = bill.source.name.match(/actual|amorti[sz]ed/gi)?.at(-1)
  if (named === undefined) return false
  bill.format = formatWith(/actual/i.test(named) ? 'azure-actual' : 'azure-amortized') ?? bill.format
  return true
}

/** Compares files by their charges: true if most charges of one file are in the other. Each file is read once. */
async function compareCharges(
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
    `SELECT a.file AS file, b.file AS other, count(*) AS shared
     FROM charge_keys AS a JOIN charge_keys AS b USING (charge) GROUP BY ALL`,
  )
  await connection.run('DROP TABLE charge_keys')
  const shared = new Map(found.map(({ file, other, shared }) => [`${file} ${other}`, Number(shared)]))
  return (bill, other) => {
    const [i, j] = [bills.indexOf(bill), bills.indexOf(other)]
    return 2 * (shared.get(`${i} ${j}`) ?? 0) > (shared.get(`${i} ${i}`) ?? 0)
  }
}

async function view(connection: DuckDBConnection, { source, format, reading }: Bill): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
}
