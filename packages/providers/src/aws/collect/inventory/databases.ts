import { inTurns } from '../../../collect/concurrent.ts'
import { described, gbOf, pick, type Row, row, tagsOf } from './row.ts'

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
    ({ DBInstances = [] }, at) =>
      DBInstances.flatMap((database) =>
        described(at, {
          id: database.DBInstanceArn,
          aliases: [database.DBInstanceIdentifier ?? ''],
          kind: 'database',
          name: database.DBInstanceIdentifier,
          type: database.DBInstanceClass,
          status: states[database.DBInstanceStatus ?? ''] ?? 'running',
          zone: database.AvailabilityZone,
          createdAtDate: database.InstanceCreateTime,
          sizeGb: database.AllocatedStorage,
          iops: database.Iops,
          tags: tagsOf(database.TagList),
          configuration: {
            ...pick(database, 'BackupRetentionPeriod', 'DBClusterIdentifier', 'DBInstanceIdentifier'),
            ...pick(database, 'DBInstanceStatus', 'Engine', 'EngineVersion', 'LicenseModel', 'MaxAllocatedStorage'),
            ...pick(database, 'MultiAZ', 'ReadReplicaSourceDBInstanceIdentifier', 'StorageThroughput', 'StorageType'),
          },
        }),
      ),
  ),
  row(
    'rds:snapshots',
    rds,
    (sdk, at) => sdk.paginateDescribeDBSnapshots({ client: at.client(sdk.RDSClient) }, { SnapshotType: 'manual' }),
    ({ DBSnapshots = [] }, at) =>
      DBSnapshots.flatMap((snapshot) =>
        described(at, {
          id:
            snapshot.DBSnapshotArn ??
            (snapshot.DBSnapshotIdentifier && at.arn(`snapshot:${snapshot.DBSnapshotIdentifier}`)),
          aliases: [snapshot.DBSnapshotIdentifier ?? ''],
          kind: 'database_snapshot',
          name: snapshot.DBSnapshotIdentifier,
          status: snapshot.Status,
          zone: snapshot.AvailabilityZone,
          createdAtDate: snapshot.SnapshotCreateTime,
          sizeGb: snapshot.AllocatedStorage,
          attachedTo: snapshot.DBInstanceIdentifier && at.arn(`db:${snapshot.DBInstanceIdentifier}`),
          tags: tagsOf(snapshot.TagList),
          configuration: pick(snapshot, 'DBInstanceIdentifier', 'Encrypted', 'Engine', 'SnapshotType', 'StorageType'),
        }),
      ),
  ),
  row(
    'rds:reserved-instances',
    rds,
    (sdk, at) => sdk.paginateDescribeReservedDBInstances({ client: at.client(sdk.RDSClient) }, {}),
    ({ ReservedDBInstances = [] }, at) =>
      ReservedDBInstances.filter(({ State }) => State !== 'retired').flatMap((reservation) =>
        described(at, {
          id: reservation.ReservedDBInstanceArn,
          aliases: [reservation.ReservedDBInstanceId ?? ''],
          kind: 'commitment',
          type: reservation.DBInstanceClass,
          status: reservation.State === 'active' ? 'in-use' : reservation.State,
          createdAtDate: reservation.StartTime,
          configuration: {
            ...pick(reservation, 'CurrencyCode', 'DBInstanceCount', 'Duration', 'FixedPrice', 'MultiAZ'),
            ...pick(reservation, 'OfferingType', 'ProductDescription', 'RecurringCharges', 'StartTime', 'UsagePrice'),
          },
        }),
      ),
  ),
  row(
    'elasticache:clusters',
    elasticache,
    (sdk, at) => sdk.paginateDescribeCacheClusters({ client: at.client(sdk.ElastiCacheClient) }, {}),
    ({ CacheClusters = [] }, at) =>
      CacheClusters.flatMap((cache) =>
        described(at, {
          id: cache.ARN ?? (cache.CacheClusterId && at.arn(`cluster:${cache.CacheClusterId}`)),
          aliases: [cache.CacheClusterId ?? ''],
          kind: 'cache',
          name: cache.CacheClusterId,
          type: cache.CacheNodeType,
          status: cache.CacheClusterStatus,
          zone: cache.PreferredAvailabilityZone,
          createdAtDate: cache.CacheClusterCreateTime,
          configuration: {
            ...pick(cache, 'CacheClusterId', 'Engine', 'EngineVersion', 'NumCacheNodes', 'ReplicationGroupId'),
            ...pick(cache, 'SnapshotRetentionLimit'),
          },
        }),
      ),
  ),
  row(
    'elasticache:reserved-nodes',
    elasticache,
    (sdk, at) => sdk.paginateDescribeReservedCacheNodes({ client: at.client(sdk.ElastiCacheClient) }, {}),
    ({ ReservedCacheNodes = [] }, at) =>
      ReservedCacheNodes.filter(({ State }) => State !== 'retired').flatMap((reservation) =>
        described(at, {
          id: reservation.ReservationARN,
          aliases: [reservation.ReservedCacheNodeId ?? ''],
          kind: 'commitment',
          type: reservation.CacheNodeType,
          status: reservation.State === 'active' ? 'in-use' : reservation.State,
          createdAtDate: reservation.StartTime,
          configuration: {
            ...pick(reservation, 'CacheNodeCount', 'Duration', 'FixedPrice', 'OfferingType', 'ProductDescription'),
            ...pick(reservation, 'RecurringCharges', 'StartTime', 'UsagePrice'),
          },
        }),
      ),
  ),
  row(
    'dynamodb:tables',
    () => import('@aws-sdk/client-dynamodb'),
    (sdk, at) => sdk.paginateListTables({ client: at.client(sdk.DynamoDBClient) }, {}),
    async ({ TableNames = [] }, at, sdk) => {
      const client = at.client(sdk.DynamoDBClient)
      const answers = await inTurns(TableNames, 4, (TableName) =>
        client.send(new sdk.DescribeTableCommand({ TableName })),
      )
      return answers.flatMap(({ Table: table = {} }) =>
        described(at, {
          id: table.TableArn,
          aliases: [table.TableName ?? ''],
          kind: 'table',
          name: table.TableName,
          type: table.BillingModeSummary?.BillingMode ?? 'PROVISIONED',
          status: table.TableStatus === 'ACTIVE' ? 'available' : table.TableStatus?.toLowerCase(),
          createdAtDate: table.CreationDateTime,
          sizeGb: gbOf(table.TableSizeBytes),
          configuration: {
            ...pick(table, 'DeletionProtectionEnabled', 'ItemCount', 'ProvisionedThroughput', 'TableName'),
            TableClass: table.TableClassSummary?.TableClass,
            Replicas: table.Replicas?.map(({ RegionName }) => RegionName),
          },
        }),
      )
    },
  ),
]
