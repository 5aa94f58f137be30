-- The bill's own total: the sum of its cost column.
SELECT
  'Microsoft' AS provider,
  BillingAccountId AS billing_account_id,
  strftime(BillingPeriodStart, '%Y-%m') AS period,
  BillingCurrency AS currency,
  sum(Cost) AS total,
  count(*) AS rows
FROM charge
GROUP BY ALL
