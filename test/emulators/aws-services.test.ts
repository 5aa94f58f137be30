import type { ActionTarget } from '@cloudoptima/core'
import type { AwsRequest } from '@cloudoptima/providers/testing/aws'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Account, contractOf, type Fields, moto, protectedTag, protection, region, tagsOf } from './acting.ts'

// The actions on databases, logs, functions and buckets of AWS, in accounts of moto: with and without trouble, each ends
// as planned, and its undo leads back. Run by `npm run emulators`.

interface Database {
  isStopped: boolean
  isProtected: boolean
  type: string
}
const databases: fc.Arbitrary<Database> = fc.record({
  isStopped: fc.boolean(),
  isProtected: protection,
  type: fc.constantFrom('db.m7g.large', 'db.m7g.large', 'db.r6g.large', 'db.none.large'),
})

async function database({ id, make }: Account, { isStopped, isProtected }: Database): Promise<ActionTarget> {
  await make('rds', 'RDS', 'CreateDBInstance', {
    DBInstanceIdentifier: 'shop',
    DBInstanceClass: 'db.r6g.large',
    Engine: 'postgres',
    AllocatedStorage: 20,
    MasterUsername: 'shop',
    MasterUserPassword: 'not-a-real-one',
    Tags: tagsOf(isProtected),
  })
  if (isStopped) await make('rds', 'RDS', 'StopDBInstance', { DBInstanceIdentifier: 'shop' })
  return { id: `arn:aws:rds:${region}:${id}:db:shop`, kind: 'database', region }
}

const databaseWorld = async ({ make }: Account) => {
  const asked = { DBInstanceIdentifier: 'shop' }
  const { DBInstances } = await make('rds', 'RDS', 'DescribeDBInstances', asked)
  const [{ LatestRestorableTime: _, ...others } = {}] = DBInstances as Fields[]
  return others
}

/** moto knows what AWS offers for Aurora alone. */
function offered({ call, input }: AwsRequest): object | undefined {
  if (call !== 'rds:DescribeOrderableDBInstanceOptions') return undefined
  const { DBInstanceClass } = input
  if (DBInstanceClass !== 'db.m7g.large') return { OrderableDBInstanceOptions: [] }
  const zones = ['a', 'b', 'c'].map((zone) => ({ Name: `${region}${zone}` }))
  const storages = ['gp2', 'gp3', 'standard', 'io1']
  return {
    OrderableDBInstanceOptions: storages.map((StorageType) => ({
      DBInstanceClass,
      StorageType,
      AvailabilityZones: zones,
      MultiAZCapable: true,
      SupportsStorageEncryption: true,
    })),
  }
}

