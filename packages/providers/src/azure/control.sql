-- What an Azure cost export comes to: the sum of its own cost column.
SELECT
  'Microsoft' AS provider,
  BillingAccountId AS billing_account_id,
  strftime(BillingPeriodStart, '%Y-%m') AS period,
  BillingCurrency AS currency,
  sum(Cost) AS total,
  count(*) AS rows
FROM charge
GROUP BY ALL
