import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { bench, csv, type LakeRow } from './testing.ts'

const { bring, parquet } = bench()

/** A row of the detailed export, as `bq extract` writes it. */
const disk = {
  billing_account_id: '003576-4CB9A5-BC33DB',
  service: { id: '6F81-5844-456A', description: 'Compute Engine' },
  sku: { id: '315D-05CC-A75E', description: 'SSD backed PD Capacity in Netherlands' },
  usage_start_time: '2024-05-12 22:00:00 UTC',
  usage_end_time: '2024-05-12 23:00:00 UTC',
  project: { id: 'mill-187708', number: '441570621172', name: 'Mill', ancestors: [{ resource_name: 'projects/4' }] },
  labels: [
    { key: 'team', value: 'blue' },
    { key: 'stage', value: 'prod' },
  ],
  system_labels: [],
  location: { location: 'europe-west4', country: 'NL', region: 'europe-west4', zone: 'europe-west4-a' },
  resource: {
    name: 'press',
    global_name: '//compute.googleapis.com/projects/441570621172/zones/europe-west4-a/disk/5731447681477044785',
  },
  tags: [],
  price: { effective_price: '0.174592', tier_start_amount: 0, unit: 'gibibyte month', pricing_unit_quantity: 1 },
  subscription: {},
  transaction_type: 'GOOGLE',
  export_time: '2024-05-13 01:49:02.981774 UTC',
  cost: 0.012434,
  currency: 'EUR',
  currency_conversion_rate: 0.9336,
  usage: {
    amount: 204816252928000,
    unit: 'byte-seconds',
    amount_in_pricing_units: 0.071217891,
    pricing_unit: 'gibibyte month',
  },
  credits: [] as unknown[],
  invoice: { month: '202405' },
  cost_type: 'regular',
  adjustment_info: {},
  cost_at_list: 0.0155,
}
type Row = Partial<Record<keyof typeof disk | 'consumption_model' | 'seller_name', unknown>>

const lines = (...rows: Row[]): string => rows.map((row) => `${JSON.stringify({ ...disk, ...row })}\n`).join('')
const credit = (type: string, amount: unknown, more = {}): object => ({ name: type, amount, type, ...more })

async function one(change: Row): Promise<LakeRow> {
  const { rows } = await bring({ 'rows.jsonl': lines(change) })
  return rows[0] ?? {}
}

const sum = (rows: LakeRow[], column: string): string =>
  Money.plain(Money.sum(rows.map((row) => Money.parse(row[column] ?? '0'))))

