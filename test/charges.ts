import { Calendar } from '@cloudoptima/core'

const usual = {
  BilledCost: '',
  EffectiveCost: '1',
  ListCost: '',
  ContractedCost: '',
  BillingAccountId: 'payer',
  BillingCurrency: 'USD',
  ChargeCategory: 'Usage',
  ChargeClass: '',
  ProviderName: 'AWS',
  ServiceName: 'EC2',
  SubAccountId: 'shop',
  ResourceId: 'i-1',
  SkuId: 'hours',
  PricingUnit: 'Hours',
  PricingQuantity: '1',
  PricingCurrency: '',
  PricingCurrencyEffectiveCost: '',
  CommitmentDiscountId: '',
  CommitmentDiscountStatus: '',
}

/** A charge of a day (`2026-09-30`): one hour of an instance of AWS for 1 USD, but for what it names. */
export type Charge = Partial<typeof usual> & { day: string }

/** Charges as one FOCUS 1.2 bill in CSV. */
export function focusBill(charges: readonly Charge[]): string {
  const times = ['BillingPeriodStart', 'BillingPeriodEnd', 'ChargePeriodStart', 'ChargePeriodEnd']
  const lines = charges.map(({ day, ...given }) => {
    const charge = { ...usual, ...given }
    const month = Calendar.monthOf(day)
    const days = [`${month}-01`, `${Calendar.addMonths(month, 1)}-01`, day, Calendar.addDays(day, 1)]
    const cost = charge.BilledCost || charge.EffectiveCost
    return [...Object.values({ ...charge, BilledCost: cost }), ...days.map((date) => `${date}T00:00:00Z`)].join(',')
  })
  return `${[...Object.keys(usual), ...times].join(',')}\n${lines.join('\n')}\n`
}
