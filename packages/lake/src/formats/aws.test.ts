import { describe, expect, it } from 'vitest'
import { Money } from '@cloudoptima/core'
import { csvSpelling, expected, lines, type Line, renamed } from './aws.fixture.ts'
import { bench, csv, dataFile, dataRows, describeData, type LakeRow } from './testing.ts'

const { bring, parquet } = bench()

const described = (rows: LakeRow[], description: string): LakeRow =>
  rows.find((row) => row.ChargeDescription === description) ?? {}
const sum = (rows: LakeRow[], name: string): string =>
  Money.plain(Money.sum(rows.flatMap((row) => (row[name] == null ? [] : [Money.parse(row[name])]))))
const parents = lines.filter((line) => line.split_line_item_parent_resource_id === undefined)
const ownTotal = (bill: readonly Line[], column = 'line_item_unblended_cost'): string =>
  Money.plain(Money.sum(bill.map((line) => Money.parse(line[column] ?? '0'))))
const costs = (rows: LakeRow[]): Record<string, unknown> =>
  Object.fromEntries(
    rows.map((row) => [
      row.ChargeDescription,
      { billed: row.BilledCost, effective: row.EffectiveCost, category: row.ChargeCategory },
    ]),
  )

describe('every kind of line has its billed and its effective cost', () => {
  it.each([
    ['legacy, as CSV spells it', csv(lines.map((line) => renamed(line, csvSpelling))), 'aws-cur-legacy'],
    ['legacy, as Athena spells it', csv(lines), 'aws-cur-legacy'],
    ['2.0', csv(lines.map((line) => ({ ...line, bill_payer_account_name: 'Acme' }))), 'aws-cur-2.0'],
  ])('%s', async (_, text, format) => {
    const { normalized, rows } = await bring({ 'cur.csv': text })
    expect(normalized.files[0]).toMatchObject({ format, rows: parents.length })
    expect(costs(rows)).toEqual(expected)
  })

  it('equals the sum of its own cost column, exactly', async () => {
    const { normalized, rows } = await bring({ 'cur.csv': csv(lines) })
    expect(sum(rows, 'BilledCost')).toBe(ownTotal(parents))
    expect(normalized.partitions[0]?.control).toEqual([
      { currency: 'USD', metric: 'billed', total: ownTotal(parents), rows: parents.length },
    ])
  })
})

describe('the remainder of Savings Plans usage and its negation', () => {
  const residue = 'Savings Plans usage and its negation, not cancelled'

  it('stays on the bill as a separate line', async () => {
    const bill = lines.map((line) =>
      line.line_item_line_item_type === 'SavingsPlanNegation'
        ? { ...line, line_item_unblended_cost: '-0.2000000001' }
        : line,
    )
    const { rows } = await bring({ 'cur.csv': csv(bill) })
    expect(described(rows, residue)).toMatchObject({
      BilledCost: '-0.0000000001',
      EffectiveCost: '0',
      ChargeCategory: 'Adjustment',
    })
    expect(sum(rows, 'BilledCost')).toBe(
      ownTotal(bill.filter((line) => line.split_line_item_parent_resource_id === undefined)),
    )
  })

  it('cancels across the files of one delivery', async () => {
    const isNegation = (line: Line): boolean => line.line_item_line_item_type === 'SavingsPlanNegation'
    const { rows } = await bring({
      '1.csv': csv(lines.filter((line) => !isNegation(line))),
      '2.csv': csv(lines.filter(isNegation)),
    })
    expect(
      rows
        .filter((row) => row.ChargeDescription === residue)
        .map((row) => row.BilledCost)
        .toSorted(),
    ).toEqual(['-0.2', '0.2'])
    expect(sum(rows, 'BilledCost')).toBe(ownTotal(parents))
  })
})

