/** JSON documents are text, times are UTC, decimals are exact. */
export type LakeType = 'VARCHAR' | 'DECIMAL(38,18)' | 'TIMESTAMP'

export interface LakeColumn {
  name: string
  type: LakeType
}

const text: LakeType = 'VARCHAR'
const decimal: LakeType = 'DECIMAL(38,18)'
const time: LakeType = 'TIMESTAMP'

/** The Cost and Usage dataset of FOCUS 1.4: https://focus.finops.org */
const focus14 = {
  AllocatedMethodDetails: text,
  AllocatedMethodId: text,
  AllocatedResourceId: text,
  AllocatedResourceName: text,
  AllocatedTags: text,
  AvailabilityZone: text,
  BilledCost: decimal,
  BillingAccountId: text,
  BillingAccountName: text,
  BillingAccountType: text,
  BillingCurrency: text,
  BillingPeriodEnd: time,
  BillingPeriodStart: time,
  CapacityReservationId: text,
  CapacityReservationStatus: text,
  ChargeCategory: text,
  ChargeClass: text,
  ChargeDescription: text,
  ChargeFrequency: text,
  ChargePeriodEnd: time,
  ChargePeriodStart: time,
  CommitmentDiscountCategory: text,
  CommitmentDiscountId: text,
  CommitmentDiscountName: text,
  CommitmentDiscountQuantity: decimal,
  CommitmentDiscountStatus: text,
  CommitmentDiscountType: text,
  CommitmentDiscountUnit: text,
  CommitmentProgramEligibilityDetails: text,
  ConsumedQuantity: decimal,
  ConsumedUnit: text,
  ContractApplied: text,
  ContractedCost: decimal,
  ContractedUnitPrice: decimal,
  EffectiveCost: decimal,
  HostProviderName: text,
  InvoiceDetailId: text,
  InvoiceId: text,
  InvoiceIssuerName: text,
  ListCost: decimal,
  ListUnitPrice: decimal,
  PricingCategory: text,
  PricingCurrency: text,
  PricingCurrencyContractedUnitPrice: decimal,
  PricingCurrencyEffectiveCost: decimal,
  PricingCurrencyListUnitPrice: decimal,
  PricingQuantity: decimal,
  PricingUnit: text,
  RegionId: text,
  RegionName: text,
  ResourceId: text,
  ResourceName: text,
  ResourceType: text,
  ServiceCategory: text,
  ServiceName: text,
  ServiceProviderName: text,
  ServiceSubcategory: text,
  SkuId: text,
  SkuMeter: text,
  SkuPriceDetails: text,
  SkuPriceId: text,
  SubAccountId: text,
  SubAccountName: text,
  SubAccountType: text,
  Tags: text,
} satisfies Record<string, LakeType>

/** Columns that FOCUS 1.4 dropped. They are kept for exports of earlier versions. */
const dropped = { ProviderName: text, PublisherName: text } satisfies Record<string, LakeType>

/** Our own column: the format of the bill. */
const ours = { x_Format: text } satisfies Record<string, LakeType>

export const lakeColumns: readonly LakeColumn[] = Object.entries({ ...focus14, ...dropped, ...ours }).map(
  ([name, type]) => ({ name, type }),
)

/** Columns that are never NULL in the lake. */
export const mandatory: readonly string[] = [
  'BilledCost',
  'EffectiveCost',
  'BillingAccountId',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ChargeCategory',
  'ServiceProviderName',
]
