-- Maps Azure cost details, actual or amortized, with the headers of EA, MCA and pay-as-you-go, to the lake's columns,
-- without the costs. The two sets differ in their costs, so actual.sql and amortized.sql add them. They read this as `charge`.
WITH detail AS NOT MATERIALIZED (
  SELECT
    * REPLACE (coalesce(ResourceId, CASE WHEN InstanceName LIKE '/%' THEN InstanceName END) AS ResourceId),
    lower(replace(ChargeType, ' ', '')) AS charge_type,
    -- Older exports have no pricing model, but they have the reservation.
    CASE
      WHEN lower(replace(PricingModel, ' ', '')) = 'reservation' OR lower(replace(ChargeType, ' ', '')) = 'unusedreservation' THEN 'Reservation'
      WHEN lower(replace(PricingModel, ' ', '')) = 'savingsplan' OR lower(replace(ChargeType, ' ', '')) = 'unusedsavingsplan' THEN 'Savings Plan'
      WHEN PricingModel IS NULL AND ReservationId IS NOT NULL THEN 'Reservation'
    END AS commitment,
    -- Under an enterprise agreement, the profile is the account, possibly in another spelling.
    bill_account('Microsoft', BillingAccountId) AS account,
    lower(regexp_extract(bill_account('Microsoft', BillingProfileId), '[^/]+$')) <> lower(regexp_extract(account, '[^/]+$')) AS has_profile,
    bill_time(Date) AS day,
    CASE WHEN BillingPeriodStartDate IS NULL THEN date_trunc('month', bill_time(Date)) ELSE bill_time(BillingPeriodStartDate) END AS period_start,
    bill_time(BillingPeriodEndDate) AS period_last_day,
    -- A price of 0 with a cost or a commitment means an unknown price. MCA's prices are in the pricing currency.
    TRY_CAST(nullif(PayGPrice, 0) AS DECIMAL(18, 10)) AS list_price,
    TRY_CAST(nullif(UnitPrice, 0) AS DECIMAL(18, 10)) AS unit_price,
    CASE WHEN PricingCurrency <> BillingCurrency THEN TRY_CAST(ExchangeRatePricingToBilling AS DECIMAL(16, 8)) ELSE 1::DECIMAL(16, 8) END AS exchange_rate,
    TRY_CAST(Quantity AS DECIMAL(19, 8)) AS priced_quantity,
    azure_unit(UnitOfMeasure) AS unit,
    regexp_replace(bill_bare_id(SubscriptionId), '(?i)^/subscriptions/', '') AS subscription
  FROM source
)
SELECT
  Cost,
  rounded,
  commitment IS NOT NULL AND coalesce(charge_type, 'usage') IN ('usage', 'unusedreservation', 'unusedsavingsplan') AS is_covered,
  commitment IS NOT NULL AND charge_type IN ('purchase', 'refund') AS is_commitment_purchase,
  -- Ten and eight decimals, so that the product is exact in DECIMAL(38, 18). The cost at a price that needs more digits
  -- is unknown.
  coalesce(
    nullif(PaygCostInBillingCurrency, 0),
    TRY_CAST(list_price * exchange_rate AS DECIMAL(19, 10)) * priced_quantity,
    CASE WHEN Cost = 0 AND commitment IS NULL THEN 0 END
  ) AS list_cost,
  TRY_CAST(unit_price * exchange_rate AS DECIMAL(19, 10)) * priced_quantity AS cost_at_unit_price,
  bill_currency(BillingCurrency) AS BillingCurrency,

  -- Billing account, issuer, period. Ids as in Microsoft's own FOCUS export, so that both have the same partition.
  -- Pay-as-you-go has no billing account. The subscription is invoiced.
  CASE
    WHEN BillingAccountId IS NULL THEN '/subscriptions/' || lower(subscription)
    WHEN BillingProfileId LIKE '/%' THEN azure_path(BillingProfileId)
    ELSE azure_path(
      CASE WHEN account LIKE '/%' THEN '' ELSE '/providers/Microsoft.Billing/billingAccounts/' END || account
        || CASE WHEN has_profile THEN '/billingProfiles/' || bill_bare_id(BillingProfileId) ELSE '' END
    )
  END AS BillingAccountId,
  coalesce(CASE WHEN has_profile THEN BillingProfileName END, BillingAccountName) AS BillingAccountName,
  CASE
    WHEN BillingAccountId IS NULL THEN 'Subscription'
    WHEN has_profile THEN 'Billing Profile'
    ELSE 'Billing Account'
  END AS BillingAccountType,
  '/subscriptions/' || lower(subscription) AS SubAccountId,
  SubscriptionName AS SubAccountName,
  CASE WHEN SubscriptionId IS NOT NULL THEN 'Subscription' END AS SubAccountType,
  InvoiceId,
  'Microsoft' AS InvoiceIssuerName,
  'Microsoft' AS ServiceProviderName,
  'Microsoft' AS ProviderName,
  CASE WHEN lower(PublisherType) = 'marketplace' THEN NULL ELSE 'Microsoft' END AS HostProviderName,
  CASE WHEN lower(PublisherType) = 'marketplace' THEN PublisherName ELSE 'Microsoft' END AS PublisherName,
  period_start AS BillingPeriodStart,
  -- Azure has the last day of the period. FOCUS's end is exclusive.
  CASE
    WHEN BillingPeriodEndDate IS NULL THEN period_start + INTERVAL 1 MONTH
    WHEN day(period_last_day) = day(period_start) THEN period_last_day
    ELSE period_last_day + INTERVAL 1 DAY
  END AS BillingPeriodEnd,

  -- Kind and time of the charge
  day AS ChargePeriodStart,
  day + INTERVAL 1 DAY AS ChargePeriodEnd,
  CASE
    WHEN coalesce(charge_type, 'usage') IN ('usage', 'unusedreservation', 'unusedsavingsplan') THEN 'Usage'
    WHEN charge_type IN ('purchase', 'refund') THEN 'Purchase'
    WHEN charge_type = 'tax' THEN 'Tax'
    WHEN charge_type = 'credit' THEN 'Credit'
    ELSE 'Adjustment'
  END AS ChargeCategory,
  CASE WHEN charge_type = 'refund' THEN 'Correction' END AS ChargeClass,
  coalesce(Product, MeterName) AS ChargeDescription,
  CASE
    WHEN lower(Frequency) = 'recurring' THEN 'Recurring'
    WHEN lower(Frequency) = 'onetime' THEN 'One-Time'
    WHEN coalesce(charge_type, 'usage') IN ('purchase', 'refund', 'tax', 'credit') THEN 'One-Time'
    ELSE 'Usage-Based'
  END AS ChargeFrequency,

  -- Price and quantity. Azure's quantity counts units of measure: 0.0004 of `10K` are four operations. EA's prices are in
  -- the billing currency.
  CASE
    WHEN charge_type = 'tax' THEN NULL
    WHEN commitment IS NOT NULL AND charge_type NOT IN ('purchase', 'refund') THEN 'Committed'
    WHEN lower(PricingModel) = 'spot' THEN 'Dynamic'
    ELSE 'Standard'
  END AS PricingCategory,
  Quantity AS PricingQuantity,
  unit AS PricingUnit,
  nullif(PayGPrice, 0) AS ListUnitPrice,
  nullif(UnitPrice, 0) AS ContractedUnitPrice,
  coalesce(PricingCurrency, bill_currency(BillingCurrency)) AS PricingCurrency,
  CASE WHEN coalesce(charge_type, 'usage') = 'usage' THEN Quantity END AS ConsumedQuantity,
  CASE WHEN coalesce(charge_type, 'usage') = 'usage' THEN unit END AS ConsumedUnit,
  coalesce(ProductId, PartNumber) AS SkuId,
  MeterName AS SkuMeter,
  coalesce(PartNumber, ProductId) AS SkuPriceId,

  -- Commitments. Azure's ids vary in case.
  CASE WHEN commitment IS NOT NULL THEN lower(coalesce(BenefitId, ReservationId)) END AS CommitmentDiscountId,
  CASE WHEN commitment IS NOT NULL THEN coalesce(BenefitName, ReservationName) END AS CommitmentDiscountName,
  CASE commitment WHEN 'Reservation' THEN 'Usage' WHEN 'Savings Plan' THEN 'Spend' END AS CommitmentDiscountCategory,
  commitment AS CommitmentDiscountType,
  CASE
    WHEN charge_type IN ('unusedreservation', 'unusedsavingsplan') THEN 'Unused'
    WHEN commitment IS NOT NULL AND coalesce(charge_type, 'usage') = 'usage' THEN 'Used'
  END AS CommitmentDiscountStatus,

  -- Service, resource, place
  coalesce(service.category, 'Other') AS ServiceCategory,
  coalesce(service.subcategory, 'Other (Other)') AS ServiceSubcategory,
  coalesce(MeterCategory, ConsumedService, Product, PublisherName) AS ServiceName,
  lower(ResourceId) AS ResourceId,
  coalesce(ResourceName, CASE WHEN InstanceName NOT LIKE '/%' THEN InstanceName END, nullif(regexp_extract(ResourceId, '/([^/]+)$', 1), '')) AS ResourceName,
  nullif(regexp_extract(lower(ResourceId), '/providers/([^/]+/[^/]+)', 1), '') AS ResourceType,
  lower(replace(ResourceLocation, ' ', '')) AS RegionId,
  ResourceLocation AS RegionName,
  AvailabilityZone,
  bill_tags(Tags) AS Tags,

  x_SourceRow
FROM detail
LEFT JOIN service_category AS service ON service.provider = 'Microsoft' AND service.code = lower(MeterCategory)
