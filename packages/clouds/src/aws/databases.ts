import { Money, Random } from '@cloudoptima/sample'
import { dayOf, isRunning, timeOf } from '../load.ts'
import { list, type Operation, type Question, Refusal } from './operation.ts'
import type { AwsResource } from './resource.ts'

const marker = ['Marker', 'Marker'] as const
const year = 31_536_000

function database({ aws }: Question, resource: AwsResource): object {
  // A bill of storage alone is that of a stopped database.
  const isStorage = resource.pattern === 'storage'
  const storage = Math.round(resource.unitsOn(dayOf(aws.now())) * 30)
  return {
    DBInstanceIdentifier: resource.id,
    DBInstanceArn: resource.arn,
    DBInstanceClass: isStorage ? 'db.t4g.medium' : resource.class,
    DBInstanceStatus: !isStorage && isRunning(resource, aws.now()) ? 'available' : 'stopped',
    AllocatedStorage: isStorage ? storage : 100 + (resource.key % 400),
    Engine: 'postgres',
    EngineVersion: '16.4',
    LicenseModel: 'postgresql-license',
    StorageType: 'gp3',
    Iops: 3000,
    MultiAZ: false,
    BackupRetentionPeriod: 7,
    AvailabilityZone: resource.zone || `${resource.region}a`,
    InstanceCreateTime: resource.createdAt,
    TagList: Object.entries(resource.tags).map(([Key, Value]) => ({ Key, Value })),
  }
}

/** The commitments that the account has bought; their ARN names account and region. */
export function commitmentsOf({ aws, account, region }: Question, service: 'rds' | 'savingsplans') {
  const place = service === 'rds' ? `rds:${region}` : 'savingsplans:'
  return aws.estate.commitments
    .filter(({ id, from }) => id.startsWith(`arn:aws:${place}:${account}:`) && from <= dayOf(aws.now()))
    .map(({ unitPrice, ...commitment }) => ({
      ...commitment,
      start: timeOf(commitment.from),
      seconds: year,
      hourly: Money.format(unitPrice * BigInt(commitment.count), Money.priceScale),
    }))
}

/** Of RDS, ElastiCache and DynamoDB. */
export const databases: Record<string, Operation> = {
  'rds:DescribeDBInstances': list('DBInstances', marker, (question) =>
    question.all('rds:db').map((resource) => database(question, resource)),
  ),
  'rds:DescribeDBSnapshots': () => ({ DBSnapshots: [] }),
  'rds:DescribeReservedDBInstances': list('ReservedDBInstances', marker, (question) =>
    commitmentsOf(question, 'rds').map(({ id, name, count, start, seconds, hourly }) => ({
      ReservedDBInstanceArn: id,
      ReservedDBInstanceId: id.slice(id.lastIndexOf(':') + 1),
      DBInstanceClass: name.split(' ')[0],
      DBInstanceCount: count,
      StartTime: start,
      Duration: seconds,
      FixedPrice: (Number(hourly) * seconds) / 3600,
      UsagePrice: 0,
      CurrencyCode: 'USD',
      ProductDescription: 'postgresql',
      OfferingType: 'All Upfront',
      MultiAZ: false,
      State: 'active',
    })),
  ),
  'elasticache:DescribeCacheClusters': list('CacheClusters', marker, ({ all }) =>
    all('elasticache:cluster').map((resource) => ({
      CacheClusterId: resource.id,
      ARN: resource.arn,
      CacheNodeType: resource.class,
      CacheClusterStatus: 'available',
      PreferredAvailabilityZone: resource.zone,
      CacheClusterCreateTime: resource.createdAt,
      Engine: 'redis',
      EngineVersion: '7.1.0',
      NumCacheNodes: 1,
    })),
  ),
  'elasticache:DescribeReservedCacheNodes': () => ({ ReservedCacheNodes: [] }),
  'dynamodb:ListTables': list('TableNames', ['ExclusiveStartTableName', 'LastEvaluatedTableName'], ({ all }) =>
    all('dynamodb:table').map(({ id }) => id),
  ),
  'dynamodb:DescribeTable': ({ input, all }) => {
    const table = all('dynamodb:table').find(({ id }) => id === input['TableName'])
    if (!table) throw new Refusal('ResourceNotFoundException', 400)
    const ItemCount = Random.mix(table.key, 51) % 50_000_000
    return {
      Table: {
        TableName: table.id,
        TableArn: table.arn,
        TableStatus: 'ACTIVE',
        CreationDateTime: table.createdAt,
        ItemCount,
        TableSizeBytes: ItemCount * 400,
        BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      },
    }
  },
}
