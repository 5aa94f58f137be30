import type { Resource } from '@cloudoptima/core'
import { Calendar } from '@cloudoptima/core'
import { inTurns } from '../../../collect/concurrent.ts'
import { globalRegion } from '../../access/session.ts'
import { isForAll } from '../../lifecycle-rule.ts'
import { Failure } from '../failure.ts'
import { metricValues } from '../metric-data.ts'
import type { Reader } from '../reader.ts'
import { described, gbOf, pick, type Place, type Row, row } from './row.ts'
import { tagsIn } from './tags.ts'

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
      const BucketSizeBytes = sizes?.get(Name)
      const LifecycleRules = await lifecycleOf(at, region, Name)
      const arn = `arn:${at.reader.partition}:s3:::${Name}`
      return described(
        place,
        { Name, CreationDate, BucketSizeBytes, LifecycleRules },
        {
          kind: 'bucket',
          id: 'Name',
          aliases: () => [arn],
          name: 'Name',
          createdAt: 'CreationDate',
          sizeGb: () =>
            BucketSizeBytes && gbOf(Object.values(BucketSizeBytes).reduce((total, size) => total + size, 0)),
          tags: () => place.tags?.get(arn),
          keep: ['BucketSizeBytes', 'LifecycleRules'],
        },
      )
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
      return Rules.map((rule) => ({
        ...pick(rule, 'ID', 'Status', 'Expiration', 'Transitions', 'AbortIncompleteMultipartUpload'),
        IsForAll: isForAll(rule),
      }))
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

const savingsPlans = row(
  'savingsplans:plans',
  () => import('@aws-sdk/client-savingsplans'),
  async function* (sdk, at) {
    const client = at.client(sdk.SavingsplansClient)
    let nextToken: string | undefined
    do {
      const page = await client.send(new sdk.DescribeSavingsPlansCommand({ maxResults: 100, nextToken }))
      yield page
      nextToken = page.nextToken
    } while (nextToken)
  },
  ({ savingsPlans }) => savingsPlans?.filter(({ state }) => state !== 'retired'),
)({
  kind: 'commitment',
  id: 'savingsPlanArn',
  aliases: ({ savingsPlanId }) => [savingsPlanId],
  type: 'savingsPlanType',
  status: 'state',
  region: 'region',
  createdAt: 'start',
  tags: ({ tags }) => tags,
  keep: [
    ...(['commitment', 'currency', 'ec2InstanceFamily', 'end', 'paymentOption', 'productTypes'] as const),
    ...(['recurringPaymentAmount', 'start', 'termDurationInSeconds', 'upfrontPaymentAmount'] as const),
  ],
})

/** Of S3 and Savings Plans, whose APIs answer for all regions. */
export const globalRows: readonly Row[] = [{ part: 's3:buckets', list: buckets }, savingsPlans]
