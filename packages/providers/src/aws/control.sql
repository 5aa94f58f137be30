-- The bill's own total: the sum of its cost column, without the lines of split cost allocation.
-- The raw text is grouped first, so that few values are converted.
SELECT
  'AWS' AS provider,
  bill_account('AWS', bill_payer_account_id) AS billing_account_id,
  bill_month(bill_time(bill_billing_period_start_date)) AS period,
  bill_currency(line_item_currency_code) AS currency,
  sum(total) AS total,
  sum(total) - coalesce(sum(blank_discount), 0) AS net_total,
  bool_or(has_net) AS has_net,
  sum(rows) AS rows,
  'billed' AS metric
FROM (
  SELECT
    bill_payer_account_id,
    bill_billing_period_start_date,
    line_item_currency_code,
    sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)) AS total,
    -- If the bill has net costs, the other lines contain a discount without net cost.
    sum(line_item_unblended_cost) FILTER (line_item_net_unblended_cost IS NULL AND line_item_line_item_type LIKE '%Discount') AS blank_discount,
    count(line_item_net_unblended_cost) > 0 AS has_net,
    count(*) AS rows
  FROM source
  WHERE split_line_item_parent_resource_id IS NULL
  GROUP BY bill_payer_account_id, bill_billing_period_start_date, line_item_currency_code
)
GROUP BY ALL
