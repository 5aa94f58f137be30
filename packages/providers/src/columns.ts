/** What a column of the lake holds. JSON documents are text; times are UTC; decimals are exact. */
export type LakeType = 'VARCHAR' | 'DECIMAL(38,18)' | 'TIMESTAMP'

export interface LakeColumn {
  name: string
  type: LakeType
}

const text: LakeType = 'VARCHAR'
const decimal: LakeType = 'DECIMAL(38,18)'
const time: LakeType = 'TIMESTAMP'

/** Cost and Usage of FOCUS 1.4: https://focus.finops.org */
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

/** What earlier versions had and 1.4 dropped: kept, because we export to them again. */
const dropped = { ProviderName: text, PublisherName: text } satisfies Record<string, LakeType>

/** Ours: the format a row came from. */
const ours = { x_Format: text } satisfies Record<string, LakeType>

/** Every column that a mapping may yield, in the order in which the lake stores them. */
export const lakeColumns: readonly LakeColumn[] = Object.entries({ ...focus14, ...dropped, ...ours }).map(
  ([name, type]) => ({ name, type }),
)

/** Columns that no row of the lake is without. */
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
