import {
  costMetrics,
  type CostParameters,
  mostConverted,
  type Dimension,
  type Metric,
  type Queries,
} from '@cloudoptima/core'
import { accountOfRow } from './relation.ts'
import { resourceStatements } from './resources.ts'
import { pointer, type Statement, type Value } from './statement.ts'

const metricColumn: Record<Metric, string> = {
  billed: 'BilledCost',
  effective: 'EffectiveCost',
  list: 'ListCost',
  contracted: 'ContractedCost',
}

const dimensionColumn: Record<Exclude<Dimension, 'tag'>, string> = {
  provider: 'ServiceProviderName',
  // The sub-account, or the billing account if the bill names no sub-account.
  account: 'coalesce(SubAccountId, BillingAccountId)',
  billing_account: 'BillingAccountId',
  subaccount: 'SubAccountId',
  service: 'ServiceName',
  region: 'RegionId',
  category: 'ChargeCategory',
}

/** The catalogue of queries. Values are bound parameters; only the names above become SQL text. */
export const statements: {
  [Name in keyof Queries]: (parameters: Queries[Name]['parameters']) => Statement<Queries[Name]['dataset']>
} = {
  costByDay(parameters) {
    const { groupBy } = parameters
    const { dataset, where, values, day } = scope(parameters, groupBy === 'tag')
    const dimension = grouping(parameters)
    return {
      dataset,
      values: { ...values, ...dimension.values },
      sql: `SELECT CAST(${day} AS VARCHAR) AS day, BillingCurrency AS currency, ${dimension.sql} AS dimension, CAST(coalesce(sum(${metricColumn[parameters.metric]}), 0) AS VARCHAR) AS cost
FROM {files} WHERE ${where} GROUP BY ALL`,
    }
  },

  costOverview(parameters) {
    const { groupBy, previousStart, start, convertTo } = parameters
    const rate = rateDay(convertTo, 'currency', 'day')
    const { dataset, where, values, day } = scope({ ...parameters, start: previousStart }, groupBy === 'tag')
    const dimension = grouping(parameters)
    const isCurrent = 'day >= CAST($current_start AS DATE)'
    const part = (name: string, key: string, condition: string): string =>
      `SELECT '${name}' AS part, ${key} AS key, currency, ${rate.sql} AS "rateDay", CAST(coalesce(sum(cost), 0) AS VARCHAR) AS cost FROM cells WHERE ${condition} GROUP BY ALL`
    return {
      dataset,
      values: { ...values, ...dimension.values, ...rate.values, current_start: start },
      sql: `WITH cells AS MATERIALIZED (
  SELECT ${day} AS day, BillingCurrency AS currency, CASE WHEN ${day} >= CAST($current_start AS DATE) THEN ${dimension.sql} END AS dimension, sum(${metricColumn[parameters.metric]}) AS cost
  FROM {files} WHERE ${where} GROUP BY ALL
)
${part('day', 'CAST(day AS VARCHAR)', isCurrent)}
UNION ALL ${part('dimension', 'dimension', isCurrent)}
UNION ALL ${part('previous', 'NULL', `NOT ${isCurrent}`)}${convertTo === undefined ? '' : ` LIMIT ${mostConverted + 1}`}`,
    }
  },

  costByService(parameters) {
    const { previousStart, previousEnd } = parameters
    const { dataset, where, values, day } = scope({
      ...parameters,
      start: previousStart < parameters.start ? previousStart : parameters.start,
    })
    const cost = metricColumn[parameters.metric]
    const rate = rateDay(parameters.convertTo, 'BillingCurrency', day)
    const between = (from: string, to: string): string =>
      `CAST(coalesce(sum(${cost}) FILTER (WHERE ${day} BETWEEN CAST(${from} AS DATE) AND CAST(${to} AS DATE)), 0) AS VARCHAR)`
    return {
      dataset,
      values: {
        ...values,
        ...rate.values,
        current_start: parameters.start,
        previous_start: previousStart,
        previous_end: previousEnd,
      },
      sql: `SELECT ServiceProviderName AS provider, ServiceName AS service, BillingCurrency AS currency, ${rate.sql} AS "rateDay",
  ${between('$current_start', '$end')} AS current, ${between('$previous_start', '$previous_end')} AS previous
FROM {files} WHERE ${where} GROUP BY ALL`,
    }
  },

  topResources(parameters) {
    const { where, values, day } = scope(parameters, true)
    const rate = rateDay(parameters.convertTo, 'BillingCurrency', day)
    return {
      dataset: 'costs',
      values: { ...values, ...rate.values, per_service: parameters.perService },
      sql: `SELECT provider, service, resourceId, currency, "rateDay", CAST(cost AS VARCHAR) AS cost FROM (
  SELECT *, sum(cost) OVER (PARTITION BY provider, service, currency, resourceId) AS whole FROM (
    SELECT ServiceProviderName AS provider, ServiceName AS service, ResourceId AS resourceId, BillingCurrency AS currency, ${rate.sql} AS "rateDay", sum(${metricColumn[parameters.metric]}) AS cost
    FROM {files} WHERE ${where} AND ResourceId IS NOT NULL GROUP BY ALL
  ) WHERE cost IS NOT NULL
) QUALIFY dense_rank() OVER (PARTITION BY provider, service, currency ORDER BY whole DESC, resourceId) <= $per_service`,
    }
  },

  reconciliation({ period }) {
    const sums = costMetrics.map((metric) => `CAST(sum(${metricColumn[metric]}) AS VARCHAR) AS ${metric}`)
    return {
      dataset: 'cost_rollup',
      values: { period },
      sql: `SELECT ServiceProviderName AS provider, BillingAccountId AS "billingAccountId", BillingCurrency AS currency,
  CASE
    WHEN ChargeCategory = 'Tax' THEN 'tax'
    WHEN ChargeCategory = 'Credit' THEN 'credit'
    WHEN ChargeCategory = 'Purchase' AND IsCommitment THEN 'commitment_purchase'
    WHEN CommitmentDiscountStatus = 'Unused' THEN 'commitment_unused'
    WHEN CommitmentDiscountStatus = 'Used' THEN 'commitment_used'
    ELSE 'other'
  END AS kind,
  CAST(sum(x_Rows) AS DOUBLE) AS rows,
  ${sums.join(', ')}
FROM {files} WHERE strftime(BillingPeriodStart, '%Y-%m') = $period GROUP BY ALL`,
    }
  },

  ...resourceStatements,

  excludedCosts() {
    return {
      dataset: 'cost_rollup',
      reads: 'excluded',
      values: {},
      sql: `SELECT ServiceProviderName AS provider, BillingAccountId AS "billingAccountId", ${accountOfRow('cost_rollup')} AS "accountId", BillingCurrency AS currency,
  CAST(sum(x_Rows) AS DOUBLE) AS rows, CAST(sum(BilledCost) AS VARCHAR) AS billed, CAST(sum(EffectiveCost) AS VARCHAR) AS effective
FROM {files} GROUP BY ALL`,
    }
  },
}

