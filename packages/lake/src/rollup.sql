-- cost_rollup answers most questions: one row for each day and combination of dimensions. It reads the relation `costs`.
SELECT
  CAST(ChargePeriodStart AS DATE)  AS ChargeDay,
  -- The dates of the provider's own zone, UTC-12 to UTC+14.
  CAST(BillingPeriodStart + INTERVAL 14 HOUR AS DATE) AS BillingPeriodStart,
  CAST(BillingPeriodEnd + INTERVAL 14 HOUR AS DATE)   AS BillingPeriodEnd,
  ServiceProviderName,
  BillingAccountId,
  BillingCurrency,
  SubAccountId,
  SubAccountName,
  ServiceName,
  ServiceCategory,
  RegionId,
  ChargeCategory,
  ChargeClass,
  PricingCategory,
  CommitmentDiscountStatus,
  CommitmentDiscountId IS NOT NULL AS IsCommitment,
  sum(BilledCost)                  AS BilledCost,
  sum(EffectiveCost)               AS EffectiveCost,
  sum(ListCost)                    AS ListCost,
  sum(ContractedCost)              AS ContractedCost,
  count(*)                         AS x_Rows
FROM costs
GROUP BY ALL
