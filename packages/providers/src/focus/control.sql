-- The bill's own total: the sum of its BilledCost.
SELECT
  coalesce(ServiceProviderName, ProviderName) AS provider,
  BillingAccountId AS billing_account_id,
  strftime(bill_time(BillingPeriodStart), '%Y-%m') AS period,
  BillingCurrency AS currency,
  sum(BilledCost) AS total,
  count(*) AS rows,
  'billed' AS metric
FROM source
GROUP BY ALL
