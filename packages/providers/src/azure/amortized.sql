-- The amortized set: the cost of a row is its effective cost. Usage covered by a reservation or savings plan, and the
-- unused rest, are billed 0, because the purchase was billed. This set has no purchases. With the actual set of the same
-- period, all rows of this set are read.
SELECT
  CASE WHEN is_covered THEN 0 ELSE Cost END AS BilledCost,
  Cost AS EffectiveCost,
  list_cost AS ListCost,
  CASE WHEN is_covered THEN cost_at_unit_price ELSE Cost END AS ContractedCost,
  charge.* EXCLUDE (Cost, rounded, is_covered, is_commitment_purchase, list_cost, cost_at_unit_price)
FROM charge
