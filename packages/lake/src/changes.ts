import { type ChargeKind, mostConverted, type Queries } from '@cloudoptima/core'
import { conditionsOf, metricColumn, rateDay, scope } from './scope.ts'
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
    const { metric, start, end, previousStart, previousEnd, currency, leaves, convertTo } = parameters
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
    const sides = ['Before', 'After'] as const
    const measures = periods.flatMap(([side, isWithin]) => [
      `coalesce(sum(${metricColumn[metric]}) FILTER (${isWithin}), 0) AS cost${side}`,
      `sum(${quantity}) FILTER (${isWithin}) AS quantity${side}`,
      `coalesce(sum(EffectiveCost) FILTER (${isWithin} AND ${isForeign}), 0) AS rated${side}`,
      `coalesce(sum(PricingCurrencyEffectiveCost) FILTER (${isWithin} AND ${isForeign}), 0) AS priced${side}`,
    ])
    const totals = ['cost', 'quantity', 'priced']
      .flatMap((name) => sides.map((side) => `sum(${name}${side}) AS ${name}${side}`))
      .join(', ')
    const rate = rateDay(convertTo, 'BillingCurrency', day)
    // Without prices in another currency, those of a charge that is to be converted are in its own.
    const rated = (side: string, own: string, whole: string) =>
      `CASE WHEN isPriced THEN ${own}${side} WHEN days.rateDay IS NULL THEN 0 ELSE ${whole}${side} END`
    const each = (made: (side: string) => string) => sides.map((side) => text(made(side))).join(', ')
    const isWanted = convertTo === undefined ? 'currency = $currency' : 'true'
    const ofRest = ['provider', 'account', 'service'].map((name) => `CASE WHEN ${isWanted} THEN ${name} END AS ${name}`)
    const whole = (side: string) =>
      `CASE WHEN rateDay IS NULL THEN 0 ELSE sum(sum(cost${side})) OVER (PARTITION BY currency, provider, account, service, kind) END`
    // Without a conversion, a leaf is one row already.
    const [leavesSql, largestFirst] =
      convertTo === undefined
        ? [
            `SELECT *, coalesce(first = last, false) AS isPriced FROM days WHERE ${isWanted}`,
            'ORDER BY abs(costAfter - costBefore) DESC, id LIMIT $leaves',
          ]
        : [
            `SELECT id, currency, coalesce(min(first) = max(last), false) AS isPriced, ${totals} FROM days GROUP BY id, currency`,
            'QUALIFY row_number() OVER (PARTITION BY currency ORDER BY abs(costAfter - costBefore) DESC, id) <= $leaves',
          ]
    const dates = {
      previous_start: previousStart,
      previous_end: previousEnd,
      current_start: start,
      current_end: end,
    }
    return {
      dataset: 'costs',
      values: { ...values, ...dates, ...rate.values, leaves, ...(convertTo === undefined && { currency }) },
      // Equal changes are chosen by hash, so that the same question has the same answer.
      sql: `WITH days AS MATERIALIZED (
  SELECT ${columns}, ${place}, ${rate.sql} AS rateDay,
    min(PricingCurrency) FILTER (${isForeign}) AS first, max(PricingCurrency) FILTER (${isForeign}) AS last,
    ${measures.join(',\n    ')},
    hash(provider, account, resource, sku, unit, service, currency, kind) AS id
  FROM {files} WHERE ${where} AND (${periods.map(([, isWithin]) => isWithin).join(' OR ')}) GROUP BY ALL
), leaves AS (
  ${leavesSql}
), largest AS (
  SELECT * FROM leaves ${largestFirst}
), rest AS (
  SELECT currency, rateDay, ${ofRest.join(', ')}, CASE WHEN ${isWanted} THEN kind ELSE 'usage' END AS kind, costBefore, costAfter
  FROM days ANTI JOIN largest USING (id)
)
SELECT days.currency, CAST(days.rateDay AS VARCHAR) AS "rateDay", days.provider, days.account, days.service, days.resource, days.kind, CAST(days.id AS VARCHAR) AS leaf,
  ${sides.map((side) => `${text(`days.cost${side}`)} AS "${side.toLowerCase()}"`).join(', ')},
  ${sides.map((side) => `${text(rated(side, 'days.rated', 'days.cost'))} AS "rated${side}"`).join(', ')},
  ${sides.map((side) => `${text(rated(side, 'largest.priced', 'largest.cost'))} AS "priced${side}"`).join(', ')},
  ${sides.map((side) => `${text(`largest.quantity${side}`)} AS "quantity${side}"`).join(', ')}
FROM days JOIN largest ON days.id = largest.id
UNION ALL SELECT currency, CAST(rateDay AS VARCHAR), provider, account, service, NULL, kind, NULL, ${each((side) => `sum(cost${side})`)},
  ${each((side) => `CASE WHEN rateDay IS NULL THEN 0 ELSE sum(cost${side}) END`)}, ${each(whole)}, NULL, NULL
FROM rest GROUP BY currency, rateDay, provider, account, service, kind
LIMIT ${mostConverted + 1}`,
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
