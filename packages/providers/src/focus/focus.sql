-- Maps FOCUS 1.0, 1.0r2, 1.1, 1.2, 1.3 and 1.4 to the lake's columns (FOCUS 1.4, and the two names that 1.4 dropped).
-- A column that the bill's version lacks is NULL in `source` and stays NULL, because unknown is not 0.
-- All costs are read as they are, including negative ones with or without ChargeClass.
WITH bill AS NOT MATERIALIZED (
  SELECT
    *,
    bill_provider(coalesce(ServiceProviderName, ProviderName)) AS provider,
    bill_provider(coalesce(ServiceProviderName, ProviderName)) = 'Microsoft' AS is_microsoft,
    BilledCost <> 0 OR EffectiveCost <> 0 AS has_cost
  FROM source
)
SELECT
  -- Costs
  BilledCost,
  EffectiveCost,
  -- Microsoft writes 0 for an unknown list or contracted cost (Marketplace, reservations). Read as 0, it would make
  -- savings negative.
  CASE WHEN is_microsoft AND has_cost AND ListCost = 0 THEN NULL ELSE ListCost END AS ListCost,
  CASE WHEN is_microsoft AND has_cost AND ContractedCost = 0 THEN NULL ELSE ContractedCost END AS ContractedCost,
  bill_currency(BillingCurrency) AS BillingCurrency,

  -- Billing account, issuer, period
  bill_account(provider, BillingAccountId) AS BillingAccountId,
  BillingAccountName,
  BillingAccountType,
  bill_account(provider, SubAccountId) AS SubAccountId,
  SubAccountName,
  SubAccountType,
  InvoiceId,
  InvoiceDetailId,
  InvoiceIssuerName,
  -- 1.3 renamed ProviderName to ServiceProviderName. The lake has both, so that every version can be exported.
  provider AS ServiceProviderName,
  bill_provider(coalesce(ProviderName, ServiceProviderName)) AS ProviderName,
  HostProviderName,
  PublisherName,
  bill_time(BillingPeriodStart) AS BillingPeriodStart,
  bill_time(BillingPeriodEnd) AS BillingPeriodEnd,

  -- Kind and time of the charge
  bill_time(ChargePeriodStart) AS ChargePeriodStart,
  bill_time(ChargePeriodEnd) AS ChargePeriodEnd,
  bill_word(ChargeCategory) AS ChargeCategory,
  bill_word(ChargeClass) AS ChargeClass,
  ChargeDescription,
  -- Oracle writes `Usage-based`.
  CASE lower(ChargeFrequency)
    WHEN 'usage-based' THEN 'Usage-Based'
    WHEN 'one-time' THEN 'One-Time'
    WHEN 'recurring' THEN 'Recurring'
    ELSE ChargeFrequency
  END AS ChargeFrequency,

  -- Price and quantity
  bill_word(PricingCategory) AS PricingCategory,
  PricingQuantity,
  PricingUnit,
  ListUnitPrice,
  ContractedUnitPrice,
  PricingCurrency,
  PricingCurrencyContractedUnitPrice,
  PricingCurrencyEffectiveCost,
  PricingCurrencyListUnitPrice,
  ConsumedQuantity,
  ConsumedUnit,
  SkuId,
  -- Where a bill has no SkuMeter: AWS renamed x_UsageType of its 1.0 to it; Microsoft's exports have x_SkuMeterName.
  coalesce(SkuMeter, x_UsageType, x_SkuMeterName) AS SkuMeter,
  SkuPriceId,
  SkuPriceDetails,

  -- Commitments, capacity, contracts
  CommitmentDiscountCategory,
  -- Azure's ids vary in case. Lower case makes the ids of one commitment or resource equal.
  CASE WHEN is_microsoft THEN lower(CommitmentDiscountId) ELSE CommitmentDiscountId END AS CommitmentDiscountId,
  CommitmentDiscountName,
  CommitmentDiscountQuantity,
  CommitmentDiscountStatus,
  CommitmentDiscountType,
  CommitmentDiscountUnit,
  CommitmentProgramEligibilityDetails,
  CapacityReservationId,
  CapacityReservationStatus,
  ContractApplied,

  -- Service, resource, place
  ServiceCategory,
  ServiceSubcategory,
  ServiceName,
  CASE WHEN is_microsoft THEN lower(ResourceId) ELSE ResourceId END AS ResourceId,
  ResourceName,
  ResourceType,
  RegionId,
  RegionName,
  AvailabilityZone,
  bill_tags(Tags) AS Tags,

  -- Split of shared resources (1.3)
  AllocatedMethodDetails,
  AllocatedMethodId,
  AllocatedResourceId,
  AllocatedResourceName,
  bill_tags(AllocatedTags) AS AllocatedTags,

  x_SourceRow
FROM bill
