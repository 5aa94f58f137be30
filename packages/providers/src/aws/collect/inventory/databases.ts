import { inTurns } from '../../../collect/concurrent.ts'
import { gbOf, type Row, row } from './row.ts'

const rds = () => import('@aws-sdk/client-rds')
const elasticache = () => import('@aws-sdk/client-elasticache')

/** A database that is neither stopped nor deleted costs like a running one. */
const states: Record<string, string> = { stopped: 'stopped', stopping: 'stopped', deleting: 'terminated' }

/** Of RDS, ElastiCache and DynamoDB. */
export const databaseRows: readonly Row[] = [
  row(
    'rds:instances',
    rds,
    (sdk, at) => sdk.paginateDescribeDBInstances({ client: at.client(sdk.RDSClient) }, {}),
    ({ DBInstances }) => DBInstances,
  )({
    kind: 'database',
    id: 'DBInstanceArn',
    aliases: ({ DBInstanceIdentifier }) => [DBInstanceIdentifier],
    name: 'DBInstanceIdentifier',
    type: 'DBInstanceClass',
    status: ({ DBInstanceStatus = '' }) => states[DBInstanceStatus] ?? 'running',
    zone: 'AvailabilityZone',
    createdAt: 'InstanceCreateTime',
    sizeGb: 'AllocatedStorage',
    iops: 'Iops',
    keep: [
      ...(['BackupRetentionPeriod', 'DBClusterIdentifier', 'DBInstanceIdentifier', 'DBInstanceStatus'] as const),
      ...(['Engine', 'EngineVersion', 'LicenseModel', 'MaxAllocatedStorage', 'MultiAZ', 'StorageType'] as const),
      ...(['ReadReplicaSourceDBInstanceIdentifier', 'StorageThroughput'] as const),
    ],
  }),
  row(
    'rds:snapshots',
    rds,
    (sdk, at) => sdk.paginateDescribeDBSnapshots({ client: at.client(sdk.RDSClient) }, { SnapshotType: 'manual' }),
    ({ DBSnapshots }) => DBSnapshots,
  )({
    kind: 'database_snapshot',
    id: ({ DBSnapshotArn, DBSnapshotIdentifier }, at) => DBSnapshotArn ?? at.arn(`snapshot:${DBSnapshotIdentifier}`),
    aliases: ({ DBSnapshotIdentifier }) => [DBSnapshotIdentifier],
    name: 'DBSnapshotIdentifier',
    status: 'Status',
    zone: 'AvailabilityZone',
    createdAt: 'SnapshotCreateTime',
    sizeGb: 'AllocatedStorage',
    attachedTo: ({ DBInstanceIdentifier }, at) => DBInstanceIdentifier && at.arn(`db:${DBInstanceIdentifier}`),
    keep: ['DBInstanceIdentifier', 'Encrypted', 'Engine', 'SnapshotType', 'StorageType'],
  }),
  row(
    'rds:reserved-instances',
    rds,
    (sdk, at) => sdk.paginateDescribeReservedDBInstances({ client: at.client(sdk.RDSClient) }, {}),
    ({ ReservedDBInstances }) => ReservedDBInstances?.filter(({ State }) => State !== 'retired'),
  )({
    kind: 'commitment',
    id: 'ReservedDBInstanceArn',
    aliases: ({ ReservedDBInstanceId }) => [ReservedDBInstanceId],
    type: 'DBInstanceClass',
    status: 'State',
    createdAt: 'StartTime',
    keep: [
      ...(['CurrencyCode', 'DBInstanceCount', 'Duration', 'FixedPrice', 'MultiAZ', 'OfferingType'] as const),
      ...(['ProductDescription', 'RecurringCharges', 'StartTime', 'UsagePrice'] as const),
    ],
  }),
  row(
    'elasticache:clusters',
    elasticache,
    (sdk, at) => sdk.paginateDescribeCacheClusters({ client: at.client(sdk.ElastiCacheClient) }, {}),
    ({ CacheClusters }) => CacheClusters,
  )({
    kind: 'cache',
    id: ({ ARN, CacheClusterId }, at) => ARN ?? at.arn(`cluster:${CacheClusterId}`),
    aliases: ({ CacheClusterId }) => [CacheClusterId],
    name: 'CacheClusterId',
    type: 'CacheNodeType',
    status: 'CacheClusterStatus',
    zone: 'PreferredAvailabilityZone',
    createdAt: 'CacheClusterCreateTime',
    keep: ['CacheClusterId', 'Engine', 'EngineVersion', 'NumCacheNodes', 'ReplicationGroupId'],
  }),
  row(
    'elasticache:reserved-nodes',
    elasticache,
    (sdk, at) => sdk.paginateDescribeReservedCacheNodes({ client: at.client(sdk.ElastiCacheClient) }, {}),
    ({ ReservedCacheNodes }) => ReservedCacheNodes?.filter(({ State }) => State !== 'retired'),
  )({
    kind: 'commitment',
    id: 'ReservationARN',
    aliases: ({ ReservedCacheNodeId }) => [ReservedCacheNodeId],
    type: 'CacheNodeType',
    status: 'State',
    createdAt: 'StartTime',
    keep: [
      ...(['CacheNodeCount', 'Duration', 'FixedPrice', 'OfferingType', 'ProductDescription'] as const),
      ...(['RecurringCharges', 'StartTime', 'UsagePrice'] as const),
    ],
  }),
  row(
    'dynamodb:tables',
    () => import('@aws-sdk/client-dynamodb'),
    async function* (sdk, at) {
      const client = at.client(sdk.DynamoDBClient)
      for await (const { TableNames = [] } of sdk.paginateListTables({ client }, {}))
        yield await inTurns(TableNames, 4, (TableName) => client.send(new sdk.DescribeTableCommand({ TableName })))
    },
    (answers) => answers.flatMap(({ Table }) => Table ?? []),
  )({
    kind: 'table',
    id: 'TableArn',
    aliases: ({ TableName }) => [TableName],
    name: 'TableName',
    type: ({ BillingModeSummary }) => BillingModeSummary?.BillingMode ?? 'PROVISIONED',
    status: 'TableStatus',
    createdAt: 'CreationDateTime',
    sizeGb: ({ TableSizeBytes }) => gbOf(TableSizeBytes),
    keep: [
      ...(['CreationDateTime', 'DeletionProtectionEnabled', 'ItemCount', 'ProvisionedThroughput'] as const),
      ...(['TableClassSummary', 'TableName'] as const),
    ],
  }),
]
