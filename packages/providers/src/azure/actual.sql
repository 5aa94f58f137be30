-- The actual set: each row's cost is what was billed. Alone it knows no amortization, so everything is worth what it was billed.
-- Beside the amortized set of the same period it gives only what that one lacks: purchases and refunds of reservations and savings plans,
-- which are worth 0, because the amortized set spreads their value over the usage.
SELECT
  Cost AS BilledCost,
  CASE WHEN is_paired THEN 0 ELSE Cost END AS EffectiveCost,
  list_cost AS ListCost,
  CASE WHEN is_covered THEN cost_at_unit_price ELSE Cost END AS ContractedCost,
  charge.* EXCLUDE (Cost, is_covered, is_commitment_purchase, list_cost, cost_at_unit_price, is_paired)
FROM (
  -- A file may hold several periods, and not each of them may have its amortized half in the delivery.
  SELECT *, list_contains(getvariable('paired'), BillingAccountId || '/' || strftime(BillingPeriodStart, '%Y-%m')) AS is_paired
  FROM charge
) AS charge
WHERE NOT is_paired OR is_commitment_purchase
