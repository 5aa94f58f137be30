import type { Estate } from '@cloudoptima/sample'
import type { Answer } from '../server.ts'
import { timesFraction } from '../prices.ts'
import { onDemandOffers } from './prices.ts'

const root = '/savingsPlan/v1.0/aws/AWSComputeSavingsPlan'
const list = new RegExp(`^${root}/(\\d+)/([\\w-]+)/index\\.csv$`)
const index = `${root}/current/region_index.json`

export const isPlanIndex = (asked: string): boolean => asked === index
export const isPlanList = (asked: string): boolean => list.test(asked)

const versionOf = (now: Date) => `${now.toISOString().slice(0, 10).replaceAll('-', '')}184447`

/** The index of the lists of all regions, which names their newest version. */
export function planIndex({ regions }: Estate, now: Date): Answer {
  const version = versionOf(now)
  return {
    body: {
      disclaimer: 'These are the invented prices of an invented company.',
      publicationDate: `${now.toISOString().slice(0, 10)}T18:44:47Z`,
      regions: regions.map((regionCode) => ({
        regionCode,
        versionUrl: `${root}/${version}/${regionCode}/index.json`,
      })),
    },
  }
}

const columns = (
  'SKU,RateCode,Unit,EffectiveDate,DiscountedRate,Currency,DiscountedSKU,DiscountedServiceCode,DiscountedUsageType,' +
  'DiscountedOperation,PurchaseOption,LeaseContractLength,LeaseContractLengthUnit,ServiceCode,UsageType,Operation,' +
  'Description,Instance Family,Location,Location Type,Granularity,Product Family,DiscountedRegionCode,DiscountedInstanceType'
).split(',')

/** What a plan costs of the price on demand, in percent: of EC2 in one family, of EC2 everywhere, and of the rest. */
const terms = [
  ['1', 'No Upfront', { family: 66, machine: 73, serverless: 83 }],
  ['1', 'Partial Upfront', { family: 63, machine: 70, serverless: 82 }],
  ['1', 'All Upfront', { family: 62, machine: 69, serverless: 81 }],
  ['3', 'No Upfront', { family: 46, machine: 51, serverless: 60 }],
  ['3', 'Partial Upfront', { family: 43, machine: 48, serverless: 57 }],
  ['3', 'All Upfront', { family: 42, machine: 46, serverless: 55 }],
] as const

/** The list of a region as the published files are: without quotes, and with plans of all terms and payments. */
export function planList(estate: Estate, asked: string, now: Date): Answer {
  const [, version, region = ''] = list.exec(asked) ?? []
  if (version !== versionOf(now) || !estate.regions.includes(region)) return { status: 404 }
  const lines = onDemandOffers(estate).flatMap(({ service, usageType, operation, price }) =>
    terms.flatMap(([length, payment, percent]) => {
      const [, type] = /^BoxUsage:(.+)$/.exec(usageType) ?? []
      const common = {
        Unit: 'Hrs',
        EffectiveDate: `${now.toISOString().slice(0, 10)}T00:00:00Z`,
        Currency: 'USD',
        DiscountedServiceCode: service,
        DiscountedUsageType: usageType,
        DiscountedOperation: operation,
        PurchaseOption: payment,
        LeaseContractLength: length,
        LeaseContractLengthUnit: 'year',
        ServiceCode: 'ComputeSavingsPlans',
        Granularity: 'hourly',
        DiscountedRegionCode: region,
        DiscountedInstanceType: type ?? '',
      }
      const family = type?.split('.')[0]
      const everywhere = {
        ...common,
        'Product Family': 'ComputeSavingsPlans',
        Location: 'Any',
        UsageType: `ComputeSP:${length}yr${payment.replaceAll(' ', '')}`,
        Description: `${length} year ${payment} Compute Savings Plan`,
        DiscountedRate: timesFraction(price, type === undefined ? percent.serverless : percent.machine, 100),
      }
      if (family === undefined) return [everywhere]
      const ofFamily = {
        ...common,
        'Product Family': 'EC2InstanceSavingsPlans',
        Location: region,
        'Location Type': 'AWS Region',
        'Instance Family': family,
        UsageType: `EC2SP:${family}.${length}yr${payment.replaceAll(' ', '')}`,
        Description: `${length} year ${payment} ${family} EC2 Instance Savings Plan in ${region}`,
        DiscountedRate: timesFraction(price, percent.family, 100),
      }
      return [everywhere, ofFamily]
    }),
  )
  const head = [
    'FormatVersion,v1.0',
    'Disclaimer,These are the invented prices of an invented company.',
    `Publication Date,${now.toISOString().slice(0, 10)}T18:44:47Z`,
    `Version,${version}`,
    'OfferCode,AmazonComputeSavingsPlan',
    columns.join(),
  ]
  const rows = lines.map((line: Record<string, string>) => columns.map((column) => line[column] ?? '').join())
  return { headers: { 'content-type': 'text/csv' }, body: `${[...head, ...rows].join('\n')}\n` }
}
