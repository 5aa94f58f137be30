import { type AccountOfCloud, providerNames } from '@cloudoptima/core'
import { literal } from './database.ts'

export type Rows = 'visible' | 'excluded'

/** The rows of Parquet files as a relation of SQL: those of the excluded accounts left out, or those alone. Every read of the lake goes through here. */
export function relation(
  paths: readonly string[],
  excluded: readonly AccountOfCloud[],
  wanted: Rows = 'visible',
): string {
  const files = `read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false)`
  if (excluded.length === 0) return wanted === 'visible' ? files : `(SELECT * FROM ${files} WHERE false)`
  const isExcluded = belongsTo(excluded)
  return `(SELECT * FROM ${files} WHERE ${wanted === 'visible' ? `NOT (${isExcluded})` : isExcluded})`
}

/** The account that a row belongs to: the sub-account, or the billing account where the bill names none. Azure names a subscription by its path, in either case. */
export const accountOfRow = `lower(regexp_replace(coalesce(SubAccountId, BillingAccountId), '^.*/', ''))`

/** Whether a row belongs to one of the accounts, as `isOfCloud` and `isSameAccount` of core decide. */
function belongsTo(accounts: readonly AccountOfCloud[]): string {
  const among = (values: readonly string[]) => `IN (${values.map((value) => literal(value.toLowerCase())).join(', ')})`
  return [...Map.groupBy(accounts, ({ cloud }) => cloud)]
    .map(([cloud, own]) => {
      const ids = own.map(({ accountId }) => accountId)
      return `(lower(ServiceProviderName) ${among(providerNames[cloud])} AND ${accountOfRow} ${among(ids)})`
    })
    .join(' OR ')
}
