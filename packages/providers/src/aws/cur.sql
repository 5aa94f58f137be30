-- Maps the AWS Cost and Usage Report, legacy and 2.0, to the lake's columns. Columns have Athena's names.
--
-- Billed cost: `unblended_cost`, or `net_unblended_cost` if negotiated discounts are spread over the lines.
--   Then a discount line without net cost counts 0: the other lines contain it. `getvariable('net')` lists the bills.
--   A line covered by a Savings Plan shows its on-demand price, and a SavingsPlanNegation line subtracts that price.
--   The plan's fee is billed instead, so both lines are billed 0. AWS rounds both line by line, so their sums may
--   differ in the last digits, and they may be in different files of one delivery. A line of its own carries the
--   difference, so that the total stays that of AWS's column.
--   A line covered by a reservation (DiscountedUsage) costs 0 in AWS's column, because RIFee and Fee have its price.
-- Effective cost: covered lines cost their share of the commitment, fees their unused part, other lines the billed cost.
WITH
-- Split cost allocation repeats the cost of an instance on its tasks and pods. Only the instance's line counts.
line AS NOT MATERIALIZED (
  SELECT
    *,
    line_item_net_unblended_cost IS NOT NULL AS is_net,
    CASE
      WHEN line_item_net_unblended_cost IS NULL AND line_item_line_item_type LIKE '%Discount'
        AND list_contains(getvariable('net'), bill_account('AWS', bill_payer_account_id) || '/' || bill_month(bill_time(bill_billing_period_start_date))) THEN 0
      ELSE coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
    END AS own_cost,
    NULL::DECIMAL(38, 18) AS uncancelled_cost
  FROM source
  WHERE split_line_item_parent_resource_id IS NULL
),
uncancelled AS MATERIALIZED (
  SELECT
    bill_payer_account_id,
    any_value(bill_payer_account_name) AS bill_payer_account_name,
    any_value(bill_invoicing_entity) AS bill_invoicing_entity,
    bill_billing_period_start_date,
    bill_billing_period_end_date,
    bill_billing_period_start_date AS line_item_usage_start_date,
    bill_billing_period_end_date AS line_item_usage_end_date,
    line_item_currency_code,
    'Savings Plans usage and its negation, not cancelled' AS line_item_line_item_description,
    'SavingsPlanUncancelled' AS line_item_line_item_type,
    'ComputeSavingsPlans' AS line_item_product_code,
    0::DECIMAL(38, 18) AS own_cost,
    sum(own_cost)::DECIMAL(38, 18) AS uncancelled_cost
  FROM line
  WHERE line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
  GROUP BY bill_payer_account_id, bill_billing_period_start_date, bill_billing_period_end_date, line_item_currency_code
  HAVING sum(own_cost) <> 0
),
charge AS NOT MATERIALIZED (
  SELECT
    *,
    CASE
      WHEN line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation') THEN 0
      WHEN line_item_line_item_type = 'SavingsPlanUncancelled' THEN uncancelled_cost
      ELSE own_cost
    END AS billed_cost,
    CASE
      WHEN line_item_line_item_type IN ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') THEN 'Usage'
      WHEN line_item_line_item_type IN ('Fee', 'RIFee', 'SavingsPlanRecurringFee', 'SPRecurringFee', 'SavingsPlanUpfrontFee', 'SPUpfrontFee') THEN 'Purchase'
      WHEN line_item_line_item_type = 'Tax' THEN 'Tax'
      WHEN line_item_line_item_type IN ('Credit', 'Refund') THEN 'Credit'
      ELSE 'Adjustment'
    END AS charge_category,
    -- On uncovered usage, the ARN is that of a capacity reservation.
    CASE WHEN reservation_reservation_a_r_n LIKE '%:capacity-reservation/%' THEN NULL ELSE reservation_reservation_a_r_n END AS reserved_instance,
    CASE WHEN reservation_reservation_a_r_n LIKE '%:capacity-reservation/%' THEN reservation_reservation_a_r_n END AS capacity_reservation,
    coalesce(product_region_code, product_region, bill_entry(product, 'region')) AS region_id
  FROM (SELECT * FROM line UNION ALL BY NAME SELECT * FROM uncancelled)
)
SELECT
  -- Costs
  billed_cost AS BilledCost,
  CASE
    WHEN line_item_line_item_type = 'SavingsPlanCoveredUsage' THEN
      coalesce(CASE WHEN is_net THEN savings_plan_net_savings_plan_effective_cost END, savings_plan_savings_plan_effective_cost)
    WHEN line_item_line_item_type = 'DiscountedUsage' THEN coalesce(CASE WHEN is_net THEN reservation_net_effective_cost END, reservation_effective_cost)
    -- A missing upfront or recurring fee is blank.
    WHEN line_item_line_item_type = 'RIFee' THEN
      coalesce(CASE WHEN is_net THEN reservation_net_unused_amortized_upfront_fee_for_billing_period END, reservation_unused_amortized_upfront_fee_for_billing_period, 0)
      + coalesce(CASE WHEN is_net THEN reservation_net_unused_recurring_fee END, reservation_unused_recurring_fee, 0)
    WHEN line_item_line_item_type IN ('SavingsPlanRecurringFee', 'SPRecurringFee') THEN
      coalesce(savings_plan_total_commitment_to_date, 0) - coalesce(savings_plan_used_commitment, 0)
    WHEN line_item_line_item_type IN ('SavingsPlanUpfrontFee', 'SPUpfrontFee', 'SavingsPlanNegation', 'SavingsPlanUncancelled') THEN 0
    WHEN line_item_line_item_type = 'Fee' AND reserved_instance IS NOT NULL THEN 0
    ELSE own_cost
  END AS EffectiveCost,
  pricing_public_on_demand_cost AS ListCost,
  CASE
    -- CUR has no negotiated price for reserved usage.
    WHEN line_item_line_item_type = 'DiscountedUsage' THEN NULL
    WHEN line_item_line_item_type IN ('SavingsPlanNegation', 'SavingsPlanUncancelled') THEN 0
    ELSE own_cost
  END AS ContractedCost,
  bill_currency(line_item_currency_code) AS BillingCurrency,

  -- Billing account, issuer, period
  bill_account('AWS', bill_payer_account_id) AS BillingAccountId,
  bill_payer_account_name AS BillingAccountName,
  'Payer Account' AS BillingAccountType,
  bill_account('AWS', line_item_usage_account_id) AS SubAccountId,
  line_item_usage_account_name AS SubAccountName,
  CASE WHEN line_item_usage_account_id IS NOT NULL THEN 'Usage Account' END AS SubAccountType,
  bill_invoice_id AS InvoiceId,
  -- The invoicing company of AWS, as in AWS's own FOCUS export.
  coalesce(bill_invoicing_entity, line_item_legal_entity) AS InvoiceIssuerName,
  'AWS' AS ServiceProviderName,
  'AWS' AS ProviderName,
  CASE WHEN bill_billing_entity = 'AWS Marketplace' THEN NULL ELSE 'AWS' END AS HostProviderName,
  line_item_legal_entity AS PublisherName,
  bill_time(bill_billing_period_start_date) AS BillingPeriodStart,
  CASE WHEN bill_billing_period_end_date IS NULL THEN bill_time(bill_billing_period_start_date) + INTERVAL 1 MONTH ELSE bill_time(bill_billing_period_end_date) END AS BillingPeriodEnd,

  -- Kind and time of the charge
  bill_time(line_item_usage_start_date) AS ChargePeriodStart,
  bill_time(coalesce(line_item_usage_end_date, line_item_usage_start_date)) AS ChargePeriodEnd,
  charge_category AS ChargeCategory,
  CASE WHEN line_item_line_item_type = 'Refund' THEN 'Correction' END AS ChargeClass,
  line_item_line_item_description AS ChargeDescription,
  CASE
    WHEN charge_category = 'Usage' THEN 'Usage-Based'
    WHEN line_item_line_item_type IN ('RIFee', 'SavingsPlanRecurringFee', 'SPRecurringFee') THEN 'Recurring'
    ELSE 'One-Time'
  END AS ChargeFrequency,

  -- Price and quantity
  CASE
    WHEN line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'DiscountedUsage') THEN 'Committed'
    WHEN line_item_line_item_type = 'Usage' AND line_item_usage_type LIKE '%SpotUsage%' THEN 'Dynamic'
    WHEN charge_category IN ('Usage', 'Purchase') THEN 'Standard'
  END AS PricingCategory,
  CASE WHEN charge_category IN ('Usage', 'Purchase') THEN line_item_usage_amount END AS PricingQuantity,
  CASE WHEN charge_category IN ('Usage', 'Purchase') THEN aws_unit(pricing_unit) END AS PricingUnit,
  TRY_CAST(replace(pricing_public_on_demand_rate, '_', '?') AS DECIMAL(38, 18)) AS ListUnitPrice,
  CASE WHEN line_item_line_item_type = 'Usage' AND NOT is_net THEN TRY_CAST(replace(line_item_unblended_rate, '_', '?') AS DECIMAL(38, 18)) END AS ContractedUnitPrice,
  -- Charges without a price, such as tax, have no pricing currency. They get the billing currency.
  coalesce(pricing_currency, bill_currency(line_item_currency_code)) AS PricingCurrency,
  CASE WHEN charge_category = 'Usage' THEN line_item_usage_amount END AS ConsumedQuantity,
  CASE WHEN charge_category = 'Usage' THEN aws_unit(pricing_unit) END AS ConsumedUnit,
  product_sku AS SkuId,
  line_item_usage_type AS SkuMeter,
  pricing_rate_code AS SkuPriceId,

  -- Commitments and capacity
  coalesce(savings_plan_savings_plan_a_r_n, reserved_instance) AS CommitmentDiscountId,
  CASE WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Spend' WHEN reserved_instance IS NOT NULL THEN 'Usage' END AS CommitmentDiscountCategory,
  CASE WHEN savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Savings Plan' WHEN reserved_instance IS NOT NULL THEN 'Reserved Instance' END AS CommitmentDiscountType,
  CASE WHEN line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'DiscountedUsage') THEN 'Used' END AS CommitmentDiscountStatus,
  capacity_reservation AS CapacityReservationId,
  CASE
    WHEN capacity_reservation IS NULL THEN NULL
    WHEN line_item_usage_type LIKE '%UnusedBox%' OR line_item_usage_type LIKE '%UnusedDed%' THEN 'Unused'
    ELSE 'Used'
  END AS CapacityReservationStatus,

  -- Service, resource, place
  coalesce(service.category, 'Other') AS ServiceCategory,
  coalesce(service.subcategory, 'Other (Other)') AS ServiceSubcategory,
  coalesce(product_product_name, bill_entry(product, 'product_name'), product_servicename, line_item_product_code) AS ServiceName,
  line_item_resource_id AS ResourceId,
  region_id AS RegionId,
  CASE
    WHEN region_id IS NULL THEN NULL
    -- Edge locations and local zones belong to a region.
    ELSE coalesce(CASE WHEN product_location_type IS NULL OR product_location_type = 'AWS Region' THEN product_location END, region.name)
  END AS RegionName,
  line_item_availability_zone AS AvailabilityZone,
  -- CUR 2.0 has one map, with the origin in its keys (user_team, aws_created_by). Legacy reports have a column per tag.
  coalesce(gathered_tags, regexp_replace(bill_tags(coalesce(tags, resource_tags)), '([{,]\s*)"(?:resource_?[Tt]ags/)?user[_:]', '\1"', 'g')) AS Tags,

  x_SourceRow
FROM charge
LEFT JOIN aws_region AS region ON region.id = region_id
LEFT JOIN service_category AS service ON service.provider = 'AWS' AND service.code = lower(line_item_product_code)
