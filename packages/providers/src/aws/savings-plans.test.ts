import type { ListPrice } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import { planListOf, readSavingsPlans } from './savings-plans.ts'

// The shape of a regional file, such as .../savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20250911184447/ap-east-2/index.csv
const header =
  'SKU,RateCode,Unit,EffectiveDate,DiscountedRate,Currency,DiscountedSKU,DiscountedServiceCode,DiscountedUsageType,' +
  'DiscountedOperation,PurchaseOption,LeaseContractLength,LeaseContractLengthUnit,ServiceCode,UsageType,Operation,' +
  'Description,Instance Family,Location,Location Type,Granularity,Product Family,DiscountedRegionCode,' +
  'DiscountedInstanceType'
const metadata = [
  'FormatVersion,v1.0',
  'Disclaimer,This pricing list is for informational purposes only. All Free Tier prices are subject to terms.',
  'Publication Date,2025-09-11T18:44:47Z',
  'Version,20250911184447',
  'OfferCode,AmazonComputeSavingsPlan',
]
const region = 'ap-northeast-1'
const usual = {
  SKU: 'HG9V2UBQC2P9GB3T',
  Unit: 'Hrs',
  Currency: 'USD',
  DiscountedServiceCode: 'AmazonEC2',
  DiscountedOperation: 'RunInstances',
  PurchaseOption: 'No Upfront',
  LeaseContractLength: '1',
  LeaseContractLengthUnit: 'year',
  ServiceCode: 'ComputeSavingsPlans',
  Granularity: 'hourly',
  'Product Family': 'ComputeSavingsPlans',
  Location: 'Any',
  DiscountedRegionCode: region,
}
const rate = (DiscountedUsageType: string, DiscountedRate: string, more: Record<string, string> = {}) => {
  const record: Record<string, string> = { ...usual, DiscountedUsageType, DiscountedRate, ...more }
  return header
    .split(',')
    .map((column) => record[column] ?? '')
    .join()
}

/** In chunks of 7 bytes, so that lines are cut. */
async function* chunksOf(lines: readonly string[]) {
  const bytes = new TextEncoder().encode(`${lines.join('\r\n')}\r\n`)
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}
const read = async (...lines: string[]) => await readSavingsPlans(chunksOf([...metadata, header, ...lines]), region)
const short = ({ sku, variant = '-', price, term }: ListPrice) =>
  [term?.plan, term?.years, term?.payment, sku, variant, price].join(' ')

test('each plan has a rate by family, platform, term and payment; the dearest size stands for its family', async () => {
  const family = {
    'Product Family': 'EC2InstanceSavingsPlans',
    Location: 'Asia Pacific (Tokyo)',
    'Instance Family': 'c5',
  }
  const windows = { DiscountedOperation: 'RunInstances:0002' }
  const prices = await read(
    // The rates of c5.xlarge with Windows are those of the published file.
    rate('APN1-BoxUsage:c5.xlarge', '0.361', windows),
    rate('APN1-BoxUsage:c5.xlarge', '0.299', { ...windows, PurchaseOption: 'All Upfront', LeaseContractLength: '3' }),
    rate('APN1-BoxUsage:c5.xlarge', '0.312', { ...windows, ...family, PurchaseOption: 'Partial Upfront' }),
    rate('APN1-BoxUsage:c5.large', '0.0781'),
    rate('APN1-BoxUsage:c5.xlarge', '0.15618'),
    rate('APN1-BoxUsage:c5.large', '0.0781'),
  )
  expect(prices.map(short)).toEqual([
    'compute 1 no_upfront c5.xlarge Windows 0.361',
    'compute 3 all_upfront c5.xlarge Windows 0.299',
    'ec2_instance 1 partial_upfront c5.xlarge Windows 0.312',
    'compute 1 no_upfront c5.xlarge Linux/UNIX 0.15618',
  ])
  expect(prices[0]).toMatchObject({ cloud: 'aws', region, part: 'compute', currency: 'USD', asOf: '2025-09-11' })
})

test('Fargate and Lambda have rates by usage type', async () => {
  const prices = await read(
    rate('APN1-Fargate-GB-Hours', '0.0044', { DiscountedServiceCode: 'AmazonECS', DiscountedOperation: '' }),
    rate('APN1-Fargate-GB-Hours', '0.0044', { DiscountedServiceCode: 'AmazonEKS', DiscountedOperation: '' }),
    rate('APN1-Lambda-GB-Second', '0.0000146667', {
      DiscountedServiceCode: 'AWSLambda',
      DiscountedOperation: 'Invoke',
    }),
  )
  expect(prices.map(short)).toEqual([
    'compute 1 no_upfront Fargate-GB-Hours - 0.0044',
    'compute 1 no_upfront Lambda-GB-Second - 0.0000146667',
  ])
})

test('dedicated instances, other platforms, unused reservations, other regions and other plans are left out', async () => {
  const prices = await read(
    rate('APN1-DedicatedUsage:c5.xlarge', '0.2'),
    rate('APN1-UnusedBox:c5.xlarge', '0.2'),
    rate('APN1-HostBoxUsage:c5.xlarge', '0.2'),
    rate('APN1-BoxUsage:c5.xlarge', '0.2', { DiscountedOperation: 'RunInstances:0010' }),
    rate('DEN1-BoxUsage:c5d.2xlarge', '0.2', { DiscountedRegionCode: 'us-west-2-den-1' }),
    rate('APN1-BoxUsage:c5.xlarge', '0.2', { 'Product Family': 'SageMakerSavingsPlans' }),
    rate('APN1-BoxUsage:c5.xlarge', '0.2', { LeaseContractLength: '5' }),
    rate('APN1-Fargate-Windows-vCPU-Hours:perCPU', '0.2'),
  )
  expect(prices).toEqual([])
})

test('a file of another form is refused', async () => {
  await expect(read('APN1-BoxUsage:c5.xlarge,RunInstances,')).rejects.toMatchObject({ code: 'unavailable' })
  await expect(read(rate('APN1-BoxUsage:c5.xlarge', 'free'))).rejects.toMatchObject({ code: 'unavailable' })
  await expect(readSavingsPlans(chunksOf(['<html>']), region)).rejects.toMatchObject({ code: 'unavailable' })
})

test('the index names the newest list of a region, and no other place', () => {
  const index = (versionUrl: string) => ({ publicationDate: '', regions: [{ regionCode: region, versionUrl }] })
  const root = '/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20250911184447'
  expect(planListOf(index(`${root}/${region}/index.json`), region)).toBe(`${root}/${region}/index.csv`)
  expect(planListOf(index(`${root}/${region}/index.json`), 'us-east-1')).toBeUndefined()
  expect(() => planListOf(index('https://example.com/index.json'), region)).toThrow('another place')
  expect(() => planListOf({}, region)).toThrow('unknown format')
})
