-- The actual set: the cost of a row is its billed cost. Without the amortized set, it is the effective cost too.
-- With the amortized set of the same period, only rows that the other set lacks are read: purchases and refunds of
-- reservations and savings plans. Their effective cost is 0, because the amortized set spreads it over the usage.
SELECT
  Cost AS BilledCost,
  CASE WHEN is_paired THEN 0 ELSE Cost END AS EffectiveCost,
  list_cost AS ListCost,
  CASE WHEN is_covered THEN cost_at_unit_price ELSE Cost END AS ContractedCost,
  charge.* EXCLUDE (Cost, rounded, is_covered, is_commitment_purchase, list_cost, cost_at_unit_price, is_paired)
FROM (
  -- A file may have several periods, and the delivery may lack the amortized set of some of them.
  SELECT *, coalesce(list_contains(getvariable('paired'), BillingAccountId || '/' || bill_month(BillingPeriodStart)), false) AS is_paired
  FROM charge
) AS charge
WHERE NOT is_paired OR is_commitment_purchase
