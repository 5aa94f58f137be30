import type { ChargeKind, Queries } from '@cloudoptima/core'
import { conditionsOf, metricColumn, scope } from './scope.ts'
import type { Statement, Value } from './statement.ts'

const kinds: Record<Exclude<ChargeKind, 'usage'>, string> = {
  credits: "ChargeCategory IN ('Credit', 'Adjustment') OR ChargeClass = 'Correction'",
  tax: "ChargeCategory = 'Tax'",
  commitments:
    "CommitmentDiscountStatus = 'Unused' OR (ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NOT NULL)",
}

const kind = `CASE ${Object.entries(kinds)
  .map(([name, condition]) => `WHEN ${condition} THEN '${name}'`)
  .join(' ')} ELSE 'usage' END`

const leaf = `ServiceProviderName AS provider, coalesce(SubAccountId, BillingAccountId) AS account,
    ServiceName AS service, ResourceId AS resource, BillingCurrency AS currency,
    coalesce(SkuId, SkuPriceId) AS sku, coalesce(PricingUnit, ConsumedUnit) AS unit, ${kind} AS kind`

// Some units are so small that sums with 18 decimals overflow.
const quantity = 'CAST(coalesce(PricingQuantity, ConsumedQuantity) AS DECIMAL(38, 12))'

const text = (sum: string) => `CAST(${sum} AS VARCHAR)`

export const changeStatements = {
  costChanges(parameters: Queries['costChanges']['parameters']): Statement<'costs'> {
    const { metric, start, end, previousStart, previousEnd, currency, leaves } = parameters
    const { where, values, day } = scope(
      {
        ...parameters,
        start: previousStart < start ? previousStart : start,
        end: previousEnd > end ? previousEnd : end,
      },
      true,
    )
    const between = (from: string, to: string) => `${day} BETWEEN CAST(${from} AS DATE) AND CAST(${to} AS DATE)`
    const periods = [
      ['Before', between('$previous_start', '$previous_end')],
      ['After', between('$current_start', '$current_end')],
    ] as const
    const isForeign = 'PricingCurrency <> BillingCurrency AND PricingCurrencyEffectiveCost IS NOT NULL'
    const measures = periods.flatMap(([side, isWithin]) => [
      `coalesce(sum(${metricColumn[metric]}) FILTER (${isWithin}), 0) AS cost${side}`,
      `sum(${quantity}) FILTER (${isWithin}) AS quantity${side}`,
      `sum(EffectiveCost) FILTER (${isWithin} AND ${isForeign}) AS rated${side}`,
      `sum(PricingCurrencyEffectiveCost) FILTER (${isWithin} AND ${isForeign}) AS priced${side}`,
    ])
    const facts = ['quantity', 'rated', 'priced'].flatMap((name) => {
      const isKnown = name === 'quantity' ? 'leaf > 0' : 'leaf > 0 AND isOneCurrency'
      return periods.map(([side]) => `${text(`sum(${name}${side}) FILTER (${isKnown})`)} AS "${name}${side}"`)
    })
    const dates = {
      previous_start: previousStart,
      previous_end: previousEnd,
      current_start: start,
      current_end: end,
    }
    return {
      dataset: 'costs',
      values: { ...values, ...dates, currency, leaves },
      sql: `WITH leaves AS (
  SELECT ${leaf},
    min(PricingCurrency) = max(PricingCurrency) AS isOneCurrency,
    ${measures.join(',\n    ')}
  FROM {files} WHERE ${where} AND (${periods.map(([, isWithin]) => isWithin).join(' OR ')}) GROUP BY ALL
), ranked AS (
  SELECT *, currency = $currency AS isWanted,
    row_number() OVER (PARTITION BY currency ORDER BY abs(costAfter - costBefore) DESC, provider, account, service, resource, sku, unit, kind) AS place
  FROM leaves
), chosen AS (
  SELECT *, CASE WHEN isWanted AND place <= $leaves THEN place ELSE 0 END AS leaf FROM ranked
)
SELECT currency, CASE WHEN isWanted THEN provider END AS provider, CASE WHEN isWanted THEN account END AS account,
  CASE WHEN isWanted THEN service END AS service, CASE WHEN leaf > 0 THEN resource END AS resource,
  CASE WHEN isWanted THEN kind ELSE 'usage' END AS kind, leaf = 0 AS "isRest",
  ${text('sum(costBefore)')} AS "before", ${text('sum(costAfter)')} AS "after",
  ${facts.join(', ')}
FROM chosen GROUP BY 1, 2, 3, 4, 5, 6, leaf`,
    }
  },

  costRestatements({
    metric,
    filters,
    versions,
    pairs,
  }: Queries['costRestatements']['parameters']): Statement<'costs'> {
    const { conditions, values } = conditionsOf(filters)
    const sides = pairs.flatMap(({ earlier, later }, pair) => [
      { pair: String(pair), version: earlier, side: 'before' },
      { pair: String(pair), version: later, side: 'after' },
    ])
    const lists: Record<string, Value> = {
      versions: JSON.stringify(versions),
      side_pairs: JSON.stringify(sides.map(({ pair }) => pair)),
      side_versions: JSON.stringify(sides.map(({ version }) => version)),
      side_names: JSON.stringify(sides.map(({ side }) => side)),
    }
    const list = (name: string) => `from_json($${name}, '["VARCHAR"]')`
    const of = (measure: string, side: string) => `coalesce(sum(${measure}) FILTER (side = '${side}'), 0)`
    const measures = ['cost', 'quantity', 'n'].flatMap((measure) => [
      `${of(measure, 'before')} AS ${measure}Before`,
      `${of(measure, 'after')} AS ${measure}After`,
    ])
    return {
      dataset: 'costs',
      isNumbered: true,
      values: { ...values, ...lists },
      sql: `WITH cells AS (
  SELECT list_extract(${list('versions')}, x_File) AS version, CAST(ChargePeriodStart AS DATE) AS day, ${leaf},
    sum(${metricColumn[metric]}) AS cost, sum(${quantity}) AS quantity, count(*) AS n
  FROM {files} WHERE ${['true', ...conditions].join(' AND ')} GROUP BY ALL
), sides AS (
  SELECT unnest(${list('side_pairs')}) AS pair, unnest(${list('side_versions')}) AS version, unnest(${list('side_names')}) AS side
), leaves AS (
  SELECT pair, day, provider, account, service, resource, currency, sku, unit, kind, ${measures.join(', ')}
  FROM cells JOIN sides USING (version) GROUP BY ALL
), causes AS (
  SELECT *, CASE
      WHEN kind <> 'usage' THEN kind
      WHEN nBefore = 0 THEN 'lateUsage'
      WHEN nAfter = 0 THEN 'removed'
      WHEN quantityBefore = quantityAfter THEN 'price'
      WHEN quantityAfter < quantityBefore THEN 'removed'
      ELSE 'lateUsage'
    END AS cause
  FROM leaves
)
SELECT CAST(pair AS INTEGER) AS pair, currency, service, CAST(CASE WHEN cause = 'lateUsage' THEN day END AS VARCHAR) AS day, cause,
  CAST(sum(nBefore) AS DOUBLE) AS "rowsBefore", CAST(sum(nAfter) AS DOUBLE) AS "rowsAfter",
  ${text('sum(costBefore)')} AS "before", ${text('sum(costAfter)')} AS "after"
FROM causes GROUP BY ALL`,
    }
  },
}
