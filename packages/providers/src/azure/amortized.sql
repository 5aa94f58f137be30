-- The amortized set: each row's cost is what it is worth. Usage that a reservation or savings plan covers, and what of it stays unused, was paid with
-- the purchase, so it is billed 0 here; the purchases themselves are not in this set. Beside the actual set of the same period it gives all its rows.
SELECT
  CASE WHEN is_covered THEN 0 ELSE Cost END AS BilledCost,
  Cost AS EffectiveCost,
  list_cost AS ListCost,
  CASE WHEN is_covered THEN cost_at_unit_price ELSE Cost END AS ContractedCost,
  charge.* EXCLUDE (Cost, is_covered, is_commitment_purchase, list_cost, cost_at_unit_price)
FROM charge
