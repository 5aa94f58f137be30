import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { focusColumns, lakeColumns } from '@cloudoptima/providers'
import { bench, csv, dataFile, dataRows, describeData, type LakeRow } from './testing.ts'

const { bring } = bench()

const charge = {
  BilledCost: '1.5',
  EffectiveCost: '1.25',
  BillingAccountId: '0012345678901',
  BillingCurrency: 'EUR',
  BillingPeriodStart: '2024-09-01T00:00:00Z',
  BillingPeriodEnd: '2024-10-01T00:00:00Z',
  ChargePeriodStart: '2024-09-03T00:00:00Z',
  ChargePeriodEnd: '2024-09-04T00:00:00Z',
  ChargeCategory: 'Usage',
  ProviderName: 'AWS',
  ServiceName: 'Amazon Simple Storage Service',
}

async function one(change: Record<string, string>): Promise<LakeRow> {
  const { rows } = await bring({ 'bill.csv': csv([{ ...charge, ...change }]) })
  return rows[0] ?? {}
}

const sum = (rows: LakeRow[], name: string): string =>
  Money.plain(Money.sum(rows.flatMap((row) => (row[name] == null ? [] : [Money.parse(row[name])]))))

describe('every version of FOCUS is recognised by its columns', () => {
  it.each(['1.0', '1.1', '1.2', '1.3', '1.4'] as const)('%s', async (version) => {
    const values: Record<string, string> = { ...charge, ServiceProviderName: 'AWS' }
    const row = Object.fromEntries(focusColumns[version].map((name) => [name, values[name] ?? '']))
    const { normalized, rows } = await bring({ 'bill.csv': csv([row], focusColumns[version]) })
    expect(normalized.files[0]?.format).toBe(`focus-${version}`)
    expect(rows[0]).toMatchObject({
      x_Format: `focus-${version}`,
      ServiceProviderName: 'AWS',
      ProviderName: 'AWS',
      BilledCost: '1.5',
      EffectiveCost: '1.25',
    })
  })

  it("Microsoft's exports of 1.0 have account types and are not 1.2", async () => {
    const row = {
      ...charge,
      ProviderName: 'Microsoft',
      BillingPeriodStart: '2024-09-01T00:00Z',
      BillingAccountType: 'Billing Profile',
      SubAccountType: 'Subscription',
    }
    const { normalized } = await bring({ 'bill.csv': csv([row]) })
    expect(normalized.files[0]?.format).toBe('focus-1.0')
  })

  it.each(['x_UsageType', 'x_SkuMeterName'])('the column %s of a provider reveals no version', async (column) => {
    const { normalized } = await bring({ 'bill.csv': csv([{ ...charge, [column]: 'BoxUsage:m5.large' }]) })
    expect(normalized.files[0]?.format).toBe('focus-1.0')
  })

  it("Microsoft's second release of 1.0 writes seconds", async () => {
    const { normalized } = await bring({ 'bill.csv': csv([{ ...charge, ProviderName: 'Microsoft' }]) })
    expect(normalized.files[0]?.format).toBe('focus-1.0r2')
  })
})

describe('FOCUS is kept unchanged', () => {
  it('a bill without prices has no list cost: null, not 0', async () => {
    expect(await one({})).toMatchObject({ ListCost: null, ContractedCost: null, PricingQuantity: null })
  })

  it('keeps negative rows, with and without ChargeClass', async () => {
    expect(await one({ BilledCost: '-7.000000000000000001', ChargeClass: '' })).toMatchObject({
      BilledCost: '-7.000000000000000001',
      ChargeClass: null,
    })
    expect(await one({ BilledCost: '-7', ChargeClass: 'Correction' })).toMatchObject({
      BilledCost: '-7',
      ChargeClass: 'Correction',
    })
  })

  it('keeps account ids as text', async () => {
    expect(await one({})).toMatchObject({ BillingAccountId: '0012345678901' })
  })

  it('writes ChargeFrequency as FOCUS spells it', async () => {
    expect(await one({ ChargeFrequency: 'Usage-based' })).toMatchObject({ ChargeFrequency: 'Usage-Based' })
  })

  it("takes Microsoft's missing list and contracted prices as unknown, not as 0", async () => {
    const marketplace = { ProviderName: 'Microsoft', ListCost: '0', ContractedCost: '0' }
    expect(await one(marketplace)).toMatchObject({ BilledCost: '1.5', ListCost: null, ContractedCost: null })
    expect(await one({ ...marketplace, BilledCost: '0', EffectiveCost: '0' })).toMatchObject({
      ListCost: '0',
      ContractedCost: '0',
    })
    expect(await one({ ...marketplace, ProviderName: 'AWS' })).toMatchObject({ ListCost: '0', ContractedCost: '0' })
  })

  it("writes Azure's commitments and resources in one case, and takes a missing InvoiceId as unknown", async () => {
    const row = await one({
      ProviderName: 'Microsoft',
      ResourceId: '/Providers/X/RESERVATIONS/1',
      CommitmentDiscountId: '/providers/X/reservations/1',
      InvoiceId: '',
    })
    expect(row.CommitmentDiscountId).toBe(row.ResourceId)
    expect(row.InvoiceId).toBeNull()
  })

  it.each([
    ["AWS's usage type", { x_UsageType: 'EU-BoxUsage:m5.large' }, 'EU-BoxUsage:m5.large'],
    ["Microsoft's meter name", { ProviderName: 'Microsoft', x_SkuMeterName: 'D2s v5' }, 'D2s v5'],
    ['SkuMeter before both', { SkuMeter: 'BoxUsage', x_UsageType: 'no', x_SkuMeterName: 'no' }, 'BoxUsage'],
    ['the usage type where SkuMeter is empty', { SkuMeter: '', x_UsageType: 'NatGateway-Hours' }, 'NatGateway-Hours'],
    ['no meter where the bill has none', { SkuMeter: '', x_UsageType: '', x_SkuMeterName: 'NULL' }, null],
  ])('takes the meter from %s', async (_, change, meter) => {
    expect(await one(change)).toMatchObject({ SkuMeter: meter })
  })

  it('counts a correction in its billing period, at the time of the corrected charge', async () => {
    const march = {
      ChargeClass: 'Correction',
      ChargePeriodStart: '2023-03-05T00:00:00Z',
      ChargePeriodEnd: '2023-03-06T00:00:00Z',
    }
    expect(await one({ ...march, BilledCost: '-3' })).toMatchObject({
      BillingPeriodStart: '2024-09-01 00:00:00',
      ChargePeriodStart: '2023-03-05 00:00:00',
    })
  })

  it('keeps currencies apart', async () => {
    const { normalized } = await bring({
      'bill.csv': csv([charge, { ...charge, BillingCurrency: 'USD', BilledCost: '2' }]),
    })
    expect(normalized.partitions[0]?.totals.map(({ currency, billed }) => [currency, billed])).toEqual([
      ['EUR', '1.5'],
      ['USD', '2'],
    ])
  })
})

