import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CostParameters, Queries } from '@cloudoptima/core'
import { memoryRuntime } from '@cloudoptima/core/testing'
import { createLake } from './index.ts'
import { normalize } from './normalize.ts'
import { columns, csv, type Row } from './testing.ts'

let folder: string
let lake: ReturnType<typeof createLake>
const { blobs } = memoryRuntime()
const files = { costs: ['costs'], cost_rollup: ['rollup'], resources: [], resource_changes: [], utilization: [] }

const more = [
  'ChargeDescription',
  'RegionId',
  'ResourceId',
  'SkuId',
  'PricingQuantity',
  'PricingUnit',
  'CommitmentDiscountStatus',
] as const
type Charge = Partial<Row & Record<(typeof more)[number], string>>

/** A day's charge of an instance of one dollar an hour. */
const used = (day: number, hours: number, change: Charge = {}): Charge => ({
  ChargePeriodStart: `2024-09-${String(day).padStart(2, '0')}T00:00:00Z`,
  ChargePeriodEnd: `2024-09-${String(day + 1).padStart(2, '0')}T00:00:00Z`,
  BilledCost: String(hours),
  EffectiveCost: String(hours),
  SubAccountId: '111122223333',
  ServiceName: 'Amazon EC2',
  RegionId: 'eu-west-1',
  ResourceId: 'i-1',
  SkuId: 'BoxUsage:m7g.large',
  PricingQuantity: String(hours),
  PricingUnit: 'Hours',
  ChargeDescription: 'On Demand Linux',
  ...change,
})
const bill: Charge[] = [
  ...[1, 2, 3, 4].flatMap((day) => [used(day, 24), used(day, 2, { ServiceName: 'Amazon S3', SkuId: 'Storage' })]),
  used(4, 96.125, { ResourceId: 'i-2', Tags: '{"Team":"ML"}', ChargeDescription: 'On Demand Windows' }),
  used(4, 7, {
    CommitmentDiscountStatus: 'Unused',
    ResourceId: 'ri-1',
    PricingQuantity: '99999999999999999999',
    PricingUnit: '1000000 Units',
  }),
  used(4, 1_000, { ChargeCategory: 'Tax', ResourceId: '' }),
  used(4, 5, { BillingCurrency: 'EUR', BillingAccountId: '2', PricingQuantity: '0.05', PricingUnit: '100 Hours' }),
]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-analytics-'))
  lake = createLake({ blobs, cacheDir: join(folder, 'cache') })
  const path = join(folder, 'bill.csv')
  await writeFile(path, csv(bill, [...columns, ...more]))
  const options = { workDir: join(folder, 'work'), snapshotId: 'imp_test', memoryLimit: '500MB' }
  const { partitions } = await normalize([{ name: 'bill.csv', path }], options)
  for (const dataset of ['costs', 'cost_rollup'] as const) {
    const found = partitions.flatMap(({ files }) => files[dataset])
    files[dataset] = found
    for (const key of found) await blobs.put('org', key.slice(1), await readFile(key))
    files[dataset] = found.map((key) => key.slice(1))
  }
})
afterAll(async () => {
  await lake.close()
  await rm(folder, { recursive: true, force: true })
})

const ask = async <Name extends keyof Queries>(name: Name, parameters: Queries[Name]['parameters']) =>
  await lake.query(name, { orgId: 'org', files, excluded: [] }, parameters)

const span = { start: '2024-09-01', end: '2024-09-04', recent: '2024-09-01', most: 100 }

test('a series has the cost of each day with charges, of usage and of unused commitments, apart by currency', async () => {
  const found = (await ask('costSeries', span)).map((row) => {
    const { provider, account, service, region, tag, charged, currency, days, costs } = row
    expect([provider, tag]).toEqual(['AWS', null])
    return [
      [account, service, region].filter(Boolean).join(' '),
      charged,
      currency,
      JSON.parse(days),
      JSON.parse(costs),
    ]
  })
  const days = ['2024-09-01', '2024-09-02', '2024-09-03', '2024-09-04']
  expect(found.slice(0, 3)).toEqual([
    ['', 'usage', 'USD', days, [26, 26, 26, 122.125]],
    ['', 'unused', 'USD', ['2024-09-04'], [7]],
    ['', 'usage', 'EUR', ['2024-09-04'], [5]],
  ])
  const names = found.filter(([, charged, currency]) => charged === 'usage' && currency === 'USD').map(([name]) => name)
  expect(new Set(names)).toEqual(
    new Set([
      '',
      '111122223333',
      'Amazon EC2',
      'Amazon S3',
      'eu-west-1',
      '111122223333 Amazon EC2',
      '111122223333 Amazon S3',
    ]),
  )
  expect(await ask('costSeries', { ...span, most: 2 })).toHaveLength(2)
})

