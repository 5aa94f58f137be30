import type { Column, Format } from '../format.ts'
import { sql } from '../sql.ts'

const text = (...aliases: string[]): Column => ({ type: 'text', aliases })
const decimal = (...aliases: string[]): Column => ({ type: 'decimal', aliases })
const time = (...aliases: string[]): Column => ({ type: 'time', aliases })
const must = (column: Column): Column => ({ ...column, required: true, notNull: true })

/** By the names of EA; https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/schema-index */
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
  InstanceName: text(),
  InvoiceId: text(),
  MeterCategory: { ...text(), required: true },
  MeterId: text(),
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
const isAmortized = sql('./azure/is-amortized.sql')
const shared = {
  columns,
  times: { start: 'BillingPeriodStartDate', end: 'BillingPeriodEndDate', charge: 'Date' },
  currency: 'BillingCurrency',
  matches: (headers: ReadonlySet<string>) => headers.has('metercategory') || headers.has('meterid'),
  chargeKeys: sql('./azure/charge-keys.sql'),
}

/** Azure's native exports of a period: the amortized set (effective costs) and the actual set (billed costs). */
export const azureFormats: readonly Format[] = [
  {
    id: 'azure-amortized',
    title: 'Azure amortized cost',
    ...shared,
    content: isAmortized,
    proof: isAmortized,
    mapping: `${charge} SELECT 'azure-amortized' AS x_Format, * FROM (${sql('./azure/amortized.sql')})`,
    control: `SELECT *, 'effective' AS metric FROM (${control})`,
    pairedWith: 'azure-actual',
  },
  {
    id: 'azure-actual',
    title: 'Azure actual cost',
    ...shared,
    proof: sql('./azure/is-actual.sql'),
    mapping: `${charge} SELECT 'azure-actual' AS x_Format, * FROM (${sql('./azure/actual.sql')})`,
    control: `SELECT *, 'billed' AS metric FROM (${control})`,
    pairedWith: 'azure-amortized',
  },
]
