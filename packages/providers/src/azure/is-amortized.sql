-- Both sets have the same headers. Only the amortized set has a cost of covered usage, and rows of unused commitments.
-- A file without either (on-demand usage only) is equal in both sets and is read as actual.
SELECT EXISTS (
  SELECT 1 FROM source
  WHERE lower(replace(ChargeType, ' ', '')) IN ('unusedreservation', 'unusedsavingsplan')
    OR (lower(replace(PricingModel, ' ', '')) IN ('reservation', 'savingsplan') AND lower(ChargeType) = 'usage' AND Cost <> 0)
)
