import type { ChargedAs, Queries } from '@cloudoptima/core'
import { conditionsOf, dimensionColumn } from './scope.ts'
import { pointer, type Statement, type Value } from './statement.ts'

/** The dimensions of each kind of series. */
const kinds = [
  ['provider'],
  ['provider', 'account'],
  ['provider', 'service'],
  ['provider', 'region'],
  ['provider', 'account', 'service'],
] as const
const columns = {
  provider: dimensionColumn.provider,
  account: dimensionColumn.account,
  service: dimensionColumn.service,
  region: dimensionColumn.region,
}
const names = [...Object.keys(columns), 'tag']
const selected = Object.entries(columns)
  .map(([name, column]) => `${column} AS ${name}`)
  .join(', ')

const isUnused = "coalesce(CommitmentDiscountStatus = 'Unused', false)"
const conditionOf: Record<ChargedAs, string> = {
  usage: `ChargeCategory = 'Usage' AND NOT ${isUnused}`,
  unused: `ChargeCategory = 'Usage' AND ${isUnused}`,
}

function seriesOf(dimensions: readonly string[]): string {
  const shown = names.map((name) => (dimensions.includes(name) ? name : `NULL AS ${name}`))
  const isFilled = ['true', ...dimensions.map((name) => `${name} IS NOT NULL`)].join(' AND ')
  return `SELECT ${dimensions.length} AS depth, ${shown.join(', ')}, charged, currency, day, sum(cost) AS cost FROM cells WHERE ${isFilled} GROUP BY ALL`
}

/** Unknown if it is larger, such as of bytes, because sums could overflow. */
const known = 'coalesce(PricingQuantity, ConsumedQuantity)'
const quantity = `CASE WHEN abs(${known}) <= 1e13 THEN ${known} END`

export const analyticsStatements = {
  costSeries({ tagKey, ...values }: Queries['costSeries']['parameters']): Statement<Queries['costSeries']['dataset']> {
    const isTag = tagKey !== undefined
    const day = isTag ? 'CAST(ChargePeriodStart AS DATE)' : 'ChargeDay'
    const tag = isTag ? 'json_extract_string(Tags, $tag)' : 'NULL'
    const all = (isTag ? [['tag']] : kinds).map(seriesOf).join('\n  UNION ALL ')
    return {
      dataset: isTag ? 'costs' : 'cost_rollup',
      values: { ...values, ...(isTag && { tag: pointer(tagKey) }) },
      sql: `WITH cells AS MATERIALIZED (
  SELECT ${selected}, ${tag} AS tag, BillingCurrency AS currency, ${day} AS day,
    CASE WHEN ${isUnused} THEN 'unused' ELSE 'usage' END AS charged, sum(EffectiveCost) AS cost
  FROM {files} WHERE ${day} BETWEEN CAST($start AS DATE) AND CAST($end AS DATE) AND ChargeCategory = 'Usage' GROUP BY ALL
), series AS (
  ${all}
)
SELECT ${names.join(', ')}, charged, currency,
  CAST(to_json(list(CAST(day AS VARCHAR) ORDER BY day)) AS VARCHAR) AS days,
  CAST(to_json(list(CAST(cost AS DOUBLE) ORDER BY day)) AS VARCHAR) AS costs
FROM series GROUP BY depth, ${names.join(', ')}, charged, currency
ORDER BY depth > 1, coalesce(sum(abs(cost)) FILTER (day >= CAST($recent AS DATE)), 0) DESC, depth, ${names.join(', ')}, charged, currency
LIMIT $most`,
    }
  },

  costShares(parameters: Queries['costShares']['parameters']): Statement<'costs'> {
    const { start, end, before, charged, currency, filters, leftOut = [], tagKeys, most } = parameters
    const matching = conditionsOf(filters)
    const others = leftOut.map((part, n) => conditionsOf(part, `out${n}_`))
    const conditions = [
      conditionOf[charged],
      ...matching.conditions,
      ...others.map((part) => `NOT coalesce(${part.conditions.join(' AND ')}, false)`),
    ]
    const bounds = { start, end, before, currency, most }
    const values: Record<string, Value> = Object.assign({}, ...[matching, ...others].map((part) => part.values), bounds)
    const tags = tagKeys.map((key, n) => {
      values[`key${n}`] = key
      values[`share_tag${n}`] = pointer(key)
      return `$key${n} || '=' || json_extract_string(Tags, $share_tag${n}) AS tag${n}`
    })
    const dimensions = ['account', 'service', 'region', 'usageType', 'resource', ...tags.map((_, n) => `tag${n}`)]
    const excess =
      'CAST(cost AS DOUBLE) / (CAST($end AS DATE) - CAST($start AS DATE) + 1) - CAST(previous AS DOUBLE) / (CAST($start AS DATE) - CAST($before AS DATE))'
    const isNow = 'day >= CAST($start AS DATE)'
    const sum = (column: string, condition: string) => `sum(${column}) FILTER (${condition})`
    const part = (dimension: string) => {
      const isTotal = dimension === 'total'
      const name = dimension.startsWith('tag') ? `'tag:' || $key${dimension.slice(3)}` : `'${dimension}'`
      const isFilled = isTotal ? 'true' : `${dimension} IS NOT NULL`
      return `SELECT ${name} AS dimension, ${isTotal ? 'NULL' : dimension} AS value,
  coalesce(sum(cost), 0) AS cost, coalesce(sum(previous), 0) AS previous, sum(used) AS used, sum(usedBefore) AS usedBefore,
  CASE WHEN count(*) = count(unit) AND min(unit) = max(unit) AND bool_and(isKnown) THEN min(unit) END AS unit FROM cells WHERE ${isFilled} GROUP BY ALL`
    }
    return {
      dataset: 'costs',
      values,
      sql: `WITH charges AS (
  SELECT ${selected}, coalesce(SkuMeter, SkuId, ChargeDescription) AS usageType, ResourceId AS resource, ${['true AS x', ...tags].join(', ')},
    coalesce(PricingUnit, ConsumedUnit) AS unit, CAST(ChargePeriodStart AS DATE) AS day, EffectiveCost AS cost, ${quantity} AS quantity
  FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($before AS DATE) AND CAST($end AS DATE)
    AND BillingCurrency = $currency AND ${conditions.join(' AND ')}
), cells AS MATERIALIZED (
  SELECT ${dimensions.join(', ')}, unit, ${sum('cost', isNow)} AS cost, ${sum('cost', `NOT ${isNow}`)} AS previous,
    bool_and(quantity IS NOT NULL) AS isKnown, ${sum('quantity', isNow)} AS used, ${sum('quantity', `NOT ${isNow}`)} AS usedBefore
  FROM charges GROUP BY ALL
)
SELECT dimension, value, CAST(cost AS VARCHAR) AS cost, CAST(previous AS VARCHAR) AS previous, unit,
  CASE WHEN unit IS NOT NULL THEN CAST(coalesce(used, 0) AS VARCHAR) END AS used,
  CASE WHEN unit IS NOT NULL THEN CAST(coalesce(usedBefore, 0) AS VARCHAR) END AS "usedBefore"
FROM (${['total', ...dimensions].map(part).join('\n UNION ALL ')})
QUALIFY row_number() OVER (PARTITION BY dimension ORDER BY abs(${excess}) DESC, value) <= $most
ORDER BY dimension, value`,
    }
  },
}
