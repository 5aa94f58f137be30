-- The two sets have the same headers. Only the amortized one gives usage that a commitment covers a cost, and only it has rows for what stays unused.
-- A file without either (on-demand usage only) is the same in both sets and is taken as actual.
SELECT EXISTS (
  SELECT 1 FROM source
  WHERE lower(replace(ChargeType, ' ', '')) IN ('unusedreservation', 'unusedsavingsplan')
    OR (lower(replace(PricingModel, ' ', '')) IN ('reservation', 'savingsplan') AND lower(ChargeType) = 'usage' AND Cost <> 0)
)
