import { type ListPrice, Money, Rules } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { readPriceList } from './prices.ts'

// The shape of https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv, as
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html says.
const header =
  'SKU,OfferTermCode,RateCode,TermType,PriceDescription,EffectiveDate,StartingRange,EndingRange,Unit,PricePerUnit,' +
  'Currency,Product Family,serviceCode,Location,Location Type,Instance Type,Tenancy,Operating System,License Model,' +
  'usageType,operation,CapacityStatus,Volume API Name,Region Code,Database Engine,Database Edition,' +
  'LeaseContractLength,PurchaseOption,OfferingClass'
const columns = header.split(',')
/** As in the published files, an empty field has no quotes. */
const quoted = (field: string) => (field === '' ? '' : `"${field.replaceAll('"', '""')}"`)
const line = (fields: readonly string[]) => fields.map(quoted).join(',')

const usual = { TermType: 'OnDemand', StartingRange: '0', Currency: 'USD', 'Location Type': 'AWS Region' }
const offer = (usageType: string, PricePerUnit: string, more: Record<string, string> = {}) => {
  const record: Record<string, string> = { ...usual, usageType, PricePerUnit, Unit: 'Hrs', ...more }
  return line(columns.map((column) => record[column] ?? ''))
}
const machine = (usageType: string, price: string, operation = 'RunInstances', more = {}) =>
  offer(usageType, price, { operation, ...more })
const database = (usageType: string, price: string, engine: string, more = {}) =>
  offer(usageType, price, { operation: 'CreateDBInstance:0002', 'Database Engine': engine, ...more })

const metadata = [
  line(['FormatVersion', 'v1.0']),
  line(['Disclaimer', 'This pricing list is for informational purposes only, "as is".']),
  line(['Publication Date', '2026-11-20T18:04:05Z']),
  line(['Version', '20261120180405']),
  line(['OfferCode', 'AmazonEC2']),
]

