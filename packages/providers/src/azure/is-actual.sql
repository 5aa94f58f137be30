-- Only the actual set has purchases and refunds of commitments, and covered usage at cost 0.
SELECT EXISTS (
  SELECT 1 FROM source
  WHERE (lower(replace(PricingModel, ' ', '')) IN ('reservation', 'savingsplan') OR (PricingModel IS NULL AND ReservationId IS NOT NULL))
    AND (lower(ChargeType) IN ('purchase', 'refund') OR (lower(ChargeType) = 'usage' AND Cost = 0 AND Quantity > 0))
)
