import { NagSuppressions } from 'cdk-nag'
import { Duration } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { StackContext } from 'sst/constructs'
import type { Grant } from './grants.ts'
import { isPassing, isRehearsal, removalPolicy } from './stage.ts'

/** Where state lies: one DynamoDB table for the nouns, one bucket for raw bills and the lake. */
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

  const closed = {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: removalPolicy(app.stage),
    // The emulator deletes a bucket with its objects, and forgets the tag by which CDK's emptying function knows its buckets.
    autoDeleteObjects: isPassing(app.stage) && !isRehearsal(app.stage),
  }
  const accessLogs = new Bucket(stack, 'AccessLogs', {
    ...closed,
    lifecycleRules: [{ expiration: Duration.days(365) }],
  })
  NagSuppressions.addResourceSuppressions(accessLogs, [
    {
      id: 'AwsSolutions-S1',
      reason: 'This is the bucket that receives access logs; logging it to itself would feed on itself.',
    },
  ])

  const bucket = new Bucket(stack, 'Bucket', {
    ...closed,
    versioned: true,
    serverAccessLogsBucket: accessLogs,
    serverAccessLogsPrefix: 's3/',
    lifecycleRules: [
      { abortIncompleteMultipartUploadAfter: Duration.days(1), noncurrentVersionExpiration: Duration.days(30) },
    ],
  })

  const tables: Grant = {
    actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
    resources: [table.tableArn],
  }
  stack.addOutputs({ TableName: table.tableName, BucketName: bucket.bucketName })
  return { table, tables, bucket, state: { TABLE_NAME: table.tableName, BUCKET_NAME: bucket.bucketName } }
}