describe("a row of Google's export", () => {
  it('reads like a bill', async () => {
    expect(await one({})).toMatchObject({
      x_Format: 'gcp-export',
      BilledCost: '0.012434',
      EffectiveCost: '0.012434',
      ContractedCost: '0.012434',
      ListCost: '0.0155',
      BillingCurrency: 'EUR',
      BillingAccountId: '003576-4CB9A5-BC33DB',
      SubAccountId: 'mill-187708',
      SubAccountName: 'Mill',
      BillingPeriodStart: '2024-05-01 00:00:00',
      BillingPeriodEnd: '2024-06-01 00:00:00',
      ChargePeriodStart: '2024-05-12 22:00:00',
      ChargePeriodEnd: '2024-05-12 23:00:00',
      ChargeCategory: 'Usage',
      ChargeFrequency: 'Usage-Based',
      PricingCategory: 'Standard',
      PricingQuantity: '0.071217891',
      PricingUnit: 'GiB-Months',
      ConsumedQuantity: '204816252928000',
      ConsumedUnit: 'B-Seconds',
      ContractedUnitPrice: '0.174592',
      ServiceName: 'Compute Engine',
      ServiceCategory: 'Compute',
      ServiceSubcategory: 'Virtual Machines',
      ServiceProviderName: 'Google Cloud',
      SkuId: '315D-05CC-A75E',
      ResourceId: disk.resource.global_name,
      ResourceName: 'press',
      ResourceType: 'compute.googleapis.com/disk',
      RegionId: 'europe-west4',
      RegionName: 'Netherlands',
      AvailabilityZone: 'europe-west4-a',
      Tags: '{"team":"blue","stage":"prod"}',
      CommitmentDiscountId: null,
    })
  })

  it.each([
    ['regular', 'Usage'],
    ['tax', 'Tax'],
    ['adjustment', 'Adjustment'],
    ['rounding_error', 'Adjustment'],
    ['of tomorrow', 'Adjustment'],
  ])('of the type %s has the category %s', async (cost_type, category) => {
    expect((await one({ cost_type })).ChargeCategory).toBe(category)
  })

  it('that corrects an invoice says so', async () => {
    expect(
      await one({ cost: -4, cost_type: 'adjustment', adjustment_info: { type: 'PRICE_CORRECTION' } }),
    ).toMatchObject({
      BilledCost: '-4',
      ChargeClass: 'Correction',
    })
  })

  it('of the standard export has no resource and no list cost: null, not 0', async () => {
    const { resource: _, price: __, cost_at_list: ___, ...standard } = disk
    const { rows } = await bring({ 'rows.jsonl': JSON.stringify(standard) })
    expect(rows[0]).toMatchObject({ ResourceId: null, ResourceType: null, ListCost: null, ContractedUnitPrice: null })
  })

  it.each(['202413', 'September', '2024'])('of the month %s refuses the bill', async (month) => {
    await expect(bring({ 'rows.jsonl': lines({}, { invoice: { month } }) })).rejects.toThrow(
      `line 2, column invoice_month: "${month}" is no month that can be understood`,
    )
  })

  it('of a marketplace seller names the seller', async () => {
    const row = await one({ transaction_type: 'THIRD_PARTY_RESELLER', seller_name: 'Quarry Ltd' })
    expect(row).toMatchObject({
      PublisherName: 'Quarry Ltd',
      HostProviderName: null,
      InvoiceIssuerName: 'Google Cloud',
    })
  })

  it('belongs to the month of its invoice, not of its usage', async () => {
    const { normalized } = await bring({
      'rows.jsonl': lines({ usage_start_time: '2024-06-01 05:00:00 UTC', usage_end_time: '2024-06-01 06:00:00 UTC' }),
    })
    expect(normalized.partitions.map(({ period }) => period)).toEqual(['2024-05'])
  })
})

