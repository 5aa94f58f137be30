import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault } from '@cloudoptima/core'
import { rows } from '../database.ts'
import type { Bill } from './bill.ts'
import { selectSource } from './select.ts'

/**
 * Throws Fault `invalid` for two files with the same rows, whatever their order, names and packing. Only files with
 * equal control totals are compared.
 */
export async function refuseDuplicates(connection: DuckDBConnection, bills: readonly Bill[]): Promise<void> {
  const alike = Map.groupBy(
    bills.filter(({ control }) => control.length > 0),
    ({ format, control }) =>
      `${format.id} ${control
        .map((row) => JSON.stringify(row))
        .toSorted()
        .join()}`,
  )
  for (const group of alike.values()) {
    if (group.length < 2) continue
    const names = new Map<string, string>()
    for (const bill of group) {
      const content = await contentOf(connection, bill)
      const first = names.get(content)
      if (first !== undefined) {
        const message =
          `${bill.source.name} and ${first} are the same file: ` +
          'the delivery would count it twice. Remove one of them.'
        throw new Fault('invalid', message, [{ path: bill.source.name, message: `the same as ${first}` }])
      }
      names.set(content, bill.source.name)
    }
  }
}

/** A hash of all rows as the lake would store them, independent of their order. */
async function contentOf(connection: DuckDBConnection, { source, format, reading }: Bill): Promise<string> {
  await connection.run(`CREATE OR REPLACE TEMP VIEW source AS ${selectSource(source, format, reading)}`)
  const [found] = await rows<{ content: string }>(
    connection,
    `SELECT CAST(sum(CAST(hash(lake) AS HUGEINT)) AS VARCHAR) AS content FROM (${format.mapping}) AS lake`,
  )
  return found?.content ?? ''
}
