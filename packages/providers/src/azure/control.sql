-- The bill's own total: the sum of its cost column, and the part of it that is a commitment's purchase or refund.
SELECT
  'Microsoft' AS provider,
  BillingAccountId AS billing_account_id,
  bill_month(BillingPeriodStart) AS period,
  BillingCurrency AS currency,
  sum(Cost) AS total,
  count(*) AS rows,
  sum(rounded) AS rounded,
  coalesce(sum(Cost) FILTER (WHERE is_commitment_purchase), 0) AS purchase_total,
  count(*) FILTER (WHERE is_commitment_purchase) AS purchase_rows
FROM charge
GROUP BY ALL
