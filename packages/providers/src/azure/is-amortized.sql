-- Both sets have the same headers. Only the amortized set has a cost of covered usage, and rows of unused commitments.
-- A file without either (on-demand usage only) is equal in both sets and is read as actual.
SELECT EXISTS (
  SELECT 1 FROM source
  WHERE lower(replace(ChargeType, ' ', '')) IN ('unusedreservation', 'unusedsavingsplan')
    OR (
      -- Older exports have no pricing model, but they have the reservation.
      (lower(replace(PricingModel, ' ', '')) IN ('reservation', 'savingsplan') OR (PricingModel IS NULL AND ReservationId IS NOT NULL))
      AND lower(ChargeType) = 'usage' AND Cost <> 0
    )
)
