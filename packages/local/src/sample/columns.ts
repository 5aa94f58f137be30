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

/** The columns of Cost and Usage, in order of name: 43 in FOCUS 1.0, 57 in 1.2. */
export const columns = {
  '1.0': [...focus10],
  '1.2': [...focus10, ...since12].toSorted(),
} satisfies Record<string, readonly Column[]>

export type FocusVersion = keyof typeof columns

/** Values of a row; what is missing is NULL, an empty field. */
export type Fields = Partial<Record<Column, string>>

/** The columns that differ between the days of one resource. */
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

/** Values of the varying columns, in their order. */
export type Varying = readonly string[]

/** A function that writes rows which differ in the varying columns only: the rest is joined and quoted once. */
export function template(layout: readonly Column[], fixed: Fields): (values: Varying) => string {
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

/** Quoted as RFC 4180 wants it, where it must be. */
function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
