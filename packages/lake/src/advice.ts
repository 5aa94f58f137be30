import type { Queries } from '@cloudoptima/core'
import { accountOfRow } from './relation.ts'
import { ofResource, type Statement } from './statement.ts'

type Name = 'utilizationLevels' | 'resourceCharges' | 'commitmentCosts' | 'committedUse' | 'onDemandUsage'

const costWhere = (condition: string) => `CAST(coalesce(sum(EffectiveCost) FILTER (${condition}), 0) AS VARCHAR)`
const isUsage = "ChargeCategory = 'Usage'"
/** Azure prices blocks: 7.3 of `100 Hours` are 730. AWS bills gp3's throughput by the GiB, and limits it in MiB. */
const block = `CASE WHEN PricingUnit ILIKE 'GiBps-Mo%' THEN 1024
  ELSE coalesce(TRY_CAST(regexp_extract(PricingUnit, '^([0-9]+) ', 1) AS INTEGER), 1) END`
/** `PricingQuantity` in single units; NULL if it is too large for an exact sum. */
const units = `CASE WHEN abs(CAST(PricingQuantity AS DOUBLE)) * (${block}) <= 1e13
  THEN PricingQuantity * (${block}) END`

/** Meters of machines, as `coveredUsage` of the rules reads them. */
const ofMachines =
  "regexp_matches(meter, 'BoxUsage:|InstanceUsage:|Multi-AZUsage:|Fargate-|Lambda-GB-Second|Instance (Core|Ram)') OR (service = 'Virtual Machines' AND regexp_matches(meter, '^[A-Z]+[0-9]'))"

