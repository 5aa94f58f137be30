import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { STSClient, AssumeRoleCommand } from '@aws-sdk/client-sts'
import type { Access, Provider, Resource } from '@cloudoptima/core'
import { Calendar } from '@cloudoptima/core'
import { createClouds, readRoleTemplate } from '@cloudoptima/providers/access'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asRoot, createStack, createUser, type EmulatedAccount } from '../clouds/customer.ts'
import { collectionOf, emulators } from './collection.ts'
import { dataExports } from './data-exports.ts'
import { type Front, frontOf } from './front.ts'

// The AWS collector against two independent emulators. Run by `npm run emulators`, which starts them.

const root = dirname(dirname(import.meta.dirname))
const { ministack = '', moto = '' } = emulators
const account = '222222222222'
const externalId = 'co-3f6d1b0c9a5e4c27'
const month = Calendar.monthOf(Calendar.dayOf(new Date()))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-emulators-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

describe.skipIf(ministack === '')('an export in a bucket of MiniStack', () => {
  const bucket = 'acme-costs'
  let front: Front
  let aws: Provider
  let s3: S3Client
  let access: Access
  let told: ReturnType<typeof collectionOf>

  beforeAll(async () => {
    front = await frontOf(ministack, dataExports({ name: 'daily', bucket, prefix: 'focus' }))
    const customer: EmulatedAccount = { endpoint: ministack, account }
    const keys = await createUser({ endpoint: ministack, account: '111111111111' }, 'collector')
    const roleArn = await createStack(customer, 'CloudOptima', readRoleTemplate(), {
      PrincipalArn: 'arn:aws:iam::111111111111:root',
      ExternalId: externalId,
      ExportBucket: bucket,
    })
    aws = createClouds({ endpoints: { aws: front.url }, awsCredentials: keys }).aws
    told = collectionOf({ cloud: 'aws', roleArn, externalId })
    access = told.access
    s3 = new S3Client({ ...asRoot(customer), forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    await deliver('first')
  })
  afterAll(async () => await front.close())

  const data = `focus/daily/data/BILLING_PERIOD=${month}/daily-00001.csv.gz`

  async function deliver(text: string): Promise<void> {
    const manifest = JSON.stringify({ dataFiles: [`s3://${bucket}/${data}`], text })
    const manifestKey = `focus/daily/metadata/BILLING_PERIOD=${month}/daily-Manifest.json`
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: data, Body: text }))
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: manifestKey, Body: manifest }))
  }

  const look = async () => await Array.fromAsync(aws.bills(access))

  test('is read with the permissions of the template alone', async () => {
    const [delivery, ...others] = await look()
    expect(others).toEqual([])
    const files = (await delivery?.fetch(folder)) ?? []
    expect(files.map(({ name }) => name)).toEqual([data])
    expect(await readFile(files[0]?.path ?? '', 'utf8')).toBe('first')
    expect(told.problems).toEqual([])
  })

  test('is not read as it was, once it is restated', async () => {
    const [before] = await look()
    await deliver('second')
    await expect(before?.fetch(folder)).rejects.toMatchObject({ code: 'conflict' })
    const [after] = await look()
    expect(after?.version).not.toBe(before?.version)
    const files = await after?.fetch(folder)
    expect(await readFile(files?.[0]?.path ?? '', 'utf8')).toBe('second')
  })

  test('is not read with another external id', async () => {
    const credentials = { ...access.credentials, externalId: 'co-of-somebody-else' } as Access['credentials']
    await expect(Array.fromAsync(aws.bills({ ...access, credentials }))).rejects.toMatchObject({ code: 'forbidden' })
  })
})

// The SDKs of the providers, with which the test makes what the collector is to find.
const load = createRequire(join(root, 'packages', 'providers', 'package.json'))
type Sdk = Record<string, new (given: object) => { send(command: unknown): Promise<unknown> }>