/** In chunks of 7 bytes, so that lines and characters are cut. */
async function* chunksOf(lines: readonly string[]) {
  const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`)
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

const read = async (...lines: string[]) =>
  await readPriceList(chunksOf([...metadata, line(columns), ...lines]), 'eu-central-1')
const short = ({ part, sku, variant, price }: ListPrice) => [part, sku, variant, price].filter(Boolean).join(' ')

test('machines have a price by type and platform, for shared tenancy', async () => {
  const prices = await read(
    machine('EUC1-BoxUsage:m5.large', '0.1150000000', 'RunInstances', { PriceDescription: '$0.115 per "On Demand"' }),
    machine('EUC1-BoxUsage:m5.large', '0.2070000000', 'RunInstances:0002'),
    machine('EUC1-BoxUsage:m5.large', '0.1729000000', 'RunInstances:0010'),
    machine('EUC1-DedicatedUsage:m5.large', '0.1220000000'),
    machine('EUC1-UnusedBox:m5.large', '0.1150000000'),
    machine('EUC1-HostBoxUsage:m5.large', '0.1000000000'),
    machine('EUC1-BoxUsage:m5.large', '0.0710000000', 'RunInstances', { TermType: 'Reserved' }),
    machine('EUC1-BoxUsage:m7g.large', '0.0000000000'),
    machine('EUC1-HAM1-BoxUsage:t3.large', '0.1200000000', 'RunInstances', { 'Location Type': 'AWS Local Zone' }),
    machine('EUC1-BoxUsage:m5.large', '9', 'RunInstances:FFFF'),
  )
  expect(prices.map(short)).toEqual([
    'compute m5.large Linux/UNIX 0.115',
    'compute m5.large Windows 0.207',
    'compute m5.large Red Hat Enterprise Linux 0.1729',
  ])
  expect(prices[0]).toMatchObject({ cloud: 'aws', region: 'eu-central-1', currency: 'USD', asOf: '2026-11-20' })
})

test('volumes and copies have prices of storage, operations above the free ones, and throughput of a MiB', async () => {
  const prices = await read(
    offer('EUC1-EBS:VolumeUsage.gp3', '0.0952000000', { Unit: 'GB-Mo' }),
    offer('EUC1-EBS:VolumeUsage.io2', '0.1490000000', { Unit: 'GB-month' }),
    offer('EUC1-EBS:VolumeP-IOPS.gp3', '0.0060000000', { Unit: 'IOPS-Mo', StartingRange: '3000' }),
    offer('EUC1-EBS:VolumeP-IOPS.io2', '0.0780000000', { Unit: 'IOPS-Mo' }),
    offer('EUC1-EBS:VolumeP-IOPS.io2.tier2', '0.0546000000', { Unit: 'IOPS-Mo' }),
    offer('EUC1-EBS:VolumeP-Throughput.gp3', '48.7424000000', { Unit: 'GiBps-mo' }),
    offer('EUC1-EBS:SnapshotUsage', '0.0540000000', { Unit: 'GB-Mo' }),
    offer('EUC1-EBS:SnapshotArchiveStorage', '0.0135000000', { Unit: 'GB-Mo' }),
    offer('EUC1-RDS:ChargedBackupUsage', '0.1030000000', { Unit: 'GB-Mo' }),
  )
  expect(prices.map(short)).toEqual([
    'storage gp3 0.0952',
    'storage io2 0.149',
    'iops gp3 0.006',
    'iops io2 0.078',
    'throughput gp3 0.0476',
    'backup EBS:SnapshotUsage 0.054',
    'backup RDS:ChargedBackupUsage 0.103',
  ])
})

test('of two ranges the first that costs something counts', async () => {
  const range = (from: string, price: string) =>
    offer('EBS:VolumeP-IOPS.gp3', price, { Unit: 'IOPS-Mo', StartingRange: from })
  expect((await read(range('16000', '0.004'), range('0', '0'), range('3000', '0.005'))).map(short)).toEqual([
    'iops gp3 0.005',
  ])
})

test('databases have a price by class, engine and standby', async () => {
  const prices = await read(
    database('EUC1-InstanceUsage:db.r6g.large', '0.2700000000', 'PostgreSQL', {
      'License Model': 'No license required',
    }),
    database('EUC1-Multi-AZUsage:db.r6g.large', '0.5400000000', 'PostgreSQL'),
    database('EUC1-InstanceUsage:db.m5.xlarge', '1.3000000000', 'SQL Server', { 'Database Edition': 'Standard' }),
    database('EUC1-InstanceUsage:db.m5.xlarge', '0.4', 'Oracle', { 'Database Edition': 'Standard Two' }),
    database('EUC1-InstanceUsageIOOptimized:db.r6g.large', '0.4', 'Aurora MySQL'),
    database('EUC1-Multi-AZClusterUsage:db.r6gd.large', '0.9', 'MySQL'),
  )
  expect(prices.map(short)).toEqual([
    'compute db.r6g.large postgres Single-AZ 0.27',
    'compute db.r6g.large postgres Multi-AZ 0.54',
    'compute db.m5.xlarge sqlserver-se Single-AZ 1.3',
  ])
})

test('Fargate and Lambda have a price by usage type; Lambda that of the first range', async () => {
  const prices = await read(
    offer('EUC1-Fargate-vCPU-Hours:perCPU', '0.0465600000', { Unit: 'hours' }),
    offer('EUC1-Fargate-ARM-GB-Hours', '0.0040900000', { Unit: 'hours' }),
    offer('EUC1-Fargate-EphemeralStorage-GB-Hours', '0.0001280000', { Unit: 'GB-Hours' }),
    offer('EUC1-Fargate-Windows-vCPU-Hours:perCPU', '0.1', { Unit: 'hours' }),
    offer('EUC1-Lambda-GB-Second', '0.0000150000', { Unit: 'Lambda-GB-Second', StartingRange: '6000000000' }),
    offer('EUC1-Lambda-GB-Second', '0.0000166667', { Unit: 'Lambda-GB-Second' }),
    offer('EUC1-Request', '0.0000002000', { Unit: 'Requests' }),
  )
  expect(prices.map(short)).toEqual([
    'compute Fargate-vCPU-Hours:perCPU 0.04656',
    'compute Fargate-ARM-GB-Hours 0.00409',
    'compute Lambda-GB-Second 0.0000166667',
  ])
})

test('the rules find these prices', async () => {
  const book = Rules.priceBook([], await read(machine('EUC1-BoxUsage:m5.large', '0.1150000000')))
  const asked = { cloud: 'aws', region: 'eu-central-1', part: 'compute', sku: 'm5.large', currency: 'USD' } as const
  expect(Rules.priceOf(book, { ...asked, variant: 'Linux/UNIX' })?.amount).toEqual(Money.parse('0.115'))
  expect(Rules.priceOf(book, { ...asked, variant: 'Windows' })).toBeUndefined()
})

test('a file of another form is refused, and not read as an empty list', async () => {
  await expect(readPriceList(chunksOf(['<html></html>']), 'eu-central-1')).rejects.toMatchObject({
    code: 'unavailable',
  })
  await expect(read('"A","OnDemand"')).rejects.toMatchObject({ code: 'unavailable' })
  await expect(read(machine('BoxUsage:m5.large', 'free'))).rejects.toMatchObject({ code: 'unavailable' })
})

test('a standard reserved instance has a price by term and payment, of one size of each family', async () => {
  const lease = (LeaseContractLength: string, PurchaseOption: string, more = {}) => ({
    TermType: 'Reserved',
    OfferingClass: 'standard',
    LeaseContractLength,
    PurchaseOption,
    ...more,
  })
  const reserved = (type: string, price: string, more: object) =>
    machine(`EUC1-BoxUsage:${type}`, price, 'RunInstances', more)
  const prices = await read(
    reserved('m5.large', '0.073', lease('1yr', 'No Upfront')),
    reserved('m5.large', '0.0', lease('3yr', 'All Upfront')),
    reserved('m5.large', '1314', lease('3yr', 'All Upfront', { Unit: 'Quantity' })),
    reserved('m5.large', '300', lease('1yr', 'Partial Upfront', { Unit: 'Quantity' })),
    reserved('m5.large', '0.034', lease('1yr', 'Partial Upfront')),
    reserved('m5.xlarge', '0.146', lease('1yr', 'No Upfront')),
    reserved('m5.large', '0.09', lease('1yr', 'No Upfront', { OfferingClass: 'convertible' })),
  )
  expect(prices.map(({ sku, price, term }) => [sku, term, Number(price).toFixed(6)])).toEqual([
    ['m5.large', { years: 1, payment: 'no_upfront' }, '0.073000'],
    ['m5.large', { years: 3, payment: 'all_upfront' }, '0.050000'],
    ['m5.large', { years: 1, payment: 'partial_upfront' }, '0.068247'],
  ])
})
