import type { DuckDBConnection } from '@duckdb/node-api'
import type { FocusVersion } from '@cloudoptima/core'
import { focusColumns, lakeColumns } from '@cloudoptima/providers'
import { identifier, literal, rows } from './database.ts'

const typeOf = new Map(lakeColumns.map(({ name, type }) => [name, type]))

/** Columns that follow from others: in one currency, a price equals the price in the pricing currency. */
const sameInOneCurrency: Record<string, string> = {
  PricingCurrencyContractedUnitPrice: 'ContractedUnitPrice',
  PricingCurrencyEffectiveCost: 'EffectiveCost',
  PricingCurrencyListUnitPrice: 'ListUnitPrice',
}

/**
 * Writes a relation as one CSV of a FOCUS version: its columns in its order, times in UTC, decimals without trailing zeros, unknown values empty. Answers the number
 * of rows.
 */
export async function exportFocus(
  connection: DuckDBConnection,
  from: string,
  { version, path }: { version: FocusVersion; path: string },
): Promise<number> {
  const columns = focusColumns[version].map((name) => `${written(name)} AS ${identifier(name)}`)
  const [count] = await rows<{ Count: string }>(
    connection,
    `COPY (SELECT ${columns.join(', ')} FROM ${from}) TO ${literal(path)} (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', NULLSTR '')`,
  )
  return Number(count?.Count ?? 0)
}

function written(name: string): string {
  const value = valueOf(name)
  switch (typeOf.get(name)) {
    case 'TIMESTAMP':
      return `strftime(${value}, '%Y-%m-%dT%H:%M:%SZ')`
    case 'DECIMAL(38,18)':
      return `rtrim(rtrim(CAST(${value} AS VARCHAR), '0'), '.')`
    case 'VARCHAR':
    case undefined:
      return value
  }
}

function valueOf(name: string): string {
  const column = identifier(name)
  const same = sameInOneCurrency[name]
  return same === undefined
    ? column
    : `coalesce(${column}, CASE WHEN "PricingCurrency" = "BillingCurrency" THEN ${identifier(same)} END)`
}
