import type { DuckDBConnection } from '@duckdb/node-api'
import { type Format, formats } from '@cloudoptima/providers'
import { rows } from './database.ts'
import { type Reading, type Source, selectSource } from './source.ts'

/** A file of a delivery whose format was recognised from this file alone. */
export interface Recognised {
  source: Source
  format: Format
  reading: Reading
}

/**
 * Azure's actual and amortized sets have the same headers, and the same rows where no commitment is involved: such a file can only be told by the other
 * files of its account and period. The same charges as another file make it the other set; else it is one more part of the same set. Without this an
 * account that has no commitments, delivered as a pair, would be counted twice.
 */
export async function settleSets<Bill extends Recognised>(
  connection: DuckDBConnection,
  bills: readonly Bill[],
  isSamePartition: (a: Bill, b: Bill) => boolean,
): Promise<void> {
  const settled: Bill[] = []
  const open: Bill[] = []
  for (const bill of bills.filter(({ format }) => format.proof !== undefined)) {
    const isProven = bills.length === 1 || (await answer(connection, bill.format.proof ?? '', { source: bill }))
    ;(isProven ? settled : open).push(bill)
  }
  for (const bill of open) {
    const neighbours = settled.filter((other) => other.format.sameCharges === bill.format.sameCharges && isSamePartition(other, bill))
    bill.format = (await formatBeside(connection, bill, neighbours)) ?? bill.format
    settled.push(bill)
  }
}

async function formatBeside(connection: DuckDBConnection, bill: Recognised, neighbours: readonly Recognised[]): Promise<Format | undefined> {
  for (const other of neighbours) {
    const isSame = await answer(connection, bill.format.sameCharges ?? '', { source: bill, other })
    if (isSame) return formats.find(({ id }) => id === other.format.pairedWith)
  }
  return neighbours[0]?.format
}

async function answer(connection: DuckDBConnection, question: string, relations: Record<string, Recognised>): Promise<boolean> {
  for (const [name, { source, format, reading }] of Object.entries(relations)) {
    await connection.run(`CREATE OR REPLACE TEMP VIEW ${name} AS ${selectSource(source, format, reading)}`)
  }
  const [row = {}] = await rows<Record<string, boolean>>(connection, question)
  return Object.values(row)[0] === true
}
