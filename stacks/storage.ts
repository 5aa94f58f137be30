import { tableIndexes } from '@cloudoptima/core'
import { Duration } from 'aws-cdk-lib'
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { StackContext } from 'sst/constructs'
import { accept, isPassing, isRehearsal, removalPolicy } from './stage.ts'
import type { Grant } from './grants.ts'
import { settings } from './settings.ts'

export function Storage({ app, stack }: StackContext) {
  const table = new Table(stack, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.AWS_MANAGED,
    timeToLiveAttribute: 'expiresAt',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: !isPassing(app.stage),
    removalPolicy: removalPolicy(app.stage),
  })
  const string = (name: string) => ({ name, type: AttributeType.STRING })
  for (const [indexName, hash, range] of tableIndexes)
    table.addGlobalSecondaryIndex({
      indexName,
      partitionKey: string(hash),
      sortKey: string(range),
      projectionType: ProjectionType.KEYS_ONLY,
    })

  const closed = {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: removalPolicy(app.stage),
    // The emulator loses the tag by which CDK's function finds these buckets, but deletes objects itself.
    autoDeleteObjects: isPassing(app.stage) && !isRehearsal(app.stage),
  }
  const accessLogs = new Bucket(stack, 'AccessLogs', {
    ...closed,
    lifecycleRules: [{ expiration: Duration.days(365) }],
  })
  accept(
    accessLogs,
    'S1',
    'This bucket receives the access logs. To log its own writes would create new writes without end.',
  )

  const bucket = new Bucket(stack, 'Bucket', {
    ...closed,
    versioned: true,
    serverAccessLogsBucket: accessLogs,
    serverAccessLogsPrefix: 's3/',
    lifecycleRules: [
      { abortIncompleteMultipartUploadAfter: Duration.days(1), noncurrentVersionExpiration: Duration.days(30) },
    ],
  })

  // Locked also against the account's own administrators. A temporary stage must be removable.
  const isLocked = !isPassing(app.stage)
  const anchors = new Bucket(stack, 'Anchors', {
    ...closed,
    versioned: true,
    ...(isLocked && {
      objectLockEnabled: true,
      objectLockDefaultRetention: ObjectLockRetention.compliance(Duration.days(settings().anchorDays)),
    }),
    serverAccessLogsBucket: accessLogs,
    serverAccessLogsPrefix: 'anchors/',
  })

  const verbs = ['GetItem', 'BatchGetItem', 'Query', 'UpdateItem', 'DeleteItem']
  const tables: Grant[] = [
    { actions: verbs.map((verb) => `dynamodb:${verb}`), resources: [table.tableArn] },
    { actions: ['dynamodb:Query'], resources: tableIndexes.map(([name]) => `${table.tableArn}/index/${name}`) },
  ]
  stack.addOutputs({ TableName: table.tableName, BucketName: bucket.bucketName })
  return { table, tables, bucket, anchors, state: { TABLE_NAME: table.tableName, BUCKET_NAME: bucket.bucketName } }
}
