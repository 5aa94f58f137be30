import { Fault } from '@cloudoptima/core'
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'

/** A connection with its prepared statements, for one query at a time. */
export interface Line {
  connection: DuckDBConnection
  /**
   * All rows as plain objects; decimals, dates and big integers come as text. Fault `invalid` if a sum is too large.
   */
  rows<Row>(sql: string, values: Record<string, string | number | string[]>): Promise<Row[]>
  close(): void
}

const mostStatements = 50

export function createLine(connection: DuckDBConnection): Line {
  const statements = new Map<string, DuckDBPreparedStatement>()
  const forget = () => {
    for (const statement of statements.values()) statement.destroySync()
    statements.clear()
  }
  return {
    connection,
    async rows<Row>(sql: string, values: Record<string, string | number | string[]>) {
      const statement = statements.get(sql) ?? (await connection.prepare(sql))
      if (!statements.has(sql) && statements.size >= mostStatements) forget()
      statements.set(sql, statement)
      statement.bind(values as Parameters<DuckDBPreparedStatement['bind']>[0])
      const reader = await statement.runAndReadAll().catch(refuseOverflow)
      return reader.getRowObjectsJson() as Row[]
    },
    close() {
      forget()
      connection.closeSync()
    },
  }
}

/** DuckDB adds `DECIMAL(38, 18)` in 128 bits. */
function refuseOverflow(error: unknown): never {
  if (!(error instanceof Error && error.message.startsWith('Out of Range Error: Overflow'))) throw error
  throw new Fault(
    'invalid',
    'The sum of these costs has more than 20 digits before the decimal point. Correct the bill, or ask for less of it.',
  )
}