describe('credits', () => {
  it('are summed to the last digit, and never multiply the row', async () => {
    const credits = [credit('SUSTAINED_USAGE_DISCOUNT', -0.1), credit('PROMOTION', '-0.200000000000000001')]
    const { normalized, rows } = await bring({ 'rows.jsonl': lines({ cost: 1, credits }) })
    expect(rows.map(({ BilledCost }) => BilledCost)).toEqual(['0.699999999999999999'])
    expect(rows[0]).toMatchObject({
      ContractedCost: '1',
      EffectiveCost: '0.699999999999999999',
      PricingCategory: 'Standard',
    })
    expect(normalized.partitions[0]?.rows).toBe(1)
  })

  it('and costs are binary numbers: those with more than 18 decimals are rounded, and a note counts them', async () => {
    const credits = [credit('PROMOTION', -1.234567890123456e-5), credit('PROMOTION', -0.25)]
    const bills = { 'a.jsonl': lines({ cost: 2.345678901234567e-5, credits }, { cost: 0.1 }) }
    const { normalized } = await bring({ ...bills, 'b.jsonl': lines({ cost: 3, cost_at_list: 1e-19 }) })
    expect(normalized.notes).toEqual(['Costs with more than 18 decimals, rounded to 18: 3, in a.jsonl, b.jsonl.'])
    const [partition] = normalized.partitions
    expect([partition?.control[0]?.total, partition?.totals[0]?.billed]).toEqual(Array(2).fill('2.850011111110111111'))
  })

  it('of a resource-based commitment mark the usage that it covered', async () => {
    const covered = credit('COMMITTED_USAGE_DISCOUNT', -1, {
      id: 'cud-cpu',
      full_name: 'Committed Usage Discount: CPU',
    })
    expect(await one({ cost: 1, credits: [credit('PROMOTION', -0), covered] })).toMatchObject({
      BilledCost: '0',
      PricingCategory: 'Committed',
      CommitmentDiscountId: 'cud-cpu',
      CommitmentDiscountName: 'Committed Usage Discount: CPU',
      CommitmentDiscountCategory: 'Usage',
      CommitmentDiscountStatus: 'Used',
      CommitmentDiscountType: 'Committed Use Discount',
    })
  })

  it('of resource-based commitments tell how much of the usage they covered, whatever other credits say', async () => {
    const cores = { amount: 14400, unit: 'seconds', amount_in_pricing_units: 4, pricing_unit: 'hour' }
    const usage = { cost: 0.2, usage: cores }
    const covered = [credit('COMMITTED_USAGE_DISCOUNT', -0.1), credit('COMMITTED_USAGE_DISCOUNT', -0.05)]
    const more = [credit('SUSTAINED_USAGE_DISCOUNT', -0.01), credit('PROMOTION', -0.02)]
    const quantityOf = async (change: Row) => {
      const { CommitmentDiscountQuantity: quantity, CommitmentDiscountUnit: unit } = await one({ ...usage, ...change })
      return [quantity === null ? null : Number(quantity), unit]
    }
    expect(await quantityOf({ credits: [...covered, ...more] })).toEqual([3, 'Hours'])
    expect(await quantityOf({ credits: more })).toEqual([null, null])
    expect(await quantityOf({ credits: [credit('COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE', -0.2, { id: 's' })] })).toEqual([
      null,
      null,
    ])
    const fee = { sku: { id: 'F', description: 'Commitment v1: N2 Cpu in Iowa for 1 Year' } }
    expect(await quantityOf({ ...fee, subscription: { instance_id: 'sub-1' } })).toEqual([4, 'Hours'])
  })

  it('offset the fee of a spend-based commitment', async () => {
    const fee = {
      cost: 10,
      sku: { id: 'F', description: 'Commitment - dollar based v1: GCE for 1 year' },
      subscription: { instance_id: 'sub-1' },
      credits: [credit('FEE_UTILIZATION_OFFSET', -7.5)],
    }
    expect(await one(fee)).toMatchObject({
      BilledCost: '2.5',
      ChargeCategory: 'Purchase',
      ChargeFrequency: 'Recurring',
      CommitmentDiscountId: 'sub-1',
      CommitmentDiscountCategory: 'Spend',
      CommitmentDiscountStatus: null,
    })
    expect(await one({ consumption_model: { id: '5515', description: 'Flexible CUD - 1 Year' } })).toMatchObject({
      PricingCategory: 'Committed',
      CommitmentDiscountId: '5515',
    })
  })

  it('without a readable amount refuse the bill', async () => {
    const broken = lines({}, { credits: [{ name: 'x', type: 'PROMOTION' }] })
    await expect(bring({ 'rows.jsonl': broken })).rejects.toThrow(
      /line 2, column BilledCost: a mandatory value is missing/,
    )
  })

  it.each(['[ ]', '[\n]', ''])('may be none, written as "%s"', async (credits) => {
    const { service: _, sku: __, project: ___, labels: ____, ...row } = disk
    const flat = { ...row, 'invoice.month': '202405', cost: '1', credits }
    const texts = Object.entries(flat).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []))
    const { rows } = await bring({ 'rows.csv': csv([Object.fromEntries(texts) as Record<string, string>]) })
    expect(rows[0]?.BilledCost).toBe('1')
  })

  it('with a decimal comma, or of more digits than a cost, refuse the bill', async () => {
    const bill = (amount: unknown) => bring({ 'rows.jsonl': lines({ credits: [credit('PROMOTION', amount)] }) })
    await expect(bill('-0,5')).rejects.toThrow(/line 1, column BilledCost: a mandatory value is missing/)
    await expect(bill(-1e30)).rejects.toThrow(/a number or a total has more than 20 digits/)
  })

  it('of a text that looks like an amount are not counted', async () => {
    const odd = credit('PROMOTION', -0.25, { full_name: 'the "amount": -9 of {it}, "amount":9' })
    expect((await one({ cost: 1, credits: [odd] })).BilledCost).toBe('0.75')
  })
})

