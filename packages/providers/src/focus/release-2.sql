-- Microsoft's 1.0r2 has the columns of 1.0. Only its times differ: they have seconds (2024-01-01T00:00:00Z).
-- https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-focus
-- The first rows decide, because an export uses one format throughout.
SELECT coalesce(bool_and(ProviderName = 'Microsoft' AND BillingPeriodStart LIKE '____-__-__T__:__:__Z'), false)
FROM (SELECT ProviderName, BillingPeriodStart FROM source LIMIT 100)