test('a tag has a series for each value', async () => {
  const found = await ask('costSeries', { ...span, tagKey: 'Team' })
  expect(found.map(({ tag, charged, currency, costs }) => [tag, charged, currency, costs])).toEqual([
    ['Data', 'usage', 'USD', '[26.0,26.0,26.0,26.0]'],
    ['ML', 'usage', 'USD', '[96.125]'],
    ['Data', 'unused', 'USD', '[7.0]'],
    ['Data', 'usage', 'EUR', '[5.0]'],
  ])
})

const shares = {
  start: '2024-09-04',
  end: '2024-09-04',
  before: '2024-09-01',
  charged: 'usage' as const,
  currency: 'USD',
  filters: [],
  tagKeys: ['Team'],
  most: 10,
}

test('shares are exact by each dimension, and each sums to the total', async () => {
  const found = await ask('costShares', shares)
  const of = (wanted: string) => found.filter(({ dimension }) => dimension === wanted)
  expect(of('total')).toMatchObject([{ value: null, cost: '122.125', previous: '78' }])
  expect(of('resource').map(({ value, cost, used: hours, unit }) => [value, cost, hours, unit])).toEqual([
    ['i-1', '26', '26.000000000000000000', 'Hours'],
    ['i-2', '96.125', '96.125000000000000000', 'Hours'],
  ])
  expect(of('tag:Team').map(({ value }) => value)).toEqual(['Team=Data', 'Team=ML'])
  for (const dimension of ['account', 'service', 'region', 'usageType', 'resource', 'tag:Team'])
    expect(of(dimension).reduce((sum, { cost }) => sum + Number(cost), 0)).toBe(122.125)
})

test('shares keep to the series: filters, tags and unused commitments; the largest changes are kept', async () => {
  const totalOf = async (change: Partial<typeof shares> & { charged?: 'usage' | 'unused' }) =>
    Number((await ask('costShares', { ...shares, ...change })).find(({ dimension }) => dimension === 'total')?.cost)
  expect(await totalOf({ charged: 'unused' as never })).toBe(7)
  expect(await totalOf({ filters: [{ dimension: 'service', values: ['Amazon S3'] }] as never })).toBe(2)
  expect(await totalOf({ filters: [{ dimension: 'tag', tagKey: 'Team', values: ['ML'] }] as never })).toBe(96.125)
  const [team, storage] = [
    { dimension: 'tag', tagKey: 'Team', values: ['ML'] },
    { dimension: 'service', values: ['Amazon S3'] },
  ] as const
  const leftOut = [[team], [storage, { dimension: 'account', values: ['111122223333'] }]]
  expect(await totalOf({ leftOut } as never)).toBe(24)
  expect(await totalOf({ leftOut: [[{ ...team, values: ['none'] }]] } as never)).toBe(122.125)
  const only = (await ask('costShares', { ...shares, most: 1 })).find(({ dimension }) => dimension === 'resource')
  expect(only?.value).toBe('i-2')
  const unused = await ask('costShares', { ...shares, charged: 'unused' })
  // Its quantity is too large to be summed.
  expect(unused.find(({ value }) => value === 'ri-1')).toMatchObject({ used: null, usedBefore: null, unit: null })
})

const month: CostParameters = {
  metric: 'effective',
  basis: 'charge',
  filters: [],
  start: '2024-09-01',
  end: '2024-09-04',
}