describe.skipIf(moto === '')('in accounts of moto', () => {
  test.each(['stop-database', 'start-database'] as const)(
    '%s',
    async (action) => {
      const asked = { action, given: databases, made: database, world: databaseWorld }
      await expect(contractOf(asked)).resolves.toBeUndefined()
    },
    120_000,
  )

  test('resize-database', async () => {
    const parameters = ({ type }: Database) => ({ type })
    const kept = contractOf({
      action: 'resize-database',
      given: databases,
      made: database,
      parameters,
      world: databaseWorld,
      answer: offered,
    })
    await expect(kept).resolves.toBeUndefined()
  })

  test('delete-snapshot of a database', async () => {
    const kept = contractOf({
      action: 'delete-snapshot',
      given: fc.record({ isStopped: fc.constant(false), isProtected: protection, type: fc.constant('') }),
      made: async (account, given) => {
        await database(account, given)
        const asked = { DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'shop-1', Tags: tagsOf(given.isProtected) }
        await account.make('rds', 'RDS', 'CreateDBSnapshot', asked)
        return { id: `arn:aws:rds:${region}:${account.id}:snapshot:shop-1`, kind: 'database_snapshot', region }
      },
      world: databaseWorld,
    })
    await expect(kept).resolves.toBeUndefined()
  })

  test('set-log-retention', async () => {
    const logGroupName = '/shop/web'
    const kept = contractOf({
      action: 'set-log-retention',
      given: fc.record({
        now: fc.constantFrom(undefined, 30, 365),
        days: fc.constantFrom(7, 30, 31, 400),
        isProtected: protection,
      }),
      made: async ({ id, make }, { now, isProtected }) => {
        const tags = isProtected ? { [protectedTag.Key]: 'true' } : {}
        await make('cloudwatch-logs', 'CloudWatchLogs', 'CreateLogGroup', { logGroupName, tags })
        await make('cloudwatch-logs', 'CloudWatchLogs', 'CreateLogGroup', { logGroupName: `${logGroupName}-2` })
        const given = { logGroupName, retentionInDays: now }
        if (now !== undefined) await make('cloudwatch-logs', 'CloudWatchLogs', 'PutRetentionPolicy', given)
        return { id: `arn:aws:logs:${region}:${id}:log-group:${logGroupName}`, kind: 'log_group', region }
      },
      parameters: ({ days }) => ({ days }),
      world: async ({ make }) => await make('cloudwatch-logs', 'CloudWatchLogs', 'DescribeLogGroups', {}),
    })
    await expect(kept).resolves.toBeUndefined()
  })

  test('set-function-memory', async () => {
    const kept = contractOf({
      action: 'set-function-memory',
      given: fc.record({ memoryMb: fc.constantFrom(128, 512, 1024), isProtected: protection }),
      made: async ({ id, make }, { isProtected }) => {
        const { Role } = await make('iam', 'IAM', 'CreateRole', { RoleName: 'shop', AssumeRolePolicyDocument: '{}' })
        await make('lambda', 'Lambda', 'CreateFunction', {
          FunctionName: 'shop',
          Runtime: 'nodejs24.x',
          Role: (Role as { Arn: string }).Arn,
          Handler: 'index.handler',
          Code: { ZipFile: emptyZip },
          MemorySize: 1024,
          Tags: { Team: 'shop', ...(isProtected && { [protectedTag.Key]: 'true' }) },
        })
        return { id: `arn:aws:lambda:${region}:${id}:function:shop`, kind: 'function', region }
      },
      parameters: ({ memoryMb }) => ({ memoryMb }),
      world: async ({ make }) => {
        const {
          RevisionId: _,
          LastModified: __,
          ...others
        } = await make('lambda', 'Lambda', 'GetFunctionConfiguration', { FunctionName: 'shop' })
        return others
      },
    })
    await expect(kept).resolves.toBeUndefined()
  })

  test('set-bucket-lifecycle', async () => {
    const expiring = { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 30 } }
    const dated = {
      ID: 'archive',
      Status: 'Enabled',
      Filter: { And: { Prefix: 'old/', Tags: [{ Key: 'Keep', Value: 'no' }] } },
      Transitions: [{ Date: new Date('2030-01-01T00:00:00Z'), StorageClass: 'GLACIER' }],
    }
    const moving = {
      ID: 'all',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      Transitions: [{ Days: 1, StorageClass: 'GLACIER' }],
    }
    const earlier = {
      ID: 'cloudoptima-abort-uploads',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 90 },
    }
    const kept = contractOf({
      action: 'set-bucket-lifecycle',
      given: fc.record({
        rules: fc.subarray([expiring, dated, moving, earlier]),
        parameters: fc.record(
          { abortUploadsDays: fc.constantFrom(7, 90), tieringDays: fc.constantFrom(0, 30) },
          { requiredKeys: [] },
        ),
        isProtected: protection,
      }),
      made: async ({ id, make }, { rules, isProtected }) => {
        const Bucket = `shop-${id}`
        const CreateBucketConfiguration = { LocationConstraint: region }
        await make('s3', 'S3', 'CreateBucket', { Bucket, CreateBucketConfiguration })
        await make('s3', 'S3', 'PutBucketTagging', { Bucket, Tagging: { TagSet: tagsOf(isProtected) } })
        const LifecycleConfiguration = { Rules: rules }
        if (rules.length > 0)
          await make('s3', 'S3', 'PutBucketLifecycleConfiguration', { Bucket, LifecycleConfiguration })
        return { id: Bucket, aliases: [`arn:aws:s3:::${Bucket}`], kind: 'bucket', region }
      },
      parameters: (given) => given.parameters,
    })
    await expect(kept).resolves.toBeUndefined()
  })
})

/** An archive without files. */
const emptyZip = Buffer.from(`504b0506${'0'.repeat(36)}`, 'hex')
