import { join } from 'node:path'
import type { WithheldCosts } from '@cloudoptima/core'
import type { DuckDBConnection } from '@duckdb/node-api'
import { literal, plain, rowGroupSize, rows } from './database.ts'

/** Whether a column names the account: as `isSameAccount` of core has it. Both are SQL. */
export function namesAccount(column: string, accountId: string): string {
  return `(lower(${column}) = lower(${accountId}) OR ends_with(lower(${column}), '/' || lower(${accountId})))`
}

interface Staged {
  files: string[]
  accountIds: readonly string[]
  /** A folder for what is written. */
  target: string
}

/** What is left, and what is not: what it came to, and the days on which its charges begin. */
interface Kept {
  files: string[]
  withheld: WithheldCosts[]
  days: { first: string; last: string }[]
}

/** Leaves the rows of accounts out of a partition's files, and says what they came to. Files in which there are none stay as they are. */
export async function withhold(connection: DuckDBConnection, { files, accountIds, target }: Staged): Promise<Kept> {
  if (accountIds.length === 0) return { files, withheld: [], days: [] }
  const costs = `read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false)`
  const accounts = `(SELECT unnest([${accountIds.map(literal).join(', ')}]) AS account)`
  const isNamed = namesAccount('SubAccountId', 'account')
  const found = await rows<WithheldCosts & { rows: string; first: string; last: string }>(
    connection,
    `SELECT account AS "accountId", BillingCurrency AS currency, CAST(count(*) AS VARCHAR) AS rows,
       CAST(sum(BilledCost) AS VARCHAR) AS billed, CAST(sum(EffectiveCost) AS VARCHAR) AS effective,
       CAST(CAST(min(ChargePeriodStart) AS DATE) AS VARCHAR) AS first, CAST(CAST(max(ChargePeriodStart) AS DATE) AS VARCHAR) AS last
     FROM ${costs} JOIN ${accounts} ON ${isNamed} GROUP BY ALL ORDER BY 1, 2`,
  )
  if (found.length === 0) return { files, withheld: [], days: [] }
  const path = join(target, 'kept.parquet')
  const kept = `SELECT * FROM ${costs} WHERE NOT EXISTS (FROM ${accounts} WHERE ${isNamed})`
  await connection.run(
    `COPY (${kept}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupSize})`,
  )
  return {
    files: [path],
    withheld: found.map(({ accountId, currency, rows, billed, effective }) => ({
      accountId,
      currency,
      rows: Number(rows),
      billed: plain(billed),
      effective: plain(effective),
    })),
    days: found.map(({ first, last }) => ({ first, last })),
  }
}
