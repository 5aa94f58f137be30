const focus10 = [
  'AvailabilityZone',
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'CommitmentDiscountCategory',
  'CommitmentDiscountId',
  'CommitmentDiscountName',
  'CommitmentDiscountStatus',
  'CommitmentDiscountType',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'RegionId',
  'RegionName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'SkuId',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'Tags',
] as const

const since12 = [
  'BillingAccountType',
  'CapacityReservationId',
  'CapacityReservationStatus',
  'CommitmentDiscountQuantity',
  'CommitmentDiscountUnit',
  'InvoiceId',
  'PricingCurrency',
  'PricingCurrencyContractedUnitPrice',
  'PricingCurrencyEffectiveCost',
  'PricingCurrencyListUnitPrice',
  'ServiceSubcategory',
  'SkuMeter',
  'SkuPriceDetails',
  'SubAccountType',
] as const

export type Column = (typeof focus10)[number] | (typeof since12)[number] | `x_${string}`

/** The columns of FOCUS's Cost and Usage dataset in alphabetical order: 43 in FOCUS 1.0, 57 in FOCUS 1.2. */
export const columns = {
  '1.0': [...focus10],
  '1.2': [...focus10, ...since12].toSorted(),
} satisfies Record<string, readonly Column[]>

export type FocusVersion = keyof typeof columns

/** The values of a row. A missing value is NULL, written as an empty field. */
export type Fields = Partial<Record<Column, string>>

/** The columns that differ between two days of a resource. */
export const varying = [
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'PricingQuantity',
  'ConsumedQuantity',
  'BilledCost',
  'EffectiveCost',
  'ListCost',
  'ContractedCost',
  'CommitmentDiscountQuantity',
  'PricingCurrencyEffectiveCost',
] as const satisfies readonly Column[]

/** The values of the varying columns, in the order of `varying`. */
export type Varying = readonly string[]

/** Returns a function that writes rows. The fixed columns are joined and quoted once. */
export function rowWriter(layout: readonly Column[], fixed: Fields): (values: Varying) => string {
  const pieces = ['']
  const slots: number[] = []
  for (const [index, column] of layout.entries()) {
    const comma = index === 0 ? '' : ','
    const slot = (varying as readonly Column[]).indexOf(column)
    pieces.push((pieces.pop() ?? '') + comma + (slot < 0 ? quote(fixed[column] ?? '') : ''))
    if (slot >= 0) {
      slots.push(slot)
      pieces.push('')
    }
  }
  const [first = '', ...rest] = pieces
  return (values) => {
    let line = first
    for (let i = 0; i < slots.length; i++) line += (values[slots[i] ?? 0] ?? '') + (rest[i] ?? '')
    return `${line}\n`
  }
}

/** Quotes a field by RFC 4180 if it needs quotes. */
function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
