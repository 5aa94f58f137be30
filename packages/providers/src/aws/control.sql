-- The bill's own total: the sum of its cost column, without the lines of split cost allocation.
-- The raw text is grouped first, so that few values are converted.
SELECT
  'AWS' AS provider,
  bill_account('AWS', bill_payer_account_id) AS billing_account_id,
  bill_month(bill_time(bill_billing_period_start_date)) AS period,
  bill_currency(line_item_currency_code) AS currency,
  sum(total) AS total,
  sum(rows) AS rows,
  'billed' AS metric
FROM (
  SELECT
    bill_payer_account_id,
    bill_billing_period_start_date,
    line_item_currency_code,
    -- If the bill has net costs, a discount with a blank net cost is already in the other lines.
    CASE
      WHEN NOT is_net THEN sum(line_item_unblended_cost)
      ELSE coalesce(sum(line_item_net_unblended_cost), 0)
        + coalesce(sum(line_item_unblended_cost) FILTER (WHERE line_item_net_unblended_cost IS NULL AND line_item_line_item_type NOT LIKE '%Discount'), 0)
    END AS total,
    count(*) AS rows
  FROM source, bill
  WHERE split_line_item_parent_resource_id IS NULL
  GROUP BY bill_payer_account_id, bill_billing_period_start_date, line_item_currency_code, is_net
)
GROUP BY ALL
