import { type Access, type Cloud, type CloudCredentials, type ListPrice, Money, Rules } from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { openEstate } from '@cloudoptima/sample'
import { expect, test } from 'vitest'
import type { CallFault } from './index.ts'
import { simulatedClouds } from './testing.ts'

const size = { seed: 3, rows: 8000, months: 2 }
const world = simulatedClouds(size)

const regions = { aws: 'eu-west-1', azure: 'westeurope', gcp: 'europe-west1' }

function credentialsOf(cloud: Cloud): CloudCredentials {
  const { aws, azure, gcp } = world.clouds.credentials
  const [subscription, project] = [azure[0], gcp[0]]
  if (!subscription || !project) throw new Error('No subscription or project')
  return cloud === 'aws'
    ? { cloud, ...aws }
    : cloud === 'azure'
      ? { cloud, ...subscription }
      : { cloud: 'gcp', ...project }
}

async function fetched(cloud: Cloud, asked: readonly string[] = [regions[cloud]]) {
  const calls: string[] = []
  const access: Access = {
    credentials: credentialsOf(cloud),
    meter: { take: async ({ api }) => void calls.push(api) },
    report: () => undefined,
    signal: AbortSignal.timeout(25_000),
    now: () => world.now,
  }
  const awsCredentials = { accessKeyId: 'AKIAOURS', secretAccessKey: 'test' }
  const clouds = createClouds({ endpoints: world.clouds.endpoints, awsCredentials })
  return { lists: await Array.fromAsync(clouds[cloud].prices(access, { regions: asked })), calls }
}

/** The list prices of the bills of the last month, by meter and machine type. */
function billed(name: 'aws' | 'azure' | 'gcpUsd', column: 'SkuMeter' | 'SkuPriceDetails') {
  const estate = openEstate(name, { ...size, today: '2026-11-26' })
  const found = new Map<string, string>()
  for (const { fields } of estate.bill('2026-11', Math.floor(Date.parse('2026-11-26') / 86_400_000)).charges)
    if (fields.ListUnitPrice) found.set(fields[column] ?? '', fields.ListUnitPrice)
  return found
}

const priceOf = (prices: readonly ListPrice[], sku: Pick<ListPrice, 'cloud' | 'part' | 'sku' | 'variant'>) => {
  const place = { region: regions[sku.cloud], currency: 'USD' }
  return Rules.priceOf(Rules.priceBook([], prices), { ...place, ...sku })?.amount
}

test('AWS lists the prices that its bills charge, with smaller sizes and Graviton', async () => {
  const { lists, calls } = await fetched('aws')
  expect(lists.map(({ region }) => region)).toEqual(['eu-west-1'])
  const { prices = [] } = lists[0] ?? {}
  const bill = billed('aws', 'SkuMeter')
  const machine = (sku: string, variant = 'Linux/UNIX') =>
    priceOf(prices, { cloud: 'aws', part: 'compute', sku, variant })
  const xlarge = Money.parse(bill.get('BoxUsage:m6i.xlarge') ?? 'missing')
  expect(machine('m6i.xlarge')).toEqual(xlarge)
  expect(machine('m6i.large')).toEqual(xlarge.div(2))
  expect(machine('m7g.xlarge')).toEqual(xlarge.times('0.85'))
  expect(machine('db.r6g.xlarge', 'postgres Single-AZ')).toEqual(
    Money.parse(bill.get('InstanceUsage:db.r6g.xlarge') ?? 'missing'),
  )
  const gp3 = { cloud: 'aws', sku: 'gp3' } as const
  expect(priceOf(prices, { ...gp3, part: 'storage' })).toEqual(
    Money.parse(bill.get('EBS:VolumeUsage.gp3') ?? 'missing'),
  )
  expect(priceOf(prices, { cloud: 'aws', part: 'backup', sku: 'EBS:SnapshotUsage' })).toEqual(
    Money.parse(bill.get('EBS:SnapshotUsage') ?? 'missing'),
  )
  expect(priceOf(prices, { ...gp3, part: 'iops' })).toEqual(Money.parse('0.0052'))
  expect(priceOf(prices, { ...gp3, part: 'throughput' })).toEqual(Money.parse('0.042'))
  const files = (count: number) => Array.from({ length: count }, () => 'pricing:index.csv')
  expect(calls).toEqual([...files(4), 'pricing:region_index.json', ...files(1)])
})

