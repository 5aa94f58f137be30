import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { bench, csv, dataFile, dataRows, describeData, type LakeRow } from './testing.ts'

const { bring } = bench()

type Row = Record<string, string>

const usage: Row = {
  BillingAccountId: '0012345',
  BillingAccountName: 'Contoso',
  BillingPeriodStartDate: '09/01/2023',
  BillingPeriodEndDate: '09/30/2023',
  BillingCurrency: 'EUR',
  SubscriptionId: 'ED570627-0265-4620-BB42-BAE06BCFA914',
  Date: '09/04/2023',
  Product: 'B1s',
  MeterId: 'm1',
  MeterCategory: 'Virtual Machines',
  Quantity: '24',
  Cost: '2.64',
  UnitPrice: '0.11',
  PayGPrice: '0.12',
  UnitOfMeasure: '1 Hour',
  ChargeType: 'Usage',
  Frequency: 'UsageBased',
  PricingModel: 'OnDemand',
  PublisherType: 'Azure',
  ResourceId: '/subscriptions/ED57/resourceGroups/A/providers/Microsoft.Compute/virtualMachines/VM1',
  ResourceLocation: 'West Europe',
}
const benefit = '/providers/Microsoft.Capacity/reservationOrders/O1/reservations/R1'
const covered: Row = {
  ...usage,
  Product: 'covered',
  PricingModel: 'Reservation',
  BenefitId: benefit,
  Cost: '1.5',
  PayGPrice: '0',
  ResourceId: '/vm2',
}
const unused: Row = { ...covered, Product: 'unused', ChargeType: 'UnusedReservation', Cost: '0.5', ResourceId: '' }
const purchase: Row = {
  ...covered,
  Product: 'purchase',
  ChargeType: 'Purchase',
  Frequency: 'OneTime',
  Cost: '100',
  Quantity: '1',
  UnitPrice: '100',
}
const refund: Row = { ...purchase, Product: 'refund', ChargeType: 'Refund', Cost: '-40' }
const coveredActual: Row = { ...covered, Cost: '0' }
const marketplace: Row = {
  ...usage,
  Product: 'marketplace',
  ChargeType: 'Purchase',
  Cost: '7',
  PublisherType: 'Marketplace',
  PublisherName: 'Acme',
  PayGPrice: '0',
  ResourceId: '/saas',
}
const rounding: Row = {
  ...usage,
  Product: 'rounding',
  ChargeType: 'RoundingAdjustment',
  Cost: '-0.01',
  PayGPrice: '',
  ResourceId: '',
}

const actual = csv([usage, coveredActual, purchase, refund, marketplace, rounding])
const amortized = csv([usage, covered, unused, marketplace, rounding])

const costs = (rows: LakeRow[]): Record<string, unknown> =>
  Object.fromEntries(rows.map((row) => [row.ChargeDescription, [row.BilledCost, row.EffectiveCost]]))
const sum = (rows: LakeRow[], name: string): string =>
  Money.plain(Money.sum(rows.flatMap((row) => (row[name] == null ? [] : [Money.parse(row[name])]))))
const of = (rows: LakeRow[], description: string): LakeRow =>
  rows.find((row) => row.ChargeDescription === description) ?? {}

