import type { CostParameters, Dimension, Metric } from '@cloudoptima/core'
import { pointer, type Value } from './statement.ts'

export const metricColumn: Record<Metric, string> = {
  billed: 'BilledCost',
  effective: 'EffectiveCost',
  list: 'ListCost',
  contracted: 'ContractedCost',
}

export const dimensionColumn: Record<Exclude<Dimension, 'tag'>, string> = {
  provider: 'ServiceProviderName',
  // The sub-account, or the billing account if the bill names no sub-account.
  account: 'coalesce(SubAccountId, BillingAccountId)',
  billing_account: 'BillingAccountId',
  subaccount: 'SubAccountId',
  service: 'ServiceName',
  region: 'RegionId',
  category: 'ChargeCategory',
}

interface Scope {
  dataset: 'costs' | 'cost_rollup'
  where: string
  values: Record<string, Value>
  /** The SQL of the day on which a row counts. */
  day: string
}

/** The dataset and condition of the parameters. The roll-up has no tags and no resources. */
export function scope({ basis, start, end, filters }: CostParameters, needsRows = false): Scope {
  const isDetailed = needsRows || filters.some(({ dimension }) => dimension === 'tag')
  const charged = isDetailed ? 'CAST(ChargePeriodStart AS DATE)' : 'ChargeDay'
  // By billing period, a charge of another month counts on the nearest day of the month in which it was billed.
  const day =
    basis === 'charge'
      ? charged
      : `greatest(least(${charged}, CAST(BillingPeriodEnd AS DATE) - 1), CAST(BillingPeriodStart AS DATE))`
  const matching = conditionsOf(filters)
  return {
    dataset: isDetailed ? 'costs' : 'cost_rollup',
    where: [`${day} BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)`, ...matching.conditions].join(' AND '),
    values: { start, end, ...matching.values },
    day,
  }
}

/** The conditions of filters, which must all hold. */
export function conditionsOf(filters: CostParameters['filters']): {
  conditions: string[]
  values: Record<string, Value>
} {
  const conditions: string[] = []
  const values: Record<string, Value> = {}
  for (const [i, filter] of filters.entries()) {
    if (filter.dimension === 'tag') values[`tag${i}`] = pointer(filter.tagKey ?? '')
    const column =
      filter.dimension === 'tag' ? `json_extract_string(Tags, $tag${i})` : dimensionColumn[filter.dimension]
    conditions.push(`${column} IN (${filter.values.map((_, j) => `$f${i}_${j}`).join(', ')})`)
    for (const [j, value] of filter.values.entries()) values[`f${i}_${j}`] = value
  }
  return { conditions, values }
}

/** The SQL of the day of an amount that is to be converted, and else NULL: a date, because texts group slowly. */
export function rateDay(convertTo: string | undefined, currency: string, day: string) {
  if (convertTo === undefined) return { sql: 'NULL', values: {} }
  return {
    sql: `CASE WHEN ${currency} <> $convert_to THEN ${day} END`,
    values: { convert_to: convertTo },
  }
}