/** The SQL of the day of an amount that is to be converted, and else NULL. */
function rateDay(convertTo: string | undefined, currency: string, day: string) {
  if (convertTo === undefined) return { sql: 'NULL', values: {} }
  return {
    sql: `CASE WHEN ${currency} <> $convert_to THEN CAST(${day} AS VARCHAR) END`,
    values: { convert_to: convertTo },
  }
}

/** The SQL of the dimension of a query; NULL without one. */
function grouping({ groupBy, tagKey = '' }: Queries['costByDay']['parameters']): {
  sql: string
  values: Record<string, Value>
} {
  if (groupBy === undefined) return { sql: 'NULL', values: {} }
  if (groupBy === 'tag') return { sql: 'json_extract_string(Tags, $group_tag)', values: { group_tag: pointer(tagKey) } }
  return { sql: dimensionColumn[groupBy], values: {} }
}

interface Scope {
  dataset: 'costs' | 'cost_rollup'
  where: string
  values: Record<string, Value>
  /** The SQL of the day on which a row counts. */
  day: string
}

/** The dataset and condition of the parameters. The roll-up has no tags and no resources. */
function scope({ basis, start, end, filters }: CostParameters, needsRows = false): Scope {
  const isDetailed = needsRows || filters.some(({ dimension }) => dimension === 'tag')
  const charged = isDetailed ? 'CAST(ChargePeriodStart AS DATE)' : 'ChargeDay'
  // By billing period, a charge of another month counts on the nearest day of the month in which it was billed.
  const day =
    basis === 'charge'
      ? charged
      : `greatest(least(${charged}, CAST(BillingPeriodEnd AS DATE) - 1), CAST(BillingPeriodStart AS DATE))`
  const conditions = [`${day} BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)`]
  const values: Record<string, Value> = { start, end }
  for (const [i, filter] of filters.entries()) {
    if (filter.dimension === 'tag') values[`tag${i}`] = pointer(filter.tagKey ?? '')
    const column =
      filter.dimension === 'tag' ? `json_extract_string(Tags, $tag${i})` : dimensionColumn[filter.dimension]
    conditions.push(`${column} IN (${filter.values.map((_, j) => `$f${i}_${j}`).join(', ')})`)
    for (const [j, value] of filter.values.entries()) values[`f${i}_${j}`] = value
  }
  return { dataset: isDetailed ? 'costs' : 'cost_rollup', where: conditions.join(' AND '), values, day }
}
