-- The bill's own total: the sum of its cost column and of all credits.
SELECT
  'Google Cloud' AS provider,
  bill_account('Google Cloud', billing_account_id) AS billing_account_id,
  bill_month(gcp_month(invoice_month)) AS period,
  bill_currency(currency) AS currency,
  sum(cost) + sum(gcp_credit_total(credits)) AS total,
  count(*) AS rows,
  sum(rounded + gcp_rounded_credits(credits)) AS rounded,
  'billed' AS metric
FROM source
GROUP BY ALL
