-- Maps the rows of Google Cloud's billing export, standard and detailed, to the lake's columns.
-- https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage
--
-- Billed and effective cost: the row's `cost` plus all its `credits`, as in Google's own FOCUS view. Google spreads the
--   fees of commitments over projects itself, and credits covered usage, so it has no separate amortized cost.
-- Contracted cost: before credits, without the discount of a commitment. List cost: `cost_at_list`.
WITH charge AS NOT MATERIALIZED (
  SELECT
    *,
    cost + gcp_credit_total(credits) AS net_cost,
    gcp_month(invoice_month) AS invoice_start,
    lower(coalesce(cost_type, 'regular')) AS kind,
    lower(coalesce(cost_type, 'regular')) = 'regular' AND sku_description ILIKE 'commitment%' AS is_fee,
    gcp_commitment_credit(credits) AS commitment_credit,
    gcp_covered_share(credits, cost) AS covered_share,
    consumption_model_description ILIKE '%CUD%' AS has_commitment_price,
    coalesce(resource_global_name, resource_name) AS resource
  FROM source
),
committed AS NOT MATERIALIZED (
  SELECT
    *,
    -- Resource-based commitments have no id in the export; the id of their credit tells them apart.
    CASE WHEN is_fee OR has_commitment_price OR commitment_credit IS NOT NULL THEN
      coalesce(subscription_instance_id, commitment_credit ->> 'id', commitment_credit ->> 'name', CASE WHEN has_commitment_price THEN consumption_model_id END)
    END AS commitment,
    -- Of resource-based commitments: what is committed, and what they cover, in pricing units such as core hours.
    CASE
      WHEN is_fee AND sku_description ILIKE 'commitment v1: %' THEN usage_amount_in_pricing_units
      WHEN covered_share IS NOT NULL THEN TRY_CAST(round(CAST(usage_amount_in_pricing_units AS DOUBLE) * covered_share, 9) AS DECIMAL(38, 18))
    END AS committed_quantity
  FROM charge
)
SELECT
  -- Costs
  net_cost AS BilledCost,
  net_cost AS EffectiveCost,
  cost_at_list AS ListCost,
  coalesce(cost_at_effective_price_default, cost) AS ContractedCost,
  bill_currency(currency) AS BillingCurrency,

  -- Billing account, issuer, period
  bill_account('Google Cloud', billing_account_id) AS BillingAccountId,
  'Billing Account' AS BillingAccountType,
  project_id AS SubAccountId,
  project_name AS SubAccountName,
  CASE WHEN project_id IS NOT NULL THEN 'Project' END AS SubAccountType,
  'Google Cloud' AS InvoiceIssuerName,
  'Google Cloud' AS ServiceProviderName,
  'Google Cloud' AS ProviderName,
  CASE WHEN coalesce(transaction_type, 'GOOGLE') = 'GOOGLE' THEN 'Google Cloud' END AS HostProviderName,
  CASE WHEN coalesce(transaction_type, 'GOOGLE') = 'GOOGLE' THEN 'Google Cloud' ELSE seller_name END AS PublisherName,
  invoice_start AS BillingPeriodStart,
  invoice_start + INTERVAL 1 MONTH AS BillingPeriodEnd,

  -- Kind and time of the charge
  bill_time(usage_start_time) AS ChargePeriodStart,
  bill_time(coalesce(usage_end_time, usage_start_time)) AS ChargePeriodEnd,
  CASE
    WHEN is_fee THEN 'Purchase'
    WHEN kind = 'regular' THEN 'Usage'
    WHEN kind = 'tax' THEN 'Tax'
    ELSE 'Adjustment'
  END AS ChargeCategory,
  CASE WHEN coalesce(adjustment_info_id, adjustment_info_description, adjustment_info_type, adjustment_info_mode) IS NOT NULL THEN 'Correction' END AS ChargeClass,
  sku_description AS ChargeDescription,
  CASE WHEN is_fee THEN 'Recurring' WHEN kind = 'regular' THEN 'Usage-Based' ELSE 'One-Time' END AS ChargeFrequency,

  -- Price and quantity
  CASE
    WHEN kind <> 'regular' THEN NULL
    WHEN is_fee THEN 'Standard'
    WHEN commitment_credit IS NOT NULL OR has_commitment_price THEN 'Committed'
    WHEN sku_description ILIKE '%spot preemptible%' THEN 'Dynamic'
    ELSE 'Standard'
  END AS PricingCategory,
  CASE WHEN kind = 'regular' THEN usage_amount_in_pricing_units END AS PricingQuantity,
  CASE WHEN kind = 'regular' THEN gcp_unit(usage_pricing_unit) END AS PricingUnit,
  CASE WHEN kind = 'regular' THEN price_list_price END AS ListUnitPrice,
  CASE WHEN kind = 'regular' THEN price_effective_price END AS ContractedUnitPrice,
  bill_currency(currency) AS PricingCurrency,
  CASE WHEN kind = 'regular' AND NOT is_fee THEN usage_amount END AS ConsumedQuantity,
  CASE WHEN kind = 'regular' AND NOT is_fee THEN gcp_unit(usage_unit) END AS ConsumedUnit,
  CASE WHEN kind = 'regular' THEN sku_id END AS SkuId,
  CASE WHEN kind = 'regular' THEN sku_description END AS SkuMeter,
  CASE WHEN kind = 'regular' THEN sku_id || coalesce('/' || price_tier_start_amount, '') END AS SkuPriceId,

  -- Commitments
  commitment AS CommitmentDiscountId,
  CASE WHEN commitment IS NOT NULL THEN coalesce(commitment_credit ->> 'full_name', consumption_model_description, sku_description) END AS CommitmentDiscountName,
  CASE
    WHEN commitment IS NULL THEN NULL
    WHEN commitment_credit ->> 'type' = 'COMMITTED_USAGE_DISCOUNT' OR sku_description ILIKE 'commitment v1: %' THEN 'Usage'
    ELSE 'Spend'
  END AS CommitmentDiscountCategory,
  CASE WHEN commitment IS NOT NULL THEN 'Committed Use Discount' END AS CommitmentDiscountType,
  CASE WHEN commitment IS NOT NULL AND kind = 'regular' AND NOT is_fee THEN 'Used' END AS CommitmentDiscountStatus,
  CASE WHEN commitment IS NOT NULL AND kind = 'regular' THEN committed_quantity END AS CommitmentDiscountQuantity,
  CASE WHEN commitment IS NOT NULL AND kind = 'regular' AND committed_quantity IS NOT NULL THEN gcp_unit(usage_pricing_unit) END AS CommitmentDiscountUnit,

  -- Service, resource, place
  coalesce(service.category, 'Other') AS ServiceCategory,
  coalesce(service.subcategory, 'Other (Other)') AS ServiceSubcategory,
  coalesce(service_description, service_id) AS ServiceName,
  resource AS ResourceId,
  resource_name AS ResourceName,
  -- //compute.googleapis.com/projects/1/zones/z/disk/2 -> compute.googleapis.com/disk
  CASE WHEN resource LIKE '//%' THEN regexp_extract(resource, '^//([^/]+)/', 1) || '/' || regexp_extract(resource, '/([^/]+)/[^/]+$', 1) END AS ResourceType,
  location_region AS RegionId,
  region.name AS RegionName,
  location_zone AS AvailabilityZone,
  bill_tags(nullif(gcp_json(labels), '[]')) AS Tags,

  x_SourceRow
FROM committed
LEFT JOIN gcp_region AS region ON region.id = location_region
LEFT JOIN service_category AS service ON service.provider = 'Google Cloud' AND service.code = lower(service_description)