describe('the two sets are recognized by their rows', () => {
  it('an actual set alone has no amortization: the effective cost is the billed cost', async () => {
    const { normalized, rows } = await bring({ 'a.csv': actual })
    expect(normalized.files[0]?.format).toBe('azure-actual')
    expect(costs(rows)).toEqual({
      B1s: ['2.64', '2.64'],
      covered: ['0', '0'],
      purchase: ['100', '100'],
      refund: ['-40', '-40'],
      marketplace: ['7', '7'],
      rounding: ['-0.01', '-0.01'],
    })
    expect(normalized.partitions[0]?.control).toEqual([{ currency: 'EUR', metric: 'billed', total: '69.63', rows: 6 }])
  })

  it('an amortized set alone has no purchases, and covered usage is billed 0', async () => {
    const { normalized, rows } = await bring({ 'a.csv': amortized })
    expect(normalized.files[0]?.format).toBe('azure-amortized')
    expect(costs(rows)).toEqual({
      B1s: ['2.64', '2.64'],
      covered: ['0', '1.5'],
      unused: ['0', '0.5'],
      marketplace: ['7', '7'],
      rounding: ['-0.01', '-0.01'],
    })
    expect(normalized.partitions[0]?.control).toEqual([
      { currency: 'EUR', metric: 'effective', total: '11.63', rows: 5 },
    ])
  })

  it('a pair is the union: all amortized rows, and the purchases and refunds of commitments with effective cost 0', async () => {
    const { normalized, rows } = await bring({ '1.csv': actual, '2.csv': amortized })
    expect(costs(rows)).toEqual({
      B1s: ['2.64', '2.64'],
      covered: ['0', '1.5'],
      unused: ['0', '0.5'],
      purchase: ['100', '0'],
      refund: ['-40', '0'],
      marketplace: ['7', '7'],
      rounding: ['-0.01', '-0.01'],
    })
    const { totals, control } = normalized.partitions[0] ?? {}
    expect(totals).toMatchObject([{ currency: 'EUR', billed: '69.63', effective: '11.63' }])
    expect(control?.map(({ metric, total }) => [metric, total])).toEqual([
      ['billed', '69.63'],
      ['effective', '11.63'],
    ])
  })
})

describe('a pair of which one half covers more periods', () => {
  it('is the union for common periods, and the one set for the others', async () => {
    const october = {
      ...usage,
      Product: 'october',
      BillingPeriodStartDate: '10/01/2023',
      BillingPeriodEndDate: '10/31/2023',
      Date: '10/04/2023',
    }
    const { normalized } = await bring({
      '1.csv': csv([usage, coveredActual, purchase, october]),
      '2.csv': csv([usage, covered]),
    })
    expect(
      normalized.partitions.map(({ period, totals }) => [period, totals[0]?.billed, totals[0]?.effective]),
    ).toEqual([
      ['2023-09', '102.64', '4.14'],
      ['2023-10', '2.64', '2.64'],
    ])
  })
})

describe('a row of Azure in the words of FOCUS', () => {
  it('usage', async () => {
    const { rows } = await bring({ 'a.csv': amortized })
    expect(of(rows, 'B1s')).toMatchObject({
      BillingAccountId: '/providers/Microsoft.Billing/billingAccounts/0012345',
      SubAccountId: '/subscriptions/ed570627-0265-4620-bb42-bae06bcfa914',
      BillingPeriodStart: '2023-09-01 00:00:00',
      BillingPeriodEnd: '2023-10-01 00:00:00',
      ChargePeriodStart: '2023-09-04 00:00:00',
      ChargePeriodEnd: '2023-09-05 00:00:00',
      ListCost: '2.88',
      ContractedCost: '2.64',
      ChargeCategory: 'Usage',
      ChargeFrequency: 'Usage-Based',
      PricingCategory: 'Standard',
      ServiceName: 'Virtual Machines',
      ServiceCategory: 'Compute',
      ResourceId: '/subscriptions/ed57/resourcegroups/a/providers/microsoft.compute/virtualmachines/vm1',
      ResourceType: 'microsoft.compute/virtualmachines',
      RegionId: 'westeurope',
      CommitmentDiscountId: null,
    })
  })

  it('covered and unused commitments; a list price of 0 is unknown', async () => {
    const { rows } = await bring({ 'a.csv': amortized })
    const commitment = {
      CommitmentDiscountId: benefit.toLowerCase(),
      CommitmentDiscountCategory: 'Usage',
      ChargeCategory: 'Usage',
      PricingCategory: 'Committed',
    }
    expect(of(rows, 'covered')).toMatchObject({
      ...commitment,
      CommitmentDiscountStatus: 'Used',
      ListCost: null,
      ContractedCost: '2.64',
    })
    expect(of(rows, 'unused')).toMatchObject({ ...commitment, CommitmentDiscountStatus: 'Unused' })
    expect(of(rows, 'marketplace')).toMatchObject({
      ListCost: null,
      PublisherName: 'Acme',
      ChargeCategory: 'Purchase',
      HostProviderName: null,
    })
    expect(of(rows, 'rounding')).toMatchObject({ ChargeCategory: 'Adjustment', ListCost: null })
  })

  it('purchases and refunds of commitments', async () => {
    const { rows } = await bring({ 'a.csv': actual })
    expect(of(rows, 'purchase')).toMatchObject({
      ChargeCategory: 'Purchase',
      ChargeClass: null,
      ChargeFrequency: 'One-Time',
      CommitmentDiscountStatus: null,
    })
    expect(of(rows, 'refund')).toMatchObject({ ChargeCategory: 'Purchase', ChargeClass: 'Correction' })
  })
})

