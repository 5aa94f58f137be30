-- What an AWS bill comes to: the sum of its own cost column, of every line that is not a part of another one.
SELECT
  'AWS' AS provider,
  bill_payer_account_id AS billing_account_id,
  strftime(bill_time(bill_billing_period_start_date), '%Y-%m') AS period,
  line_item_currency_code AS currency,
  -- Where there are net costs, a blank one on a discount means that the discount is in the other lines.
  CASE
    WHEN NOT is_net THEN sum(line_item_unblended_cost)
    ELSE coalesce(sum(line_item_net_unblended_cost), 0)
      + coalesce(sum(line_item_unblended_cost) FILTER (WHERE line_item_net_unblended_cost IS NULL AND line_item_line_item_type NOT LIKE '%Discount'), 0)
  END AS total,
  count(*) AS rows,
  'billed' AS metric
FROM source, bill
WHERE split_line_item_parent_resource_id IS NULL
GROUP BY 1, 2, 3, 4, is_net
