import type { Column } from '../format.ts'

const text: Column = { type: 'text' }
const decimal: Column = { type: 'decimal' }
const time: Column = { type: 'time' }
const tags: Column = { type: 'tags' }
/** It defines the partition or the cost. Real exports omit other columns at times. */
const must = (column: Column): Column => ({ ...column, required: true, notNull: true })

/** The columns of FOCUS 1.0: https://focus.finops.org/focus-specification/v1-0/ */
export const columns10: Record<string, Column> = {
  AvailabilityZone: text,
  BilledCost: must(decimal),
  BillingAccountId: must(text),
  BillingAccountName: text,
  BillingCurrency: must(text),
  BillingPeriodEnd: must(time),
  BillingPeriodStart: must(time),
  ChargeCategory: must(text),
  ChargeClass: text,
  ChargeDescription: text,
  ChargeFrequency: text,
  ChargePeriodEnd: must(time),
  ChargePeriodStart: must(time),
  CommitmentDiscountCategory: text,
  CommitmentDiscountId: text,
  CommitmentDiscountName: text,
  CommitmentDiscountStatus: text,
  CommitmentDiscountType: text,
  ConsumedQuantity: decimal,
  ConsumedUnit: text,
  ContractedCost: decimal,
  ContractedUnitPrice: decimal,
  EffectiveCost: must(decimal),
  InvoiceIssuerName: text,
  ListCost: decimal,
  ListUnitPrice: decimal,
  PricingCategory: text,
  PricingQuantity: decimal,
  PricingUnit: text,
  ProviderName: must(text),
  PublisherName: text,
  RegionId: text,
  RegionName: text,
  ResourceId: text,
  ResourceName: text,
  ResourceType: text,
  ServiceCategory: text,
  ServiceName: text,
  SkuId: text,
  SkuPriceId: text,
  SubAccountId: text,
  SubAccountName: text,
  Tags: tags,
}

export const added11: Record<string, Column> = {
  CapacityReservationId: text,
  CapacityReservationStatus: text,
  CommitmentDiscountQuantity: decimal,
  CommitmentDiscountUnit: text,
  ServiceSubcategory: text,
  SkuMeter: text,
  SkuPriceDetails: tags,
}

export const added12: Record<string, Column> = {
  InvoiceId: text,
  PricingCurrency: text,
  PricingCurrencyContractedUnitPrice: decimal,
  PricingCurrencyEffectiveCost: decimal,
  PricingCurrencyListUnitPrice: decimal,
}

/** Microsoft's exports of 1.0 have these columns of 1.2, so they do not reveal the version. */
export const accountTypes: Record<string, Column> = { BillingAccountType: text, SubAccountType: text }

/** ProviderName and PublisherName stayed as deprecated columns. */
export const added13: Record<string, Column> = {
  AllocatedMethodDetails: tags,
  AllocatedMethodId: text,
  AllocatedResourceId: text,
  AllocatedResourceName: text,
  AllocatedTags: tags,
  ContractApplied: tags,
  HostProviderName: text,
  ServiceProviderName: must(text),
}

export const added14: Record<string, Column> = { CommitmentProgramEligibilityDetails: tags, InvoiceDetailId: text }

/**
 * Columns of a provider that carry the meter before SkuMeter does: AWS's exports of 1.0 the usage type, Microsoft's
 * exports the meter name. They reveal no version, and no export has them.
 * https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-focus-1-2-migrating.html
 * https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-focus
 */
const meters: Record<string, Column> = { x_UsageType: text, x_SkuMeterName: text }

/** Columns that 1.4 dropped. The lake keeps them for exports of earlier versions. */
export const dropped14: readonly string[] = ['ProviderName', 'PublisherName']

/** As optional columns, because `source` always has all of them. */
export const every: Record<string, Column> = Object.fromEntries(
  Object.entries({ ...columns10, ...added11, ...added12, ...accountTypes, ...added13, ...added14, ...meters }).map(
    ([name, { type }]) => [name, { type }],
  ),
)
