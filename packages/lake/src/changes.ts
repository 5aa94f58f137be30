import type { ChargeKind, Queries } from '@cloudoptima/core'
import { conditionsOf, metricColumn, scope } from './scope.ts'
import type { Statement } from './statement.ts'

const kinds: Record<Exclude<ChargeKind, 'usage'>, string> = {
  credits: "ChargeCategory IN ('Credit', 'Adjustment') OR ChargeClass = 'Correction'",
  tax: "ChargeCategory = 'Tax'",
  commitments:
    "CommitmentDiscountStatus = 'Unused' OR (ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NOT NULL)",
}

const kind = `CASE ${Object.entries(kinds)
  .map(([name, condition]) => `WHEN ${condition} THEN '${name}'`)
  .join(' ')} ELSE 'usage' END`

const leaf = {
  provider: 'ServiceProviderName',
  account: 'coalesce(SubAccountId, BillingAccountId)',
  resource: 'ResourceId',
  sku: 'coalesce(SkuId, SkuPriceId)',
  unit: 'coalesce(PricingUnit, ConsumedUnit)',
}
const place = `ServiceName AS service, BillingCurrency AS currency, ${kind} AS kind`
const columns = Object.entries(leaf)
  .map(([name, column]) => `${column} AS ${name}`)
  .join(', ')

// Sums of larger quantities, such as bytes, could overflow.
const known = 'coalesce(PricingQuantity, ConsumedQuantity)'
const most = 'CAST(1e13 AS DECIMAL(38, 18))'
const quantity = `CASE WHEN ${known} BETWEEN -${most} AND ${most} THEN ${known} END`

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
    const names = ['quantity', 'rated', 'priced'].flatMap((name) => [`${name}Before`, `${name}After`])
    const facts = names.map((name) =>
      name.startsWith('quantity')
        ? `${text(name)} AS "${name}"`
        : `${text(`CASE WHEN isOneCurrency THEN ${name} END`)} AS "${name}"`,
    )
    const unknown = names.map(() => 'NULL').join(', ')
    const sums = `${text('sum(costBefore)')}, ${text('sum(costAfter)')}, ${unknown}`
    const dates = {
      previous_start: previousStart,
      previous_end: previousEnd,
      current_start: start,
      current_end: end,
    }
    return {
      dataset: 'costs',
      values: { ...values, ...dates, currency, leaves },
      // Equal changes are chosen by hash, so that the same question has the same answer.
      sql: `WITH leaves AS MATERIALIZED (
  SELECT ${columns}, ${place},
    min(PricingCurrency) FILTER (${isForeign}) = max(PricingCurrency) FILTER (${isForeign}) AS isOneCurrency,
    ${measures.join(',\n    ')},
    hash(provider, account, resource, sku, unit, service, currency, kind) AS id
  FROM {files} WHERE ${where} AND (${periods.map(([, isWithin]) => isWithin).join(' OR ')}) GROUP BY ALL
), largest AS (
  SELECT id FROM leaves WHERE currency = $currency ORDER BY abs(costAfter - costBefore) DESC, id LIMIT $leaves
)
SELECT currency, provider, account, service, resource, kind, false AS "isRest",
  ${text('costBefore')} AS "before", ${text('costAfter')} AS "after", ${facts.join(', ')}
FROM leaves SEMI JOIN largest USING (id) WHERE currency = $currency
UNION ALL SELECT currency, provider, account, service, NULL, kind, true, ${sums}
FROM leaves ANTI JOIN largest USING (id) WHERE currency = $currency GROUP BY ALL
UNION ALL SELECT currency, NULL, NULL, NULL, NULL, 'usage', true, ${sums}
FROM leaves WHERE currency <> $currency GROUP BY ALL`,
    }
  },

  costRestatements({
    metric,
    filters,
    versions,
    pairs,
  }: Queries['costRestatements']['parameters']): Statement<'costs'> {
    const { conditions, values } = conditionsOf(filters)
    const files = (version: string) => versions.flatMap((own, index) => (own === version ? [index + 1] : []))
    const sides = pairs.flatMap(({ earlier, later }, pair) => [
      ...files(earlier).map((file) => ({ pair, x_File: file, side: 'before' })),
      ...files(later).map((file) => ({ pair, x_File: file, side: 'after' })),
    ])
    const of = (measure: string, side: string) => `coalesce(sum(${measure}) FILTER (side = '${side}'), 0)`
    const measures = ['cost', 'quantity', 'n'].flatMap((measure) => [
      `${of(measure, 'before')} AS ${measure}Before`,
      `${of(measure, 'after')} AS ${measure}After`,
    ])
    return {
      dataset: 'costs',
      isNumbered: true,
      values: { ...values, sides: JSON.stringify(sides) },
      sql: `WITH sides AS (
  SELECT unnest(from_json($sides, '[{"pair": "INTEGER", "x_File": "INTEGER", "side": "VARCHAR"}]'), recursive := true)
), charges AS (
  SELECT x_File, CAST(ChargePeriodStart AS DATE) AS day, ${place}, hash(${Object.values(leaf).join(', ')}) AS leaf,
    ${metricColumn[metric]} AS cost, ${quantity} AS quantity, 1 AS n
  FROM {files} WHERE ${['true', ...conditions].join(' AND ')}
), leaves AS (
  SELECT pair, day, service, currency, kind, leaf, ${measures.join(', ')}
  FROM charges JOIN sides USING (x_File) GROUP BY ALL
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
SELECT pair, currency, service, CAST(CASE WHEN cause = 'lateUsage' THEN day END AS VARCHAR) AS day, cause,
  CAST(sum(nBefore) AS DOUBLE) AS "rowsBefore", CAST(sum(nAfter) AS DOUBLE) AS "rowsAfter",
  ${text('sum(costBefore)')} AS "before", ${text('sum(costAfter)')} AS "after"
FROM causes GROUP BY ALL`,
    }
  },
}
