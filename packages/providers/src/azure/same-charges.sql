-- Whether two files hold the same on-demand charges: then they are the two sets of one period. Parts of one set share none.
-- A thousand charges of one file are enough to look for in the other.
WITH charge AS (
  SELECT DISTINCT Date, MeterId, ResourceId, Quantity, Cost FROM (SELECT * FROM source WHERE coalesce(lower(ChargeType), 'usage') = 'usage' LIMIT 1000)
)
SELECT coalesce(count(*) FILTER (WHERE other.Cost IS NOT NULL) * 2 > count(*), false)
FROM charge
LEFT JOIN (SELECT DISTINCT Date, MeterId, ResourceId, Quantity, Cost FROM other) AS other
  ON charge.Date = other.Date
    AND charge.Quantity IS NOT DISTINCT FROM other.Quantity
    AND charge.Cost = other.Cost
    AND charge.MeterId IS NOT DISTINCT FROM other.MeterId
    AND lower(charge.ResourceId) IS NOT DISTINCT FROM lower(other.ResourceId)
