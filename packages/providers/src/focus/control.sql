-- The bill's own total: the sum of its BilledCost. The raw text is grouped first, so that few values are converted.
SELECT
  bill_provider(raw_provider) AS provider,
  bill_account(bill_provider(raw_provider), BillingAccountId) AS billing_account_id,
  bill_month(bill_time(BillingPeriodStart)) AS period,
  bill_currency(BillingCurrency) AS currency,
  sum(total) AS total,
  sum(rows) AS rows,
  sum(rounded) AS rounded,
  'billed' AS metric
FROM (
  SELECT
    coalesce(ServiceProviderName, ProviderName) AS raw_provider,
    BillingAccountId,
    BillingPeriodStart,
    BillingCurrency,
    sum(BilledCost) AS total,
    count(*) AS rows,
    sum(rounded) AS rounded
  FROM source
  GROUP BY ALL
)
GROUP BY ALL
