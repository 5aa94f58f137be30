import { type AccountOfCloud, type Partition, providerNames } from '@cloudoptima/core'
import { literal } from './database.ts'

export type Rows = 'visible' | 'excluded'

/** The SQL relation of these rows without those of excluded accounts, or these alone. All reads of the lake use it. */
export function relation(
  dataset: Partition.Dataset,
  from: string,
  excluded: readonly AccountOfCloud[],
  wanted: Rows = 'visible',
): string {
  if (excluded.length === 0) return wanted === 'visible' ? from : `(SELECT * FROM ${from} WHERE false)`
  const isExcluded = belongsTo(accountOfRow(dataset), excluded)
  return `(SELECT * FROM ${from} WHERE (${isExcluded}) IS ${wanted === 'visible' ? 'NOT ' : ''}TRUE)`
}

// A row without a sub-account belongs to the billing account.
const accountColumn: Record<Partition.Dataset, string> = {
  costs: 'coalesce(SubAccountId, BillingAccountId)',
  cost_rollup: 'coalesce(SubAccountId, BillingAccountId)',
  resources: 'SubAccountId',
  resource_changes: 'SubAccountId',
  utilization: 'SubAccountId',
}

/** The account that a row belongs to, in lower case and without the path that Azure puts before a subscription. */
export function accountOfRow(dataset: Partition.Dataset): string {
  return `lower(regexp_replace(${accountColumn[dataset]}, '^.*/', ''))`
}

/** Whether a row belongs to one of the accounts, as `isOfCloud` and `isSameAccount` of core decide. */
function belongsTo(account: string, accounts: readonly AccountOfCloud[]): string {
  const among = (values: readonly string[]) => `IN (${values.map((value) => literal(value.toLowerCase())).join(', ')})`
  return [...Map.groupBy(accounts, ({ cloud }) => cloud)]
    .map(([cloud, own]) => {
      const ids = own.map(({ accountId }) => accountId)
      return `(lower(ServiceProviderName) ${among(providerNames[cloud])} AND ${account} ${among(ids)})`
    })
    .join(' OR ')
}