describeData('the FOCUS sample, 1,000 anonymised rows of three providers', () => {
  it('equals the sums of its own columns, to the last digit', async () => {
    const { normalized, rows } = await bring({
      'focus_sample.csv': { path: dataFile('focus-sample/focus_sample.csv') },
    })
    expect(normalized.files).toEqual([
      { name: 'focus_sample.csv', format: 'focus-1.0', rows: 1000, periods: ['2024-09', '2024-10'] },
    ])
    const billed = (provider: string): string =>
      sum(
        rows.filter((row) => row.ProviderName === provider),
        'BilledCost',
      )
    expect([billed('AWS'), billed('Microsoft'), billed('Oracle')]).toEqual([
      '18.0066386184',
      '1.97651418586',
      '0.53707392473',
    ])
    const source = dataRows('focus-sample/focus_sample.csv')
    for (const name of ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost']) {
      expect(sum(rows, name)).toBe(
        sum(
          source.map((row) => ({ [name]: row[name] === 'NULL' ? null : (row[name] ?? null) })),
          name,
        ),
      )
    }
  })

  it('keeps its unusual values', async () => {
    const { normalized, rows } = await bring({
      'focus_sample.csv': { path: dataFile('focus-sample/focus_sample.csv') },
    })
    const of = (provider: string): LakeRow[] => rows.filter((row) => row.ProviderName === provider)
    expect(new Set(of('AWS').map((row) => row.BillingAccountId))).toEqual(new Set(['1234567890123']))
    expect(of('Oracle').map((row) => row.ContractedCost)).toEqual(Array(7).fill(null))
    expect(new Set(of('Oracle').map((row) => row.ChargeFrequency))).toEqual(new Set(['Usage-Based']))
    expect(
      normalized.partitions.find(({ provider, period }) => provider === 'Oracle' && period === '2024-10')?.rows,
    ).toBe(1)
    expect(rows.filter((row) => row.Tags?.includes('" org"') === true && row.Tags.includes('"org"'))).not.toHaveLength(
      0,
    )
    expect(sum(of('AWS'), 'EffectiveCost')).toBe('13')
    expect(new Set(rows.map((row) => row.SkuMeter))).toEqual(new Set([null]))
  })
})

describeData('the FOCUS 1.2 sample of Google Cloud', () => {
  it('equals the sums of its own columns', async () => {
    const name = 'gcp_1_2_cost_and_usage_rows25_seed7.csv'
    const { normalized, rows } = await bring({ [name]: { path: dataFile(`gcp-focus/${name}`) } })
    const source = dataRows(`gcp-focus/${name}`)
    expect(normalized.files[0]).toMatchObject({ format: 'focus-1.2', rows: 25 })
    for (const column of ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'])
      expect(sum(rows, column)).toBe(sum(source, column))
  })
})

describeData('the lake', () => {
  it('has every column of FOCUS 1.4 Cost and Usage, and the two names that 1.4 dropped', () => {
    const model = JSON.parse(readFileSync(dataFile('focus-model/focus_1_4_model.json'), 'utf8')) as {
      datasets: Record<string, { columns: Record<string, unknown> }>
    }
    const columns = Object.keys(model.datasets['Cost and Usage']?.columns ?? {})
    expect(columns).toHaveLength(65)
    expect(lakeColumns.map(({ name }) => name).filter((name) => !name.startsWith('x_'))).toEqual([
      ...columns.toSorted(),
      'ProviderName',
      'PublisherName',
    ])
    expect(focusColumns['1.4'].toSorted()).toEqual(columns.toSorted())
    expect(focusColumns['1.0']).toHaveLength(43)
    expect(focusColumns['1.2']).toHaveLength(57)
  })
})