describe('the same rows have the same total', () => {
  const rows = [
    { cost: 1.5, credits: [credit('PROMOTION', -0.5, { full_name: "the mill's" })] },
    { cost: 2.25, credits: [] },
  ]
  const dotted = [
    { ...flat(), cost: '1.5', credits: `[{"name": "CUD", "amount": -0.5}]` },
    { ...flat(), cost: '2.25', credits: '[]' },
  ]

  function flat(): Record<string, string> {
    const { service, sku, project, invoice, usage, location } = disk
    const nested = { service, sku, project, invoice, usage, location }
    const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
    return Object.fromEntries([
      ...Object.entries(nested).flatMap(([name, fields]) =>
        Object.entries(fields).map(([field, value]) => [`${name}.${field}`, text(value)] as const),
      ),
      ...(['billing_account_id', 'usage_start_time', 'usage_end_time', 'currency', 'cost_type', 'labels'] as const).map(
        (name) => [name, text(disk[name])] as const,
      ),
    ])
  }

  it.each<
    [string, () => Promise<Record<string, string | Buffer | { path: string }>> | Record<string, string | Buffer>]
  >([
    ['as JSON lines', () => ({ 'rows.jsonl': lines(...rows) })],
    ['as packed JSON lines', () => ({ 'rows.json.gz': gzipSync(lines(...rows)) })],
    ['as CSV with dots in its header', () => ({ 'rows.csv': csv(dotted) })],
    [
      'as CSV with marks in its header',
      () => ({
        'rows.csv': csv(
          dotted.map((row) =>
            Object.fromEntries(Object.entries(row).map(([name, value]) => [name.replace('.', '_'), value])),
          ),
        ),
      }),
    ],
    [
      "as CSV with Python's lists",
      () => ({ 'rows.csv': csv(dotted.map((row) => ({ ...row, credits: row.credits.replaceAll('"', "'") }))) }),
    ],
    [
      "as CSV with NumPy's lists",
      () => ({
        'rows.csv': csv(
          dotted.map((row) => {
            const half = "{'name': 'CUD', 'amount': -0.25, 'id': None}"
            return { ...row, credits: row.credits === '[]' ? '[]' : `[${half}\n ${half}]` }
          }),
        ),
      }),
    ],
    [
      'as nested Parquet',
      async () => ({
        'rows.parquet': await parquet(`
          SELECT '003576-4CB9A5-BC33DB' AS billing_account_id,
            {'id': '6F81', 'description': 'Compute Engine'} AS service, {'id': 'S', 'description': 'SSD'} AS sku,
            TIMESTAMP '2024-05-12 22:00:00' AS usage_start_time, TIMESTAMP '2024-05-12 23:00:00' AS usage_end_time,
            {'id': 'mill-187708', 'labels': [{'key': 'a', 'value': 'b'}]} AS project,
            [{'key': 'team', 'value': 'blue'}, {'key': 'stage', 'value': 'prod'}] AS labels,
            cost, 'EUR' AS currency, credits, {'month': '202405'} AS invoice, 'regular' AS cost_type
          FROM (VALUES
            (1.5::DOUBLE, [{'name': 'CUD', 'amount': -0.5::DOUBLE, 'type': 'PROMOTION'}]),
            (2.25, [])
          ) AS row(cost, credits)`),
      }),
    ],
  ])('%s', async (_, files) => {
    const { normalized, rows } = await bring(await files())
    expect(normalized.partitions).toMatchObject([
      { provider: 'Google Cloud', period: '2024-05', rows: 2, totals: [{ billed: '3.25', currency: 'EUR' }] },
    ])
    for (const row of rows)
      expect(row).toMatchObject({
        SubAccountId: 'mill-187708',
        ServiceName: 'Compute Engine',
        ChargePeriodStart: '2024-05-12 22:00:00',
        Tags: '{"team":"blue","stage":"prod"}',
      })
  })
})

