import { Random } from '@cloudoptima/sample'
import { commitmentsOf } from './commitments.ts'
import { address, database, instance, memoryOf, retentionOf, snapshot, table, volume } from './describe.ts'
import type { Operation } from './operation.ts'
import { named } from './power.ts'
import { each, listing, one } from './rows.ts'

const redis = { Engine: 'redis', EngineVersion: '7.1.0', NumCacheNodes: 1 }
const code = { Runtime: 'nodejs24.x', PackageType: 'Zip', Architectures: ['x86_64'], State: 'Active', Timeout: 30 }
const empty: Operation = () => ({})

/** What an account has; empty where the company uses no such product. */
export const inventory: Record<string, Operation> = {
  'ec2:DescribeRegions': ({ aws }) => ({ Regions: aws.estate.regions.map((RegionName) => ({ RegionName })) }),
  ...each(
    'ec2:DescribeInstances',
    'Reservations',
    'ec2:instance',
    (resource, question) => ({ Instances: [instance(resource, question)] }),
    { ids: 'InstanceId', missing: 'InvalidInstanceID.NotFound' },
  ),
  ...each('ec2:DescribeVolumes', 'Volumes', 'ec2:volume', volume, {
    ids: 'VolumeId',
    missing: 'InvalidVolume.NotFound',
  }),
  ...each('ec2:DescribeSnapshots', 'Snapshots', 'ec2:snapshot', snapshot, {
    ids: 'SnapshotId',
    missing: 'InvalidSnapshot.NotFound',
  }),
  'ec2:DescribeVpcEndpoints': empty,
  'ec2:DescribeImages': empty,
  ...each('ec2:DescribeAddresses', 'Addresses', 'ec2:elastic-ip', address, {
    ids: 'AllocationId',
    missing: 'InvalidAllocationID.NotFound',
  }),
  'ec2:DescribeReservedInstances': empty,
  ...listing('rds:DescribeDBInstances', 'DBInstances', (question) => {
    const { DBInstanceIdentifier: name } = question.input
    const all = name === undefined ? question.all('rds:db') : [named(question, 'rds:db', name, 'DBInstanceNotFound')]
    return all.map((resource) => database(resource, question))
  }),
  'rds:DescribeDBSnapshots': empty,
  ...listing('rds:DescribeReservedDBInstances', 'ReservedDBInstances', (question) =>
    commitmentsOf(question, 'rds').map(({ id, name, count, start, seconds, hourly }) => ({
      ReservedDBInstanceArn: id,
      ReservedDBInstanceId: id.slice(id.lastIndexOf(':') + 1),
      State: 'active',
      DBInstanceClass: name.split(' ')[0],
      DBInstanceCount: count,
      ProductDescription: 'postgresql',
      StartTime: start,
      Duration: seconds,
      FixedPrice: (Number(hourly) * seconds) / 3600,
      UsagePrice: 0,
    })),
  ),
  ...each('elasticache:DescribeCacheClusters', 'CacheClusters', 'elasticache:cluster', (resource) => ({
    CacheClusterId: resource.id,
    ARN: resource.arn,
    CacheNodeType: resource.class,
    ...redis,
    CacheClusterStatus: 'available',
    PreferredAvailabilityZone: resource.zone,
    CacheClusterCreateTime: resource.createdAt,
  })),
  'elasticache:DescribeReservedCacheNodes': empty,
  ...each('dynamodb:ListTables', 'TableNames', 'dynamodb:table', ({ id }) => id),
  ...one('dynamodb:DescribeTable', 'TableName', 'dynamodb:table', (resource) => ({ Table: table(resource) })),
  'autoscaling:DescribeAutoScalingGroups': empty,
  ...each('lambda:ListFunctions', 'Functions', 'lambda:function', (resource) => ({
    ...code,
    FunctionName: resource.id,
    FunctionArn: resource.arn,
    LastModified: resource.createdAt.toISOString(),
    MemorySize: memoryOf(resource),
  })),
  // Bills name the tasks of Fargate, which no list has.
  'ecs:ListClusters': empty,
  ...each('eks:ListClusters', 'clusters', 'eks:cluster', ({ id }) => id),
  ...one('eks:DescribeCluster', 'name', 'eks:cluster', ({ id, arn, createdAt, tags, key }) => ({
    cluster: { name: id, arn, createdAt, tags, status: 'ACTIVE', version: `1.${29 + (key % 4)}` },
  })),
  'eks:ListNodegroups': empty,
  // Without `retentionInDays`, logs are kept for ever.
  ...listing('logs:DescribeLogGroups', 'logGroups', ({ all, input: { logGroupNamePrefix: prefix = '' } }) =>
    all('logs:log-group')
      .filter(({ id }) => typeof prefix === 'string' && id.startsWith(prefix))
      .map((resource) => ({
        logGroupName: resource.id,
        logGroupArn: resource.arn,
        arn: `${resource.arn}:*`,
        logGroupClass: 'STANDARD',
        creationTime: resource.createdAt.getTime(),
        storedBytes: Random.mix(resource.key, 61) * 50,
        retentionInDays: retentionOf(resource),
      })),
  ),
  ...listing('savingsplans:DescribeSavingsPlans', 'savingsPlans', (question) =>
    commitmentsOf(question, 'savingsplans').map(({ id, start, seconds, hourly }) => ({
      savingsPlanArn: id,
      savingsPlanId: id.slice(id.lastIndexOf('/') + 1),
      savingsPlanType: 'Compute',
      start: start.toISOString(),
      end: new Date(start.getTime() + seconds * 1000).toISOString(),
      state: 'active',
      commitment: hourly,
      currency: 'USD',
      paymentOption: 'No Upfront',
      productTypes: ['EC2', 'Fargate', 'Lambda'],
      termDurationInSeconds: seconds,
    })),
  ),
  ...listing('s3:ListBuckets', 'Buckets', ({ all }) =>
    all('s3', 'any').map(({ id, region, createdAt }) => ({ Name: id, BucketRegion: region, CreationDate: createdAt })),
  ),
}
