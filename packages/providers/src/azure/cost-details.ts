import type { Column, Format } from '../format.ts'
import { sql } from '../sql.ts'

const text = (...aliases: string[]): Column => ({ type: 'text', aliases })
const decimal = (...aliases: string[]): Column => ({ type: 'decimal', aliases })
const time = (...aliases: string[]): Column => ({ type: 'time', aliases })
const must = (column: Column): Column => ({ ...column, required: true, notNull: true })

/**
 * The columns we read, by the names of EA; the aliases are those of MCA and of pay-as-you-go. camelCase needs none: headers are compared without case.
 * https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/schema-index
 */
const columns: Record<string, Column> = {
  AvailabilityZone: text(),
  BenefitId: text(),
  BenefitName: text(),
  BillingAccountId: text(),
  BillingAccountName: text(),
  BillingCurrency: must(text('BillingCurrencyCode', 'Currency')),
  BillingPeriodEndDate: time(),
  BillingPeriodStartDate: time(),
  BillingProfileId: text(),
  BillingProfileName: text(),
  ChargeType: text(),
  ConsumedService: text(),
  Cost: must(decimal('CostInBillingCurrency', 'PreTaxCost', 'ExtendedCost')),
  Date: must(time('UsageDateTime', 'UsageDate')),
  ExchangeRatePricingToBilling: decimal(),
  Frequency: text(),
  InvoiceId: text(),
  MeterCategory: { ...text(), required: true },
  MeterName: text(),
  PartNumber: text(),
  PayGPrice: decimal(),
  PaygCostInBillingCurrency: decimal(),
  PricingCurrency: text('PricingCurrencyCode'),
  PricingModel: text(),
  Product: text('ProductName'),
  ProductId: text(),
  PublisherName: text(),
  PublisherType: text(),
  Quantity: decimal('UsageQuantity', 'ConsumedQuantity'),
  ReservationId: text(),
  ReservationName: text(),
  ResourceId: text('InstanceId'),
  ResourceLocation: text('Location'),
  ResourceName: text(),
  SubscriptionId: text('SubscriptionGuid'),
  SubscriptionName: text(),
  Tags: { type: 'tags' },
  UnitOfMeasure: text(),
  UnitPrice: decimal(),
}

const charge = `WITH charge AS NOT MATERIALIZED (${sql('./azure/charge.sql')})`
const control = `${charge} ${sql('./azure/control.sql')}`

function costDetails(id: string, set: 'actual' | 'amortized', title: string): Omit<Format, 'content'> {
  return {
    id,
    title,
    columns,
    matches: (headers) => headers.has('metercategory') || headers.has('meterid'),
    mapping: `${charge} SELECT '${id}' AS x_Format, * FROM (${sql(`./azure/${set}.sql`)})`,
    control: `SELECT *, '${set === 'actual' ? 'billed' : 'effective'}' AS metric FROM (${control})`,
    pairedWith: set === 'actual' ? 'azure-amortized' : 'azure-actual',
  }
}

/** Azure's native exports of one period: the actual set (what is invoiced) and the amortized one (what usage is worth). */
export const azureFormats: readonly Format[] = [
  { ...costDetails('azure-amortized', 'amortized', 'Azure amortized cost'), content: sql('./azure/is-amortized.sql') },
  costDetails('azure-actual', 'actual', 'Azure actual cost'),
]