describe('net columns, where negotiated discounts are spread over the lines', () => {
  const net = lines.map((line) => {
    if (line.line_item_line_item_type?.endsWith('Discount')) return line
    const half = Money.plain(Money.parse(line.line_item_unblended_cost ?? '0').times('0.5'))
    return {
      ...line,
      line_item_net_unblended_cost: half,
      savings_plan_net_savings_plan_effective_cost: line.savings_plan_savings_plan_effective_cost ? '0.07' : '',
    }
  })

  it('are the billed cost, and their discounts are not counted twice', async () => {
    const { normalized, rows } = await bring({ 'cur.csv': csv(net) })
    const total = ownTotal(
      net.filter((line) => line.split_line_item_parent_resource_id === undefined),
      'line_item_net_unblended_cost',
    )
    expect(sum(rows, 'BilledCost')).toBe(total)
    expect(normalized.partitions[0]?.control[0]?.total).toBe(total)
    expect(described(rows, 'EdpDiscount').BilledCost).toBe('0')
    expect(described(rows, 'SavingsPlanCoveredUsage')).toMatchObject({ BilledCost: '0', EffectiveCost: '0.07' })
  })

  const usage = { ...lines[0], line_item_unblended_cost: '100' }
  const discount = {
    ...lines.find((line) => line.line_item_line_item_type === 'EdpDiscount'),
    line_item_unblended_cost: '-10',
  }
  const netUsage = { ...usage, line_item_net_unblended_cost: '90' }
  const blankNet = { line_item_net_unblended_cost: '' }
  const of2 = { bill_payer_account_name: 'Acme' }
  const spelled = (line: Line): string => csv([renamed(line, csvSpelling)])

  it.each<[string, Record<string, string>, string]>([
    ['in one file', { '1.csv': csv([netUsage, discount]) }, '90'],
    [
      'in two files of a legacy report',
      { '1.csv': csv([netUsage]), '2.csv': csv([{ ...discount, ...blankNet }]) },
      '90',
    ],
    [
      'in two files, as CSV spells them',
      { '1.csv': spelled(netUsage), '2.csv': spelled({ ...discount, ...blankNet }) },
      '90',
    ],
    ['not, without net columns, in one file', { '1.csv': csv([usage, discount]) }, '90'],
    ['not, without net columns, in two files', { '1.csv': csv([usage]), '2.csv': csv([discount]) }, '90'],
    [
      'not, in 2.0 with a net column that is blank',
      { '1.csv': csv([usage, discount].map((line) => ({ ...line, ...blankNet, ...of2 }))) },
      '90',
    ],
    [
      'in 2.0, if one part of three has net costs',
      {
        '1.csv': csv([{ ...netUsage, ...of2 }]),
        '2.csv': csv([{ ...discount, ...blankNet, ...of2 }]),
        '3.csv': csv([{ ...discount, ...blankNet, ...of2, line_item_usage_type: 'second' }]),
      },
      '90',
    ],
    ['in 2.0', { '1.csv': csv([netUsage, discount].map((line) => ({ ...line, ...of2 }))) }, '90'],
  ])('contain the discount %s', async (_, files, total) => {
    const { normalized, rows } = await bring(files)
    expect(sum(rows, 'BilledCost')).toBe(total)
    expect(normalized.partitions.map(({ control }) => control[0]?.total)).toEqual([total])
  })

  it('contain no discount of another payer of the same file', async () => {
    const other = { ...blankNet, bill_payer_account_id: '000111222333' }
    const bill = [netUsage, { ...discount, ...blankNet }, { ...usage, ...other }, { ...discount, ...other }]
    const { normalized } = await bring({ '1.csv': csv(bill.map((line) => ({ ...line, ...of2 }))) })
    expect(normalized.partitions.map(({ totals }) => totals[0]?.billed)).toEqual(['90', '90'])
  })
})

