-- Whether two files hold the same on-demand charges: then they are the two sets of one period. Parts of one set share none.
-- A thousand charges of one file are enough to look for in the other.
WITH some AS (
  SELECT DISTINCT Date, MeterId, ResourceId, Quantity, Cost FROM (SELECT * FROM source WHERE coalesce(lower(ChargeType), 'usage') = 'usage' LIMIT 1000)
)
SELECT coalesce(count(*) FILTER (WHERE other.Cost IS NOT NULL) * 2 > count(*), false)
FROM some
LEFT JOIN (SELECT DISTINCT Date, MeterId, ResourceId, Quantity, Cost FROM other) AS other
  ON some.Date = other.Date
    AND some.Quantity IS NOT DISTINCT FROM other.Quantity
    AND some.Cost = other.Cost
    AND some.MeterId IS NOT DISTINCT FROM other.MeterId
    AND lower(some.ResourceId) IS NOT DISTINCT FROM lower(other.ResourceId)