/** EA's names in those of MCA: https://learn.microsoft.com/azure/cost-management-billing/dataset-schema/cost-usage-details-mca */
const mca: Record<string, string> = {
  Cost: 'costInBillingCurrency',
  Product: 'ProductName',
  PayGPrice: 'PayGPrice',
  ResourceGroup: 'resourceGroupName',
}
/** EA's names in those of pay-as-you-go, which tells neither account nor charge type. */
const payAsYouGo: Record<string, string> = {
  SubscriptionId: 'SubscriptionGuid',
  Date: 'UsageDateTime',
  MeterCategory: 'MeterCategory',
  MeterId: 'MeterId',
  MeterName: 'MeterName',
  Quantity: 'UsageQuantity',
  Cost: 'PreTaxCost',
  ResourceId: 'InstanceId',
  BillingCurrency: 'Currency',
  UnitOfMeasure: 'UnitOfMeasure',
  Tags: 'Tags',
}
const camel = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}`
const renamed = (rows: Row[], rename: (name: string) => string | undefined): Row[] =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).flatMap(([name, value]) => (rename(name) === undefined ? [] : [[rename(name) ?? '', value]])),
    ),
  )

describe('the account of an enterprise agreement', () => {
  const path = '/providers/Microsoft.Billing/billingAccounts/8608480'

  it.each(['8608480', '8608480.0', '="8608480"', 'billingAccounts/8608480', path.slice(1), path, `${path}/`])(
    'is one, written as %s',
    async (BillingAccountId) => {
      const profiles = ['', '8608480', '="8608480"', path, `${path}/`]
      const rows = profiles.map((BillingProfileId) => ({ ...usage, BillingAccountId, BillingProfileId }))
      const { normalized } = await bring({ 'ea.csv': csv(rows) })
      expect(normalized.partitions).toMatchObject([{ billingAccountId: path, rows: profiles.length }])
    },
  )
})

describe('MCA', () => {
  it('bills a profile, and its prices are in the pricing currency', async () => {
    const profile = {
      ...usage,
      BillingProfileId: 'P-1',
      BillingProfileName: 'Research',
      PricingCurrency: 'USD',
      ExchangeRatePricingToBilling: '0.5',
      InvoiceId: 'G1',
    }
    const { rows } = await bring({ 'mca.csv': csv(renamed([profile], (name) => mca[name] ?? camel(name))) })
    expect(rows[0]).toMatchObject({
      BillingAccountId: '/providers/Microsoft.Billing/billingAccounts/0012345/billingProfiles/P-1',
      BillingAccountName: 'Research',
      BilledCost: '2.64',
      ListCost: '1.44',
      InvoiceId: 'G1',
    })
  })
})

it('a price in a currency of many digits is no reason to refuse a bill: its list cost is unknown', async () => {
  const dear = { ...usage, PayGPrice: '250000', PricingCurrency: 'USD', ExchangeRatePricingToBilling: '16000' }
  const { rows } = await bring({ 'mca.csv': csv([{ ...dear, BillingCurrency: 'IDR', Cost: '4000000000' }]) })
  expect(rows[0]).toMatchObject({ BilledCost: '4000000000', ListCost: null })
})

describe('an enrollment', () => {
  const path = '/providers/Microsoft.Billing/billingAccounts/0012345'

  it.each([
    ['0012345', '0012345'],
    [path, '0012345'],
    ['0012345', path],
    [path.toLowerCase(), path],
  ])('is one account as %s with the profile %s', async (BillingAccountId, BillingProfileId) => {
    const { rows } = await bring({ 'ea.csv': csv([{ ...usage, BillingAccountId, BillingProfileId }]) })
    expect(rows[0]).toMatchObject({ BillingAccountId: path, BillingAccountType: 'Billing Account' })
  })
})

describeData('an enrolment exported as actual and as amortized set', () => {
  const files = {
    actual: 'azure-actual-amortized/EA_ActualCost_Small.csv',
    amortized: 'azure-actual-amortized/EA_AmortizedCost_Small.csv',
  }
  const bothFiles = {
    'actual.csv': { path: dataFile(files.actual) },
    'amortized.csv': { path: dataFile(files.amortized) },
  }
  /** Up to 18 decimals are kept. */
  const costOf = (rows: Row[]): string =>
    Money.plain(Money.sum(rows.map((row) => Money.parse(row.Cost ?? '').round(18))))

  it('has 19.047780136168644627 billed and 16.296932136636644627 effective USD by the union rule', async () => {
    const [ofActual, ofAmortized] = [dataRows(files.actual), dataRows(files.amortized)]
    const isCommitment = (row: Row): boolean => row.PricingModel === 'Reservation' || row.PricingModel === 'SavingsPlan'
    const purchases = ofActual.filter((row) => row.ChargeType === 'Purchase' && isCommitment(row))
    const billed = costOf([...ofAmortized.filter((row) => !isCommitment(row)), ...purchases])
    expect([ofActual.length, ofAmortized.length, purchases.length]).toEqual([11, 28, 1])
    expect([billed, costOf(ofAmortized)]).toEqual(['19.047780136168644627', '16.296932136636644627'])

    const { normalized, rows } = await bring(bothFiles)
    expect(normalized.files.map(({ format, rows }) => [format, rows])).toEqual([
      ['azure-actual', 11],
      ['azure-amortized', 28],
    ])
    expect(rows).toHaveLength(29)
    expect([sum(rows, 'BilledCost'), sum(rows, 'EffectiveCost')]).toEqual([billed, costOf(ofAmortized)])
  })

  it('has the control total of each set', async () => {
    const { normalized } = await bring(bothFiles)
    expect(normalized.partitions[0]?.control).toEqual([
      { currency: 'USD', metric: 'billed', total: '8.5450077867419368', rows: 11 },
      { currency: 'USD', metric: 'effective', total: '16.296932136636644627', rows: 28 },
    ])
  })

  it('keeps tags without braces', async () => {
    const { rows } = await bring({ 'amortized.csv': { path: dataFile(files.amortized) } })
    expect(
      rows.filter((row) => row.Tags !== null).map((row) => Object.keys(JSON.parse(row.Tags ?? '') as object)),
    ).not.toContainEqual(['x_UnparsedTags'])
    expect(rows.some((row) => (JSON.parse(row.Tags ?? '{}') as Row).CostCenter === 'SubACM')).toBe(true)
  })

  it.each([
    ['EA without a byte order mark', (rows: Row[]) => csv(rows)],
    ['camelCase', (rows: Row[]) => csv(renamed(rows, camel))],
    ['MCA', (rows: Row[]) => csv(renamed(rows, (name) => mca[name] ?? camel(name)))],
    [
      'a newer EA',
      (rows: Row[]) =>
        csv(
          renamed(
            rows,
            (name) =>
              ({ Cost: 'CostInBillingCurrency', BillingCurrency: 'BillingCurrencyCode', Product: 'ProductName' })[
                name
              ] ?? name,
          ),
        ),
    ],
  ])('comes to the same in the headers of %s', async (_, write) => {
    const { rows } = await bring({ '1.csv': write(dataRows(files.actual)), '2.csv': write(dataRows(files.amortized)) })
    expect([rows.length, sum(rows, 'BilledCost'), sum(rows, 'EffectiveCost')]).toEqual([
      29,
      '19.047780136168644627',
      '16.296932136636644627',
    ])
  })

  it('with pay-as-you-go headers is billed to its subscriptions, in the month of its days', async () => {
    const source = dataRows(files.actual)
    const { normalized, rows } = await bring({ 'payg.csv': csv(renamed(source, (name) => payAsYouGo[name])) })
    expect(normalized.files[0]).toMatchObject({ format: 'azure-actual', rows: 11, periods: ['2023-09'] })
    expect(sum(rows, 'BilledCost')).toBe('8.5450077867419368')
    expect(new Set(rows.map((row) => row.BillingAccountId))).toEqual(
      new Set(source.map((row) => `/subscriptions/${row.SubscriptionId?.toLowerCase()}`)),
    )
  })

  it('may start with a byte order mark, which is not part of the first header', () => {
    expect(readFileSync(dataFile(files.actual)).subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]))
  })
})