describe('JSON lines', () => {
  it('keep numbers of more digits than a float holds', async () => {
    const text = lines({}).replace('"cost":0.012434', '"cost":1234567890.123456789012345678')
    const { rows } = await bring({ 'rows.jsonl': text })
    expect(rows[0]?.BilledCost).toBe('1234567890.123456789012345678')
    const likeOne = text.replace('"Mill"', '"a:12345678901234567890, b"')
    expect((await bring({ 'rows.jsonl': likeOne })).rows[0]).toMatchObject({
      BilledCost: '1234567890.123456789012345678',
      SubAccountName: 'a:12345678901234567890, b',
    })
  })

  it('of FOCUS are read too', async () => {
    const row = {
      BilledCost: 1.5,
      EffectiveCost: 1.25,
      BillingAccountId: '01',
      BillingCurrency: 'EUR',
      BillingPeriodStart: '2024-09-01 00:00:00 UTC',
      BillingPeriodEnd: '2024-10-01 00:00:00 UTC',
      ChargePeriodStart: '2024-09-03 00:00:00 UTC',
      ChargePeriodEnd: '2024-09-04 00:00:00 UTC',
      ChargeCategory: 'usage',
      ProviderName: 'Google Cloud',
      Tags: [{ key: 'Team', value: 'blue', x_type: 'label' }],
    }
    const { rows } = await bring({ 'focus.jsonl': `${JSON.stringify(row)}\n` })
    expect(rows[0]).toMatchObject({
      BilledCost: '1.5',
      EffectiveCost: '1.25',
      ChargeCategory: 'Usage',
      Tags: '{"Team":"blue"}',
    })
  })

  it('with a field that the first rows lack are read whole', async () => {
    const { resource: _, ...without } = disk
    const text = `${`${JSON.stringify(without)}\n`.repeat(200)}${lines({})}`
    const { rows } = await bring({ 'rows.jsonl': text })
    expect(rows.filter(({ ResourceId }) => ResourceId !== null)).toHaveLength(1)
    expect(rows).toHaveLength(201)
  })

  it.each([
    ['a broken line', `${lines({}, {})}{"billing_account_id": \n`, /line 3: the line is no JSON object/],
    ['a cost that is no number', lines({}, { cost: 'much' }), /cost/],
    ['a missing cost', lines({}, { cost: null }), /line 2, column cost: a mandatory value is missing/],
    ['two spellings of a field', lines({ 'service.id': 'x' } as Row), /line 1: the column service_id appears 2 times/],
    ['another document', '{"a": 1}\n', /it is JSON: export the bill as/],
  ])('with %s are refused', async (_, text, reason) => {
    await expect(bring({ 'rows.jsonl': text })).rejects.toThrow(reason)
  })

  it('any costs and credits come to their exact sum', async () => {
    const amount = fc
      .bigInt({ min: -(10n ** 20n), max: 10n ** 20n })
      .map((n) => Money.plain(Money.parse(String(n)).div('1e12')))
    const row = fc.record({ cost: amount, credits: fc.array(amount, { maxLength: 3 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (bill) => {
        const text = lines(
          ...bill.map(({ cost, credits }) => ({ cost, credits: credits.map((each) => credit('DISCOUNT', each)) })),
        )
        const { rows } = await bring({ 'rows.jsonl': text })
        const expected = Money.sum(
          bill.flatMap(({ cost, credits }) => [cost, ...credits]).map((each) => Money.parse(each)),
        )
        expect(sum(rows, 'BilledCost')).toBe(Money.plain(expected))
      }),
      { numRuns: 8 },
    )
  })
})