test('Azure lists the prices that its bills charge, page by page', async () => {
  const { lists, calls } = await fetched('azure')
  const { prices = [] } = lists[0] ?? {}
  // The bills are in euros, at 0.93 for a dollar.
  const euros = [...billed('azure', 'SkuPriceDetails')].find(([details]) => details.includes('"Standard_D4s_v5"'))?.[1]
  const machine = (sku: string, variant: string) =>
    priceOf(prices, { cloud: 'azure', part: 'compute', sku, variant })?.times('0.93')
  expect(machine('Standard_D4s_v5', 'Linux')).toEqual(Money.parse(euros ?? 'missing'))
  expect(machine('Standard_D2s_v5', 'Windows')).toEqual(Money.parse(euros ?? 'missing').div(2))
  expect(priceOf(prices, { cloud: 'azure', part: 'storage', sku: 'S10 LRS' })).toEqual(Money.parse('5.5168'))
  expect(priceOf(prices, { cloud: 'azure', part: 'backup', sku: 'Snapshots LRS' })?.gt(0)).toBe(true)
  expect(calls.length).toBeGreaterThan(2)
})

test('Google Cloud lists cores and memory that make the prices of its bills', async () => {
  const { lists } = await fetched('gcp')
  const { prices = [] } = lists[0] ?? {}
  const bill = billed('gcpUsd', 'SkuPriceDetails')
  for (const type of ['n2-standard-4', 'e2-standard-2', 'n1-standard-4']) {
    const price = [...bill].find(([details]) => details.includes(`"${type}"`))?.[1]
    expect(priceOf(prices, { cloud: 'gcp', part: 'compute', sku: type })).toEqual(Money.parse(price ?? 'missing'))
  }
  const disk = Money.parse(billed('gcpUsd', 'SkuMeter').get('SSD backed PD Capacity') ?? 'missing')
  expect(priceOf(prices, { cloud: 'gcp', part: 'storage', sku: 'pd-ssd' })).toEqual(disk)
  const snapshot = Money.parse(billed('gcpUsd', 'SkuMeter').get('Storage PD Snapshot') ?? 'missing')
  expect(priceOf(prices, { cloud: 'gcp', part: 'backup', sku: 'Storage PD Snapshot' })).toEqual(snapshot)
})

test.each([
  ['aws', { cloud: 'aws', family: 'm6i' }, ['ec2_instance 1 0.66', 'compute 1 0.73', 'undefined 1 0.64']],
  ['aws', { cloud: 'aws', family: 'Fargate-vCPU-Hours:perCPU' }, ['compute 1 0.83']],
  ['azure', { cloud: 'azure', family: 'Standard_Ds_v5' }, ['compute 1 0.76', 'undefined 1 0.66']],
  ['gcp', { cloud: 'gcp', family: 'n2' }, ['compute 1 0.72', 'undefined 1 0.63']],
] as const)('%s sells commitments for %o at shares of its prices', async (cloud, usage, expected) => {
  const { prices = [] } = (await fetched(cloud)).lists[0] ?? {}
  const offers = Rules.offersOf(prices).get(Rules.coverableKey({ ...usage, region: regions[cloud], currency: 'USD' }))
  const found = (offers ?? [])
    .filter(({ years, payment }) => years === 1 && payment === 'no_upfront')
    .map(({ plan, years, ratio }) => `${plan} ${years} ${Number(ratio).toFixed(2)}`)
  expect(found.toSorted()).toEqual(expected.toSorted())
})

test.each(['aws', 'azure', 'gcp'] as const)(
  '%s has no list of an unknown region, and ignores other names',
  async (cloud) => {
    expect((await fetched(cloud, ['mars-north-1', 'mars', 'global', '../x'])).lists).toEqual([])
  },
)

const calls = { aws: 'pricing:index.csv', azure: 'prices:retail', gcp: 'cloudbilling.services.skus.list' } as const

test.each(['aws', 'azure', 'gcp'] as const)('%s that does not answer, or breaks off, is unavailable', async (cloud) => {
  for (const kind of ['failed', 'cut', 'lost'] satisfies CallFault['kind'][]) {
    world.clouds.faults.calls = [{ call: calls[cloud], kind, times: 10 }]
    await expect(fetched(cloud)).rejects.toMatchObject({ code: 'unavailable' })
  }
})

test.each(['aws', 'azure', 'gcp'] as const)('%s that throttles is rate limited', async (cloud) => {
  world.clouds.faults.calls = [{ call: calls[cloud], kind: 'throttled', times: 10, seconds: 7 }]
  await expect(fetched(cloud)).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 7 })
})
