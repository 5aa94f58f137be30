import type { DuckDBConnection } from '@duckdb/node-api'
import type { FocusVersion } from '@cloudoptima/core'
import { focusColumns, lakeColumns } from '@cloudoptima/providers'
import { identifier, literal, rows } from './database.ts'

const typeOf = new Map(lakeColumns.map(({ name, type }) => [name, type]))

/** What is known without being stored: in one currency, a price and its price in the pricing currency are the same. */
const sameInOneCurrency: Record<string, string> = {
  PricingCurrencyContractedUnitPrice: 'ContractedUnitPrice',
  PricingCurrencyEffectiveCost: 'EffectiveCost',
  PricingCurrencyListUnitPrice: 'ListUnitPrice',
}

/**
 * Writes Parquet files of the lake as one CSV of a FOCUS version: its columns and no others, in its order. A reader that guesses types guesses right:
 * text is quoted (ids of digits stay text), numbers have a point, times are in UTC, and what is not known is empty. Answers the rows.
 */
export async function exportFocus(connection: DuckDBConnection, paths: string[], { version, path }: { version: FocusVersion; path: string }): Promise<number> {
  const names = focusColumns[version]
  const columns = names.map((name) => `${written(name)} AS ${identifier(name)}`)
  const texts = names.filter((name) => typeOf.get(name) === 'VARCHAR').map(identifier)
  const files = `read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false)`
  const [count] = await rows<{ Count: string }>(
    connection,
    `COPY (SELECT ${columns.join(', ')} FROM ${files})
     TO ${literal(path)} (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', NULLSTR '', FORCE_QUOTE (${texts.join(', ')}))`,
  )
  return Number(count?.Count ?? 0)
}

function written(name: string): string {
  const value = valueOf(name)
  switch (typeOf.get(name)) {
    case 'TIMESTAMP':
      return `strftime(${value}, '%Y-%m-%dT%H:%M:%SZ')`
    case 'DECIMAL(38,18)':
      return `rtrim(CAST(${value} AS VARCHAR), '0') || CASE WHEN ${value} = trunc(${value}) THEN '0' ELSE '' END`
    case 'VARCHAR':
    case undefined:
      return value
  }
}

function valueOf(name: string): string {
  const column = identifier(name)
  const same = sameInOneCurrency[name]
  return same === undefined ? column : `coalesce(${column}, CASE WHEN "PricingCurrency" = "BillingCurrency" THEN ${identifier(same)} END)`
}
