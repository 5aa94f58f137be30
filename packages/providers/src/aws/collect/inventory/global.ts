import type { Resource } from '@cloudoptima/core'
import { Calendar } from '@cloudoptima/core'
import { inTurns } from '../../../collect/concurrent.ts'
import { globalRegion } from '../../access/session.ts'
import { Failure } from '../failure.ts'
import { metricValues } from '../metric-data.ts'
import type { Reader } from '../reader.ts'
import { described, gbOf, pick, type Place, type Row } from './row.ts'
import { tagsIn } from './tags.ts'

/** Of S3 and Savings Plans, whose APIs answer for all regions. */
export const globalRows: readonly Row[] = [
  { part: 's3:buckets', scope: 'global', list: buckets },
  { part: 'savingsplans:plans', scope: 'global', list: savingsPlans },
]

async function buckets(at: Place): Promise<Resource[]> {
  const { S3Client, paginateListBuckets } = await import('@aws-sdk/client-s3')
  const client = at.client(S3Client)
  const pages = await Array.fromAsync(paginateListBuckets({ client, pageSize: 1000 }, {}))
  const all = pages.flatMap(({ Buckets = [] }) => Buckets)
  const byRegion = Map.groupBy(all, ({ BucketRegion }) => BucketRegion ?? globalRegion)
  const found = await inTurns([...byRegion], 4, async ([region, inRegion]) => {
    const names = inRegion.flatMap(({ Name }) => Name ?? [])
    const place = { ...at, region, tags: await tagsIn(at.reader, region) }
    const sizes = await at.reader.attempt(`s3:sizes/${region}`, async () => await sizesOf(at.reader, region, names))
    const resources = await inTurns(inRegion, 4, async ({ Name = '', CreationDate }) => {
      const arn = `arn:${at.reader.partition}:s3:::${Name}`
      const bytes = sizes?.get(Name)
      return described(place, {
        id: Name,
        aliases: [arn],
        kind: 'bucket',
        name: Name,
        createdAtDate: CreationDate,
        sizeGb: bytes && gbOf(Object.values(bytes).reduce((total, size) => total + size, 0)),
        tags: place.tags.get(arn) ?? {},
        configuration: { BucketSizeBytes: bytes, LifecycleRules: await lifecycleOf(at, region, Name) },
      })
    })
    return resources.flat()
  })
  return found.flat()
}

/** The rules of a bucket; undefined if they cannot be read. */
async function lifecycleOf(at: Place, region: string, Bucket: string) {
  const { S3Client, GetBucketLifecycleConfigurationCommand } = await import('@aws-sdk/client-s3')
  const client = at.client(S3Client, region)
  return await at.reader.attempt('s3:lifecycle', async () => {
    try {
      const { Rules = [] } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
      return Rules.map((rule) =>
        pick(rule, 'ID', 'Status', 'Expiration', 'Transitions', 'AbortIncompleteMultipartUpload'),
      )
    } catch (error) {
      if (error instanceof Failure && error.awsCode === 'NoSuchLifecycleConfiguration') return []
      throw error
    }
  })
}

/** The bytes of each bucket by storage class. CloudWatch has them once a day, two days late. */
async function sizesOf(reader: Reader, region: string, names: string[]): Promise<Map<string, Record<string, number>>> {
  const { CloudWatchClient, paginateListMetrics } = await import('@aws-sdk/client-cloudwatch')
  const client = reader.client('cloudwatch', CloudWatchClient, region)
  const own = new Set(names)
  const metric = { Namespace: 'AWS/S3', MetricName: 'BucketSizeBytes' }
  const pages = await Array.fromAsync(paginateListMetrics({ client }, metric))
  const queries = pages
    .flatMap(({ Metrics = [] }) => Metrics)
    .map(({ Dimensions = [] }) => ({ ...metric, Dimensions, Stat: 'Average' }))
    .flatMap((query) => {
      const of = Object.fromEntries(query.Dimensions.map(({ Name = '', Value = '' }) => [Name, Value]))
      const { BucketName: bucket = '', StorageType: storage = '' } = of
      return own.has(bucket) ? [[{ query, bucket, storage }]] : []
    })
  const today = Calendar.dayOf(reader.access.now())
  const span = { start: Calendar.addDays(today, -3), end: Calendar.addDays(today, 1), periodSeconds: 86_400 }
  const sizes = new Map<string, Record<string, number>>()
  for await (const values of metricValues(reader, region, queries, span, `s3:sizes/${region}`))
    for (const { asked, points } of values) {
      const latest = points.toSorted((a, b) => b.time.localeCompare(a.time))[0]
      if (latest) sizes.set(asked.bucket, { ...sizes.get(asked.bucket), [asked.storage]: latest.value })
    }
  return sizes
}

async function savingsPlans(at: Place): Promise<Resource[]> {
  const { DescribeSavingsPlansCommand, SavingsplansClient } = await import('@aws-sdk/client-savingsplans')
  const client = at.client(SavingsplansClient)
  const found: Resource[] = []
  let nextToken: string | undefined
  do {
    const page = await client.send(
      new DescribeSavingsPlansCommand({ maxResults: 100, ...(nextToken !== undefined && { nextToken }) }),
    )
    for (const plan of page.savingsPlans ?? [])
      if (plan.state !== 'retired')
        found.push(
          ...described(at, {
            id: plan.savingsPlanArn,
            aliases: [plan.savingsPlanId ?? ''],
            kind: 'commitment',
            type: plan.savingsPlanType,
            status: plan.state === 'active' ? 'in-use' : plan.state,
            region: plan.region ?? at.region,
            createdAt: plan.start,
            tags: plan.tags ?? {},
            configuration: {
              ...pick(plan, 'commitment', 'currency', 'ec2InstanceFamily', 'end', 'offeringId', 'paymentOption'),
              ...pick(plan, 'productTypes', 'recurringPaymentAmount', 'start', 'termDurationInSeconds'),
              ...pick(plan, 'upfrontPaymentAmount'),
            },
          }),
        )
    nextToken = page.nextToken === '' ? undefined : page.nextToken
  } while (nextToken !== undefined)
  return found
}
