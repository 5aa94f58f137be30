-- A number per charge that both sets of a period have: all but those of commitments. Two parts of one set share few.
SELECT DISTINCT hash(Date, lower(SubscriptionId), lower(ChargeType), MeterId, Product, lower(ResourceId), Quantity, Cost) AS charge
FROM source
WHERE coalesce(lower(replace(PricingModel, ' ', '')), '') NOT IN ('reservation', 'savingsplan')
  AND NOT (PricingModel IS NULL AND ReservationId IS NOT NULL)
  AND coalesce(lower(replace(ChargeType, ' ', '')), '') NOT IN ('unusedreservation', 'unusedsavingsplan')
