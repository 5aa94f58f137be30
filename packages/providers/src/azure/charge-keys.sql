-- A number per on-demand charge that is equal in both sets of a period. Two parts of one set share almost none.
SELECT DISTINCT hash(Date, MeterId, lower(ResourceId), Quantity, Cost) AS charge
FROM source
WHERE coalesce(lower(ChargeType), 'usage') = 'usage'
