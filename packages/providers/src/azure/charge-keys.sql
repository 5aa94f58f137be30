-- One number for each on-demand charge, the same in both sets of a period. Parts of one set share next to none.
SELECT DISTINCT hash(Date, MeterId, lower(ResourceId), Quantity, Cost) AS charge
FROM source
WHERE coalesce(lower(ChargeType), 'usage') = 'usage'
