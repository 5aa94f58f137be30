import { costMetrics, mostConverted, type Queries } from '@cloudoptima/core'
import { adviceStatements } from './advice.ts'
import { analyticsStatements } from './analytics.ts'
import { changeStatements } from './changes.ts'
import { accountOfRow } from './relation.ts'
import { inventoryStatements } from './inventories.ts'
import { resourceStatements } from './resources.ts'
import { tagStatements } from './tags.ts'
import { dimensionColumn, metricColumn, rateDay, scope, tagValue } from './scope.ts'
import type { Statement, Value } from './statement.ts'

/** The catalogue of queries. Values are bound parameters; only names of columns become SQL text. */
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

  costByGroup(parameters) {
    const { groupBy, metric, recent, most } = parameters
    const { dataset, where, values, day } = scope(parameters, groupBy === 'tag')
    const dimension = grouping(parameters)
    return {
      dataset,
      values: { ...values, ...dimension.values, recent, most },
      sql: `WITH days AS MATERIALIZED (
  SELECT ${day} AS day, BillingCurrency AS currency, ${dimension.sql} AS dimension, BillingAccountId AS payer, coalesce(sum(${metricColumn[metric]}), 0) AS cost
  FROM {files} WHERE ${where} GROUP BY ALL
), places AS (
  SELECT dimension, row_number() OVER (PARTITION BY currency ORDER BY sum(cost) DESC, dimension) AS place
  FROM days WHERE day >= CAST($recent AS DATE) GROUP BY currency, dimension HAVING sum(cost) <> 0
), groups AS (
  SELECT dimension AS name, min(place) <= $most AS isNamed FROM places GROUP BY ALL
)
SELECT CAST(day AS VARCHAR) AS day, currency, CASE WHEN isNamed THEN dimension END AS dimension, payer, NOT coalesce(isNamed, false) AS "isRest", CAST(sum(cost) AS VARCHAR) AS cost
FROM days LEFT JOIN groups ON dimension IS NOT DISTINCT FROM name GROUP BY ALL`,
    }
  },

  chargesByDay(parameters) {
    const { where, values, day } = scope(parameters, true)
    const dimension = grouping(parameters)
    // Numbers in a description, such as a month, change from bill to bill.
    const description = "regexp_replace(ChargeDescription, '[0-9]+', '#', 'g')"
    return {
      dataset: 'costs',
      values: { ...values, ...dimension.values },
      sql: `SELECT CAST(${day} AS VARCHAR) AS day, BillingCurrency AS currency, ${dimension.sql} AS dimension, BillingAccountId AS payer,
  CAST(to_json([BillingAccountId, ChargeCategory, ServiceName, CommitmentDiscountId, ${description}]) AS VARCHAR) AS charge,
  coalesce(ChargeCategory = 'Purchase' AND ChargeFrequency = 'One-Time', false) AS "isOnce", CAST(coalesce(sum(${metricColumn[parameters.metric]}), 0) AS VARCHAR) AS cost
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
      `SELECT '${name}' AS part, ${key} AS key, currency, CAST(${rate.sql} AS VARCHAR) AS "rateDay", CAST(coalesce(sum(cost), 0) AS VARCHAR) AS cost FROM cells WHERE ${condition} GROUP BY ALL`
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
      sql: `SELECT * REPLACE (CAST("rateDay" AS VARCHAR) AS "rateDay") FROM (
  SELECT ServiceProviderName AS provider, ServiceName AS service, BillingCurrency AS currency, ${rate.sql} AS "rateDay",
  ${between('$current_start', '$end')} AS current, ${between('$previous_start', '$previous_end')} AS previous
FROM {files} WHERE ${where} GROUP BY ALL
)`,
    }
  },

  topResources(parameters) {
    const { metric, convertTo, perService } = parameters
    const { where, values, day } = scope(parameters, true)
    const rate = rateDay(convertTo, 'BillingCurrency', day)
    const key = ['provider', 'service', 'resourceId', 'currency']
    const isBest = key.map((name) => `charges.${name} IS NOT DISTINCT FROM best.${name}`).join(' AND ')
    // Amounts to convert have a line for each day. A second scan for the best ones costs less than to group all by day.
    const found =
      convertTo === undefined
        ? 'SELECT *, NULL AS "rateDay" FROM best'
        : `SELECT ${key.join(', ')}, "rateDay", sum(cost) AS cost FROM charges SEMI JOIN best ON ${isBest} GROUP BY ALL HAVING sum(cost) IS NOT NULL`
    return {
      dataset: 'costs',
      values: { ...values, ...rate.values, per_service: perService },
      sql: `WITH charges AS NOT MATERIALIZED (
  SELECT ServiceProviderName AS provider, ServiceName AS service, ResourceId AS resourceId, BillingCurrency AS currency, ${rate.sql} AS "rateDay", ${metricColumn[metric]} AS cost
  FROM {files} WHERE ${where} AND ResourceId IS NOT NULL
), best AS MATERIALIZED (
  SELECT * FROM (SELECT ${key.join(', ')}, sum(cost) AS cost FROM charges GROUP BY ALL HAVING sum(cost) IS NOT NULL)
  QUALIFY row_number() OVER (PARTITION BY provider, service, currency ORDER BY cost DESC, resourceId) <= $per_service
)
SELECT provider, service, resourceId, currency, CAST("rateDay" AS VARCHAR) AS "rateDay", CAST(cost AS VARCHAR) AS cost FROM (${found})`,
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
  ...adviceStatements,
  ...tagStatements,
  ...inventoryStatements,
  ...changeStatements,
  ...analyticsStatements,

  dailyTotals() {
    return {
      dataset: 'cost_rollup',
      values: {},
      sql: `SELECT ServiceProviderName AS provider, ${dimensionColumn.account} AS account, ServiceName AS service, BillingCurrency AS currency, CAST(ChargeDay AS VARCHAR) AS day,
  CAST(coalesce(sum(BilledCost), 0) AS VARCHAR) AS billed, CAST(coalesce(sum(EffectiveCost), 0) AS VARCHAR) AS effective
FROM {files} GROUP BY ALL ORDER BY ALL`,
    }
  },

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

/** The SQL of the dimension of a query; NULL without one. */
function grouping({ groupBy, tagKey = '', virtualTags = [] }: Queries['costByDay']['parameters']): {
  sql: string
  values: Record<string, Value>
} {
  if (groupBy === undefined) return { sql: 'NULL', values: {} }
  if (groupBy === 'tag') return tagValue('group_tag', tagKey, virtualTags)
  return { sql: dimensionColumn[groupBy], values: {} }
}
