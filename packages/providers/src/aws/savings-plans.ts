import { Fault, type ListPrice, Money, Rules } from '@cloudoptima/core'
import * as z from 'zod'
import { invalid, offersIn } from './price-file.ts'
import { payments, platforms } from './prices.ts'

/** The index of the lists of Compute and EC2 Instance Savings Plans, one for each region. */
export const indexPath = '/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json'

const Index = z.object({ regions: z.array(z.object({ regionCode: z.string(), versionUrl: z.string() })) })

/** The path of a region's list as CSV; undefined if the region has none. Fails if the index has another form. */
export function planListOf(index: unknown, region: string): string | undefined {
  const parsed = Index.safeParse(index)
  if (!parsed.success) throw invalid('the index of savings plans has an unknown format')
  const url = parsed.data.regions.find(({ regionCode }) => regionCode === region)?.versionUrl
  if (url === undefined) return undefined
  if (!/^\/savingsPlan\/v1\.0\/aws\/AWSComputeSavingsPlan\/\w+\/[\w-]+\/index\.json$/.test(url))
    throw new Fault('unavailable', 'The index of savings plans of AWS names another place than that of its lists.')
  return url.replace(/json$/, 'csv')
}

const columns = {
  rate: 'DiscountedRate',
  currency: 'Currency',
  usageType: 'DiscountedUsageType',
  operation: 'DiscountedOperation',
  region: 'DiscountedRegionCode',
  payment: 'PurchaseOption',
  length: 'LeaseContractLength',
  lengthUnit: 'LeaseContractLengthUnit',
  family: 'Product Family',
} as const

const plans: Partial<Record<string, NonNullable<NonNullable<ListPrice['term']>['plan']>>> = {
  EC2InstanceSavingsPlans: 'ec2_instance',
  ComputeSavingsPlans: 'compute',
}
const years: Partial<Record<string, 1 | 3>> = { '1 year': 1, '3 year': 3 }
/** Platforms whose usage is told apart. */
const read = new Set(['Linux/UNIX', 'Windows'])

/**
 * The rates of Compute and EC2 Instance Savings Plans in one region: of EC2 with Linux and Windows, Fargate with Linux, and the
 * duration of Lambda. The sizes of a family have the same discount; the dearest, whose rate has the most digits, stands for all.
 * The whole of an upfront payment is in the rate:
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-savings-plans.html
 */
export async function readSavingsPlans(file: AsyncIterable<Uint8Array>, region: string): Promise<ListPrice[]> {
  const found = new Map<string, ListPrice>()
  // A file has hundreds of thousands of lines, most of them of dedicated instances and of licenses.
  const isRead = (line: string) => /BoxUsage:[^,]*,"?RunInstances(?::0002)?"?,|Fargate-|Lambda-GB-Second/.test(line)
  for await (const { asOf, record } of offersIn(file, { columns, isRead })) {
    const [plan, length, payment] = [
      plans[record.family],
      years[`${record.length} ${record.lengthUnit}`],
      payments[record.payment],
    ]
    const { sku } = Rules.partOf({ cloud: 'aws', service: '', meter: record.usageType })
    if (!plan || length === undefined || payment === undefined || sku === undefined || record.region !== region)
      continue
    const isMachine = /(?:^|-)BoxUsage:/.test(record.usageType)
    const variant = isMachine ? platforms[record.operation] : undefined
    if (isMachine ? !read.has(variant ?? '') : !/^(?:Fargate|Lambda)-/.test(sku)) continue
    if (!/^\d+(\.\d+)?$/.test(record.rate)) throw invalid('a rate is no decimal')
    const rate = Money.parse(record.rate)
    const key = [plan, length, payment, isMachine ? Rules.familyOf('aws', sku) : sku, variant].join('|')
    if (rate.lte(found.get(key)?.price ?? '0')) continue
    found.set(key, {
      cloud: 'aws',
      region,
      part: 'compute',
      sku,
      ...(variant !== undefined && { variant }),
      currency: record.currency,
      price: Money.plain(rate),
      asOf,
      term: { years: length, payment, plan },
    })
  }
  return [...found.values()]
}