describe('the rest of a line', () => {
  it('keeps account ids as text and names the invoice issuer', async () => {
    const { rows } = await bring({ 'cur.csv': csv(lines) })
    expect(described(rows, 'Usage')).toMatchObject({
      BillingAccountId: '000123456789',
      SubAccountId: '000000000042',
      ProviderName: 'AWS',
      ServiceProviderName: 'AWS',
      InvoiceIssuerName: 'Amazon Web Services EMEA SARL',
      ServiceCategory: 'Compute',
      ServiceSubcategory: 'Virtual Machines',
      ListCost: '0.12',
      RegionId: 'eu-west-1',
    })
    expect(described(rows, 'fee of a marketplace product')).toMatchObject({
      PublisherName: 'Acme',
      HostProviderName: null,
    })
  })

  it('knows the names of regions, and takes no zone for a region', async () => {
    const usage = lines.filter((line) => line.line_item_line_item_description === 'Usage')
    const regionNameOf = async (line: Line): Promise<string | null | undefined> =>
      (await bring({ 'cur.csv': csv(usage.map((row) => ({ ...row, ...line }))) })).rows[0]?.RegionName
    expect(await regionNameOf({ product_location: 'EU (Ireland)', product_location_type: 'AWS Region' })).toBe(
      'EU (Ireland)',
    )
    expect(await regionNameOf({ product_location: 'Dublin', product_location_type: 'AWS Edge Location' })).toBe(
      'Europe (Ireland)',
    )
    expect(
      await regionNameOf({ product_location: 'Dublin', product_location_type: '', product_region_code: '' }),
    ).toBeNull()
  })

  it('names the commitment that covers usage, and whether a price is a commitment price', async () => {
    const { rows } = await bring({ 'cur.csv': csv(lines) })
    const covered = { CommitmentDiscountStatus: 'Used', PricingCategory: 'Committed' }
    expect(described(rows, 'SavingsPlanCoveredUsage')).toMatchObject({
      ...covered,
      CommitmentDiscountCategory: 'Spend',
      CommitmentDiscountType: 'Savings Plan',
    })
    expect(described(rows, 'DiscountedUsage')).toMatchObject({
      ...covered,
      CommitmentDiscountCategory: 'Usage',
      ListCost: '0.1',
      ContractedCost: null,
    })
    expect(described(rows, 'Tax')).toMatchObject({ PricingCategory: null, ListCost: null })
    expect(described(rows, 'Refund')).toMatchObject({ ChargeClass: 'Correction' })
  })

  it('does not take a capacity reservation for a commitment', async () => {
    const arn = 'arn:aws:ec2:eu-west-1:1:capacity-reservation/cr-1'
    const { rows } = await bring({
      'cur.csv': csv([
        { ...lines[0], reservation_reservation_a_r_n: arn, line_item_usage_type: 'EU-UnusedBox:m5.large' },
      ]),
    })
    expect(rows[0]).toMatchObject({
      CommitmentDiscountId: null,
      CapacityReservationId: arn,
      CapacityReservationStatus: 'Unused',
      PricingCategory: 'Standard',
    })
  })

  it('collects the tag columns of a legacy report under their original keys', async () => {
    const tags = {
      'resourceTags/user:Cost Center': '7',
      'resourceTags/user:team': 'Data',
      'resourceTags/aws:createdBy': '',
    }
    const { rows } = await bring({ 'cur.csv': csv([{ ...renamed(lines[0] ?? {}, csvSpelling), ...tags }]) })
    expect(JSON.parse(rows[0]?.Tags ?? '')).toEqual({ 'Cost Center': '7', team: 'Data' })
  })
})

describe('CUR 2.0 as Parquet', () => {
  it('has products and tags as maps, and costs as binary floats with the value of their shortest text', async () => {
    const columns = Object.entries(lines[0] ?? {}).map(([name, value]) =>
      /(cost|amount)$/.test(name) ? `${value}::DOUBLE AS ${name}` : `'${value}' AS ${name}`,
    )
    const maps = `MAP {'product_name': 'Amazon Elastic Compute Cloud'} AS product, MAP {'user_team': 'Data', 'aws_created_by': 'x,"user_y'} AS resource_tags`
    const { normalized, rows } = await bring({
      'cur.parquet': await parquet(`SELECT ${columns.join(', ')}, ${maps}, 'Acme' AS line_item_usage_account_name`),
    })
    expect(normalized.files[0]?.format).toBe('aws-cur-2.0')
    expect(rows[0]).toMatchObject({
      BilledCost: '0.1',
      ListCost: '0.12',
      ServiceName: 'Amazon Elastic Compute Cloud',
      SubAccountName: 'Acme',
    })
    expect(JSON.parse(rows[0]?.Tags ?? '')).toEqual({ team: 'Data', aws_created_by: 'x,"user_y' })
  })
})

describeData('the anonymised Cost and Usage Report', () => {
  it('has 1.6823086974 USD in 1,269 usage and 12 tax lines', async () => {
    const name = 'sample-anonymous-aws-export-dataset.csv'
    const { normalized, rows } = await bring({ [name]: { path: dataFile(`aws-cur-legacy/${name}`) } })
    const source = dataRows(`aws-cur-legacy/${name}`)
    expect(normalized.files).toEqual([{ name, format: 'aws-cur-legacy', rows: 1281, periods: ['2023-11'] }])
    expect(sum(rows, 'BilledCost')).toBe('1.6823086974')
    expect(sum(rows, 'BilledCost')).toBe(sum(source, 'lineItem/UnblendedCost'))
    expect(sum(rows, 'ListCost')).toBe(
      sum(
        source.map((row) => ({ list: row['pricing/publicOnDemandCost'] || null })),
        'list',
      ),
    )
    expect(
      Map.groupBy(rows, (row) => row.ChargeCategory)
        .entries()
        .map(([category, found]) => [category, found.length])
        .toArray()
        .toSorted(),
    ).toEqual([
      ['Tax', 12],
      ['Usage', 1269],
    ])
    expect(new Set(rows.map((row) => row.BillingAccountId))).toEqual(new Set(['123412340534']))
  })
})