describe.skipIf(moto === '')('an account of moto', () => {
  const regions = ['eu-west-1', 'us-east-1']
  let front: Front
  let aws: Provider
  let told: ReturnType<typeof collectionOf>
  let credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  let instanceId: string

  /** Calls moto in the account, to make what the collector is to find. */
  async function make(sdkName: string, client: string, command: string, input: object, region = 'eu-west-1') {
    const sdk = load(`@aws-sdk/client-${sdkName}`) as Sdk
    const [Client, Command] = [sdk[client], sdk[`${command}Command`]]
    if (!Client || !Command) throw new Error(`no ${client} or ${command}`)
    return await new Client({ endpoint: moto, region, credentials, forcePathStyle: true }).send(new Command(input))
  }

  beforeAll(async () => {
    const items = regions.map((name) => `<item><regionName>${name}</regionName></item>`).join('')
    // All regions would take a minute.
    front = await frontOf(moto, ({ operation }) =>
      operation === 'DescribeRegions'
        ? `<DescribeRegionsResponse><regionInfo>${items}</regionInfo></DescribeRegionsResponse>`
        : undefined,
    )
    const own = { accessKeyId: 'AKIAOURS', secretAccessKey: 'test' }
    aws = createClouds({ endpoints: { aws: front.url }, awsCredentials: own }).aws
    const roleArn = `arn:aws:iam::${account}:role/CloudOptimaRead`
    told = collectionOf({ cloud: 'aws', roleArn, externalId })
    const sts = new STSClient({ endpoint: moto, region: 'us-east-1', credentials: own })
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'customer' }))
    credentials = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    }
    const image = { ImageId: 'ami-12c6146b', InstanceType: 'm5.large', MinCount: 1, MaxCount: 1 }
    const started = (await make('ec2', 'EC2Client', 'RunInstances', image)) as { Instances: { InstanceId: string }[] }
    instanceId = started.Instances[0]?.InstanceId ?? ''
    for (const Size of [10, 11, 12])
      await make('ec2', 'EC2Client', 'CreateVolume', { AvailabilityZone: 'eu-west-1a', Size, VolumeType: 'gp3' })
    const { Subnets } = (await make('ec2', 'EC2Client', 'DescribeSubnets', {})) as { Subnets: { SubnetId: string }[] }
    const [one, two] = Subnets.map(({ SubnetId }) => SubnetId)
    await make('elastic-load-balancing-v2', 'ElasticLoadBalancingV2Client', 'CreateLoadBalancer', {
      Name: 'shop',
      Subnets: [one, two],
      Tags: [{ Key: 'Team', Value: 'shop' }],
    })
    await make('elastic-load-balancing', 'ElasticLoadBalancingClient', 'CreateLoadBalancer', {
      LoadBalancerName: 'old',
      AvailabilityZones: ['eu-west-1a'],
      Listeners: [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 80 }],
      Tags: [{ Key: 'Team', Value: 'shop' }],
    })
    await make('elastic-load-balancing', 'ElasticLoadBalancingClient', 'RegisterInstancesWithLoadBalancer', {
      LoadBalancerName: 'old',
      Instances: [{ InstanceId: instanceId }],
    })
    await make('rds', 'RDSClient', 'CreateDBInstance', {
      DBInstanceIdentifier: 'shop',
      DBInstanceClass: 'db.r6g.large',
      Engine: 'postgres',
      AllocatedStorage: 20,
      MasterUsername: 'shop',
      MasterUserPassword: 'not-a-real-one',
      Tags: [{ Key: 'Team', Value: 'shop' }],
    })
    await make('elasticache', 'ElastiCacheClient', 'CreateCacheCluster', {
      CacheClusterId: 'shop',
      Engine: 'redis',
      CacheNodeType: 'cache.t4g.small',
      NumCacheNodes: 1,
    })
    await make('ecs', 'ECSClient', 'CreateCluster', { clusterName: 'shop' })
    await make('dynamodb', 'DynamoDBClient', 'CreateTable', {
      TableName: 'orders',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      Tags: [{ Key: 'Team', Value: 'shop' }],
    })
    await make('cloudwatch-logs', 'CloudWatchLogsClient', 'CreateLogGroup', { logGroupName: '/shop/web' })
    await make('s3', 'S3Client', 'CreateBucket', { Bucket: 'acme-logs' }, 'us-east-1')
  })
  afterAll(async () => await front.close())

  test('shows its resources, in all regions, with the ids of bills', async () => {
    const parts = await Array.fromAsync(aws.inventory(told.access))
    const found = parts.flatMap(({ resources }) => resources)
    const of = (kind: Resource['kind']) => found.filter((each) => each.kind === kind)
    expect(of('instance')).toMatchObject([{ id: instanceId, type: 'm5.large', status: 'running', region: 'eu-west-1' }])
    const sizes = of('volume').map(({ sizeGb }) => sizeGb)
    expect(sizes).toEqual(expect.arrayContaining([10, 11, 12]))
    const arn = `eu-west-1:${account}`
    expect(of('load_balancer')).toMatchObject([
      {
        id: expect.stringContaining(`arn:aws:elasticloadbalancing:${arn}:loadbalancer/app/shop/`),
        tags: { Team: 'shop' },
      },
      {
        id: `arn:aws:elasticloadbalancing:${arn}:loadbalancer/old`,
        type: 'classic',
        configuration: { Instances: [{ InstanceId: instanceId }] },
      },
    ])
    expect(of('database')).toMatchObject([{ id: `arn:aws:rds:${arn}:db:shop`, tags: { Team: 'shop' } }])
    expect(of('cache')).toMatchObject([{ id: `arn:aws:elasticache:${arn}:cluster:shop`, type: 'cache.t4g.small' }])
    expect(of('cluster')).toMatchObject([{ id: `arn:aws:ecs:${arn}:cluster/shop`, type: 'ecs' }])
    expect(of('table')).toMatchObject([{ id: `arn:aws:dynamodb:${arn}:table/orders`, tags: { Team: 'shop' } }])
    expect(of('log_group')).toMatchObject([{ id: `arn:aws:logs:${arn}:log-group:/shop/web` }])
    expect(of('bucket')).toMatchObject([{ id: 'acme-logs', configuration: { LifecycleRules: [] } }])
    // moto has no reservations and no Savings Plans.
    expect(new Set(told.problems.map(({ part }) => part.split('/')[0]))).toEqual(
      new Set(['ec2:reserved-instances', 'rds:reserved-instances', 'elasticache:reserved-nodes', 'savingsplans:plans']),
    )
    expect(new Set(parts.map(({ part }) => part.split('/')[1]))).toEqual(new Set([...regions, 'global']))
  })

  test('is tagged by each service, and untagged to what it was; a service that refuses is named alone', async () => {
    const found = (await Array.fromAsync(aws.inventory(told.access))).flatMap(({ resources }) => resources)
    const kinds = [
      'instance',
      'volume',
      'database',
      'cache',
      'cluster',
      'table',
      'log_group',
      'bucket',
      'load_balancer',
    ]
    const some = kinds.flatMap((kind) => found.filter((each) => each.kind === kind).slice(0, 1))
    expect(some.map(({ kind }) => kind)).toEqual(kinds)
    const held = async () => await aws.tags(told.access, some)
    const retagged = async (set: Record<string, string>, remove: Record<string, string>) =>
      await aws.retag(
        told.access,
        some.map((resource) => ({ resource, before: {}, set, remove })),
      )
    // This API of moto tags no load balancers.
    const outcome = some.map(({ id, kind }) =>
      kind === 'load_balancer' ? { id, refusal: expect.stringContaining('Service not yet supported') } : { id },
    )
    const before = await held()
    expect(await retagged({ Stage: 'live' }, {})).toEqual(outcome)
    const during = (await held()).flatMap((answer) => ('tags' in answer ? answer.tags['Stage'] : []))
    expect(during).toEqual([...kinds.slice(1).map(() => 'live'), undefined])
    expect(await retagged({}, { Stage: 'live' })).toEqual(outcome)
    expect(await held()).toEqual(before)
  })

  test('shows how busy an instance is', async () => {
    const day = Calendar.addDays(Calendar.dayOf(new Date()), -1)
    const Dimensions = [{ Name: 'InstanceId', Value: instanceId }]
    const MetricData = [10, 30, 90].map((Value, minute) => ({
      MetricName: 'CPUUtilization',
      Dimensions,
      Value,
      Timestamp: new Date(`${day}T05:0${minute}:00Z`),
    }))
    await make('cloudwatch', 'CloudWatchClient', 'PutMetricData', { Namespace: 'AWS/EC2', MetricData })
    const resources = [{ id: instanceId, kind: 'instance', region: 'eu-west-1', configuration: {} }] as const
    const measured = (await Array.fromAsync(aws.utilization(told.access, { day, resources }))).flat()
    const cpu = measured.find(({ metric, hour }) => metric === 'cpu' && hour === `${day}T05:00:00.000Z`)
    expect(cpu?.maximum).toBe(90)
    expect(cpu?.average).toBeCloseTo(130 / 3)
  })

  test('has preliminary costs of Cost Explorer, which the product imports to the last digit', async () => {
    const made = await make('organizations', 'OrganizationsClient', 'CreateOrganization', {}, 'us-east-1')
    const payerId = (made as { Organization: { MasterAccountId: string } }).Organization.MasterAccountId
    const page = (Start: string, Amount: string, NextPageToken?: string) => ({
      ResultsByTime: [
        {
          TimePeriod: { Start, End: Calendar.addDays(Start, 1) },
          Groups: [{ Keys: ['AWS Lambda', account], Metrics: { UnblendedCost: { Amount, Unit: 'USD' } } }],
        },
      ],
      ...(NextPageToken !== undefined && { NextPageToken }),
    })
    await fetch(`${moto}/moto-api/static/ce/cost-and-usage-results`, {
      method: 'POST',
      body: JSON.stringify({
        account_id: account,
        results: [page(`${month}-01`, '0.0000000123', 'two'), page(`${month}-02`, '1.50')],
      }),
    })
    const [current] = await Array.fromAsync(aws.preliminary(told.access))
    expect(current?.preliminary).toEqual({ accountId: account, payerId })
    const files = await current?.fetch(folder)
    const text = await readFile(files?.[0]?.path ?? '', 'utf8')
    expect(text.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^BilledCost,/),
      expect.stringMatching(/^0\.0000000123,0\.0000000123,USD,222222222222,/),
      expect.stringMatching(/^1\.50,1\.50,USD,222222222222,/),
    ])
    const flags = ['--once', '--json', '--data', join(folder, 'imported'), '--import', files?.[0]?.path ?? '']
    const { stdout } = spawnSync(process.execPath, [join(root, 'packages/local/src/main.ts'), ...flags], {
      encoding: 'utf8',
    })
    expect(JSON.parse(stdout)).toMatchObject({
      imports: [{ status: 'committed', rows: 2, periods: [month] }],
      totals: [{ provider: 'AWS', billingAccountId: account, billed: '1.5000000123', effective: '1.5000000123' }],
    })
  })
})