test('the largest groups have lines of their own, and the others one exact rest', async () => {
  const recent = '2024-09-04'
  const usage = { ...month, filters: [{ dimension: 'category' as const, values: ['Usage'] }] }
  const found = await ask('costByGroup', { ...usage, groupBy: 'tag', tagKey: 'Team', recent, most: 1 })
  const of = (currency: string) =>
    found
      .filter((row) => row.currency === currency)
      .map(({ day, dimension, isRest, cost }) => [day.slice(8), dimension, isRest, cost])
      .toSorted()
  // Data is the largest in euros only, and keeps its line in both currencies.
  expect(of('USD')).toEqual([
    ['01', 'Data', false, '26'],
    ['02', 'Data', false, '26'],
    ['03', 'Data', false, '26'],
    ['04', 'Data', false, '33'],
    ['04', 'ML', false, '96.125'],
  ])
  expect(of('EUR')).toEqual([['04', 'Data', false, '5']])
  const rest = await ask('costByGroup', { ...usage, groupBy: 'service', recent: month.start, most: 1 })
  const sums = Object.groupBy(rest, ({ currency, isRest }) => `${currency} ${isRest}`)
  expect(
    Object.entries(sums).map(([name, rows = []]) => [name, rows.reduce((all, { cost }) => all + Number(cost), 0)]),
  ).toEqual(
    expect.arrayContaining([
      ['USD false', 199.125],
      ['USD true', 8],
    ]),
  )
})

test('a group without recent cost is in the rest, so that nothing is lost', async () => {
  const rows = await ask('costByGroup', { ...month, groupBy: 'category', recent: '2024-09-05', most: 5 })
  expect(rows.every(({ isRest, dimension }) => isRest && dimension === null)).toBe(true)
  const sum = rows.reduce((all, { cost, currency }) => all + (currency === 'USD' ? Number(cost) : 0), 0)
  expect(sum).toBe(1_207.125)
})

test('a charge has the same text in each month', async () => {
  const filters = [{ dimension: 'category' as const, values: ['Tax'] }]
  const rows = await ask('chargesByDay', { ...month, filters, groupBy: 'service' })
  expect(rows.map(({ charge, ...row }) => [row, JSON.parse(charge)])).toEqual([
    [
      {
        day: '2024-09-04',
        currency: 'USD',
        dimension: 'Amazon EC2',
        payer: expect.any(String),
        isOnce: false,
        cost: '1000',
      },
      [expect.any(String), 'Tax', 'Amazon EC2', null, 'On Demand Linux'],
    ],
  ])
})

const all = (name: 'resourceCharges' | 'onDemandUsage', excluded: { cloud: 'aws'; accountId: string }[] = []) =>
  lake.query(name, { orgId: 'org', files, excluded }, { start: '2024-09-01', end: '2024-09-30', most: 100 })

test('charges of resources are summed by meter and commitment, in single units, without tax; the dearest first', async () => {
  const rows = (await all('resourceCharges')) as Queries['resourceCharges']['row'][]
  expect(
    rows.map(({ id, currency, effective, quantity, commitmentStatus }) => [
      id,
      currency,
      effective,
      quantity,
      commitmentStatus,
    ]),
  ).toEqual(
    [
      ['i-1', 'USD', '96', '96.000000000000000000', null],
      ['i-2', 'USD', '96.125', '96.125000000000000000', null],
      ['i-1', 'USD', '8', '8.000000000000000000', null],
      ['ri-1', 'USD', '7', null, 'Unused'],
      ['i-1', 'EUR', '5', '5.000000000000000000', null],
    ].toSorted((a, b) => Number(b[2]) - Number(a[2])),
  )
})

test('usage of machines at on-demand prices is listed by time, and an excluded account has none', async () => {
  const rows = (await all('onDemandUsage')) as Queries['onDemandUsage']['row'][]
  expect(rows.map(({ currency, accounts, seconds }) => [currency, accounts, seconds])).toEqual(
    rows.map(({ currency }) => [currency, '["111122223333"]', 86_400]),
  )
  expect(rows.map(({ currency, description }) => `${currency} ${description}`)).toEqual([
    'USD On Demand Linux',
    'USD On Demand Windows',
    'EUR On Demand Linux',
  ])
  const sums = rows.map(({ costs }) => (JSON.parse(costs) as string[]).reduce((sum, cost) => sum + Number(cost), 0))
  expect(sums.reduce((sum, cost) => sum + cost, 0)).toBe(96 + 96.125 + 7 + 5)
  for (const name of ['resourceCharges', 'onDemandUsage'] as const)
    expect(await all(name, [{ cloud: 'aws', accountId: '111122223333' }])).toEqual([])
})