/** What the recommendations read. */
export const adviceStatements: {
  [N in Name]: (parameters: Queries[N]['parameters']) => Statement<Queries[N]['dataset']>
} = {
  // The levels of `summarize` and the hours of `isOffHour` in the rules. The hours of 100,000 resources fit no function.
  utilizationLevels: (values) => {
    const level = (column: string) =>
      `list_sort(list(${column}))[CAST(greatest(ceil(count(*) * 0.99), ceil(any_value(expected) * $knownShare)) AS BIGINT)]`
    return {
      dataset: 'utilization',
      values: { ...values },
      sql: `WITH given AS (
  SELECT unnest(from_json($expected, '[{"id":"VARCHAR","all":"DOUBLE","off":"DOUBLE"}]'), recursive := true)
), away AS (
  SELECT unnest(from_json($offHours, '["VARCHAR"]')) AS hour
), measured AS (
  SELECT lower(ResourceId) AS id, x_Metric AS metric, x_Average, x_Maximum, x_Hour AS hour
  FROM {files} WHERE x_Hour >= $start AND x_Hour < $end AND hash(lower(ResourceId)) % $buckets = $bucket
), doubled AS (
  SELECT *, 0 AS off FROM measured
  UNION ALL SELECT *, 1 AS off FROM measured WHERE hour IN (SELECT hour FROM away)
), told AS (
  SELECT doubled.*, coalesce(CASE doubled.off WHEN 0 THEN given."all" ELSE given.off END, CASE doubled.off WHEN 0 THEN $hours ELSE (SELECT count(*) FROM away) END) AS expected
  FROM doubled LEFT JOIN given USING (id)
)
SELECT id, metric, off, avg(x_Average) AS average, ${level('x_Average')} AS p99, ${level('x_Maximum')} AS "peakP99",
  max(x_Maximum) AS maximum, CAST(count(*) AS DOUBLE) AS hours, CAST(any_value(expected) AS DOUBLE) AS "hoursExpected"
FROM told GROUP BY id, metric, off ORDER BY id, metric, off`,
    }
  },

  resourceCharges: ({ start, end, most }) => ({
    dataset: 'costs',
    values: { start, end, most },
    sql: `SELECT lower(ResourceId) AS id, ServiceProviderName AS provider, ${accountOfRow('costs')} AS account, RegionId AS region,
  coalesce(SkuMeter, SkuId, ChargeDescription) AS meter, ServiceName AS service, BillingCurrency AS currency,
  CAST(sum(EffectiveCost) AS VARCHAR) AS effective,
  CASE WHEN count(*) FILTER (${isUsage}) = count(ListCost) FILTER (${isUsage}) THEN CAST(sum(ListCost) FILTER (${isUsage}) AS VARCHAR) END AS list,
  CASE WHEN count(*) FILTER (${isUsage}) = count(${units}) FILTER (${isUsage}) THEN CAST(sum(${units}) FILTER (${isUsage}) AS VARCHAR) END AS quantity,
  CommitmentDiscountId AS "commitmentId", CommitmentDiscountStatus AS "commitmentStatus"
FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)
  AND ${ofResource} AND EffectiveCost IS NOT NULL
GROUP BY ALL ORDER BY abs(sum(EffectiveCost)) DESC, id, meter LIMIT $most`,
  }),

  commitmentCosts: ({ start, end }) => ({
    dataset: 'costs',
    values: { start, end },
    sql: `SELECT lower(CommitmentDiscountId) AS id, ServiceProviderName AS provider, BillingCurrency AS currency,
  ${costWhere(`${isUsage} AND CommitmentDiscountStatus = 'Used'`)} AS used,
  ${costWhere(`${isUsage} AND CommitmentDiscountStatus = 'Unused'`)} AS unused,
  ${costWhere("ChargeCategory = 'Purchase'")} AS purchased
FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)
  AND CommitmentDiscountId IS NOT NULL GROUP BY ALL ORDER BY sum(EffectiveCost) DESC NULLS LAST, id`,
  }),

  // Google's own export only: other formats have no covered quantity. A fee counts even without the id of its commitment.
  committedUse: ({ start, end }) => ({
    dataset: 'costs',
    values: { start, end },
    sql: `WITH committed AS (
  SELECT BillingAccountId AS payer, SubAccountId AS account, RegionId AS region, SkuMeter AS meter,
    BillingCurrency AS currency, EffectiveCost AS cost, PricingUnit AS unit, ChargeCategory = 'Purchase' AS fee,
    CASE WHEN fee THEN PricingQuantity ELSE CommitmentDiscountQuantity END AS quantity
  FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)
    AND x_Format = 'gcp-export'
    AND (ChargeCategory = 'Purchase' AND SkuMeter ILIKE 'commitment v1: %' OR CommitmentDiscountQuantity IS NOT NULL
      OR CommitmentDiscountStatus = 'Used' AND CommitmentDiscountCategory = 'Usage')
)
SELECT payer, coalesce(region, '') AS region, meter, coalesce(unit, '') AS unit, currency, CAST(fee AS INTEGER) AS fee,
  CAST(to_json(list_sort(list(DISTINCT account))) AS VARCHAR) AS accounts, CAST(sum(cost) AS VARCHAR) AS cost,
  CASE WHEN count(*) = count(quantity) THEN CAST(sum(quantity) AS VARCHAR) END AS quantity
FROM committed GROUP BY payer, region, meter, unit, currency, fee ORDER BY payer, region, meter, unit, currency, fee`,
  }),

  onDemandUsage: ({ start, end, most }) => ({
    dataset: 'costs',
    values: { start, end, most },
    sql: `WITH usage AS (
  SELECT ServiceProviderName AS provider, BillingAccountId AS payer, RegionId AS region, coalesce(SkuMeter, SkuId, ChargeDescription) AS meter,
    ServiceName AS service, ChargeDescription AS description, BillingCurrency AS currency, list(DISTINCT ${accountOfRow('costs')}) AS accounts,
    max(epoch(ChargePeriodEnd) - epoch(ChargePeriodStart)) AS seconds, date_trunc('hour', ChargePeriodStart) AS hour, sum(EffectiveCost) AS cost,
    sum(coalesce(ContractedCost, EffectiveCost)) AS contracted, sum(coalesce(ListCost, ContractedCost, EffectiveCost)) AS listed
  FROM {files} WHERE CAST(ChargePeriodStart AS DATE) BETWEEN CAST($start AS DATE) AND CAST($end AS DATE)
    AND ChargeCategory = 'Usage' AND coalesce(PricingCategory, 'Standard') = 'Standard' AND CommitmentDiscountId IS NULL
    AND RegionId IS NOT NULL AND EffectiveCost IS NOT NULL
  GROUP BY ALL HAVING ${ofMachines}
)
SELECT provider, payer, region, meter, service, description, currency,
  CAST(to_json(list_sort(list_distinct(flatten(list(accounts))))) AS VARCHAR) AS accounts, CAST(max(seconds) AS DOUBLE) AS seconds,
  CAST(sum(contracted) AS VARCHAR) AS contracted, CAST(sum(listed) AS VARCHAR) AS listed,
  CAST(to_json(list(strftime(hour, '%Y-%m-%dT%H:00:00.000Z') ORDER BY hour)) AS VARCHAR) AS hours,
  CAST(to_json(list(CAST(cost AS VARCHAR) ORDER BY hour)) AS VARCHAR) AS costs
FROM usage GROUP BY provider, payer, region, meter, service, description, currency
ORDER BY sum(cost) DESC, payer, region, meter, description LIMIT $most`,
  }),
}
