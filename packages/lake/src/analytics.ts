import type { Queries } from '@cloudoptima/core'
import type { Statement } from './statement.ts'

type Name = 'costSeries' | 'costShares'

const account = 'coalesce(SubAccountId, BillingAccountId)'

/** The dimensions of each kind of series. */
const kinds = {
  total: [],
  provider: ['provider'],
  account: ['provider', 'account'],
  service: ['provider', 'service'],
  region: ['provider', 'region'],
  service_account: ['provider', 'service', 'account'],
} as const

const shared = ['account', 'service', 'region', 'usage', 'resource'] as const

export const analyticsStatements: {
  [N in Name]: (parameters: Queries[N]['parameters']) => Statement<Queries[N]['dataset']>
} = {
  costSeries({ start, end, most, lag }) {
    const select = (kind: string, dimensions: readonly string[]) => {
      const named = ['provider', 'account', 'service', 'region'].map((name) =>
        dimensions.includes(name) ? name : `NULL AS ${name}`,
      )
      const filled = dimensions.map((name) => ` AND ${name} IS NOT NULL`).join('')
      return `SELECT '${kind}' AS kind, ${named.join(', ')}, charged, currency, day, sum(cost) AS cost FROM cells WHERE true${filled} GROUP BY ALL`
    }
    return {
      dataset: 'cost_rollup',
      values: { start, end, most, recent: lag },
      sql: `WITH cells AS MATERIALIZED (
  SELECT ServiceProviderName AS provider, ${account} AS account, ServiceName AS service, RegionId AS region, BillingCurrency AS currency, ChargeDay AS day,
    CASE WHEN CommitmentDiscountStatus = 'Unused' THEN 'unused' WHEN ChargeCategory = 'Usage' THEN 'usage' ELSE 'other' END AS charged,
    sum(EffectiveCost) AS cost
  FROM {files} WHERE ChargeDay BETWEEN CAST($start AS DATE) AND CAST($end AS DATE) GROUP BY ALL
), days AS (
  ${Object.entries(kinds)
    .map(([kind, dimensions]) => select(kind, dimensions))
    .join('\n  UNION ALL ')}
)
SELECT kind, provider, account, service, region, charged, currency,
  CAST(to_json(list(CAST(day AS VARCHAR) ORDER BY day)) AS VARCHAR) AS days,
  CAST(to_json(list(CAST(cost AS DOUBLE) ORDER BY day)) AS VARCHAR) AS costs
FROM days GROUP BY ALL
ORDER BY kind NOT IN ('total', 'provider'), sum(abs(cost)) FILTER (WHERE day > CAST($end AS DATE) - CAST($recent AS INTEGER)) DESC NULLS LAST, ALL
LIMIT $most`,
    }
  },

  costShares({ start, end, before, currency, where, most }) {
    const values: Record<string, string | number> = { start, end, before, currency, most }
    const conditions = Object.entries(where).flatMap(([dimension, value]) => {
      if (value === undefined) return []
      values[`w_${dimension}`] = value
      const column = { provider: 'ServiceProviderName', account, service: 'ServiceName', region: 'RegionId' }[dimension]
      return column === undefined ? [] : [`${column} = $w_${dimension}`]
    })
    const now = 'day >= CAST($start AS DATE)'
    const part = (dimension: string) =>
      `SELECT '${dimension}' AS dimension, ${dimension === 'total' ? 'NULL' : dimension} AS value, sum(now) AS now, sum(then) AS before, sum(used) AS used, sum(usedBefore) AS usedBefore FROM cells GROUP BY ALL`
    return {
      dataset: 'costs',
      values,
      sql: `WITH charges AS (
  SELECT ${account} AS account, ServiceName AS service, RegionId AS region, coalesce(SkuMeter, SkuId, ChargeDescription) AS usage, ResourceId AS resource,
    CAST(ChargePeriodStart AS DATE) AS day, EffectiveCost AS cost, PricingQuantity AS quantity
  FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($before AS DATE) AND CAST($end AS DATE)
    AND BillingCurrency = $currency AND ChargeCategory = 'Usage'${conditions.map((condition) => ` AND ${condition}`).join('')}
), cells AS MATERIALIZED (
  SELECT account, service, region, usage, resource,
    coalesce(sum(cost) FILTER (WHERE ${now}), 0) AS now, coalesce(sum(cost) FILTER (WHERE NOT ${now}), 0) AS then,
    sum(quantity) FILTER (WHERE ${now}) AS used, sum(quantity) FILTER (WHERE NOT ${now}) AS usedBefore
  FROM charges GROUP BY ALL
)
SELECT dimension, value, CAST(now AS VARCHAR) AS cost, CAST(before AS VARCHAR) AS previous,
  CAST(used AS DOUBLE) AS used, CAST(usedBefore AS DOUBLE) AS "usedBefore"
FROM (${['total', ...shared].map(part).join('\n UNION ALL ')})
QUALIFY row_number() OVER (PARTITION BY dimension ORDER BY greatest(abs(now), abs(before)) DESC, value) <= $most
ORDER BY ALL`,
    }
  },
}
