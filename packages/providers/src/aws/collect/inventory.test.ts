import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InventoryPart, Resource } from '@cloudoptima/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { readGrants } from '../../access.ts'
import { outcomeOf } from '../../testing/printed.ts'
import { account, accessTo, type Asked, fakeAccount, type FakeAccount, refusal } from './testing.ts'

let server: FakeAccount | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

type Answers = Record<string, object | ((asked: Asked) => object | undefined)>

/** The inventory of an account with these answers, in one region unless they say otherwise. */
async function inventoryOf(answers: Answers) {
  server = await fakeAccount((asked) => {
    const all: Answers = { 'ec2:DescribeRegions': regions('eu-west-1'), ...answers }
    const answer = all[asked.call]
    return typeof answer === 'function' ? answer(asked) : answer
  })
  const { aws, access, problems, calls } = accessTo(server)
  const parts = await Array.fromAsync(aws.inventory(access))
  return { parts, problems, calls, resources: resourcesOf(parts) }
}

const regions = (...names: string[]) => ({ Regions: names.map((RegionName) => ({ RegionName })) })
const resourcesOf = (parts: InventoryPart[]): Resource[] => parts.flatMap(({ resources }) => resources)
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:${account}:${resource}`
const at = new Date('2026-01-02T03:04:05Z')
const attached = (DeviceIndex: number, day: string) => ({ Attachment: { DeviceIndex, AttachTime: new Date(day) } })

describe('a NAT gateway', () => {
  const gateways = { NatGateways: [{ NatGatewayId: 'nat-1', State: 'available' }] }
  const table = (RouteTableId: string, NatGatewayId: string) => ({
    RouteTableId,
    Routes: [{ DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local' }, { NatGatewayId }],
  })
  const endpoint = (service: string, State: string, ...RouteTableIds: string[]) => ({
    ServiceName: `com.amazonaws.eu-west-1.${service}`,
    VpcEndpointType: 'Gateway',
    State,
    RouteTableIds,
  })
  const RouteTables = [table('rtb-1', 'nat-1'), table('rtb-2', 'nat-1'), table('rtb-3', 'nat-2')]
  const VpcEndpoints = [
    endpoint('s3', 'Available', 'rtb-1', 'rtb-3'),
    endpoint('dynamodb', 'Deleting', 'rtb-1'),
    { ...endpoint('ecr.api', 'Available', 'rtb-2'), VpcEndpointType: 'Interface' },
  ]

  test('has the route tables that lead to it, with their gateway endpoints', async () => {
    const { resources, problems } = await inventoryOf({
      'ec2:DescribeNatGateways': gateways,
      'ec2:DescribeRouteTables': { RouteTables },
      'ec2:DescribeVpcEndpoints': { VpcEndpoints },
    })
    expect(resources.map(({ configuration }) => configuration['RouteTables'])).toEqual([
      [
        { RouteTableId: 'rtb-1', GatewayEndpoints: ['s3'] },
        { RouteTableId: 'rtb-2', GatewayEndpoints: [] },
      ],
    ])
    expect(problems).toEqual([])
  })

  test.each(['DescribeRouteTables', 'DescribeVpcEndpoints'])(
    'is listed without them if %s is refused',
    async (call) => {
      const { resources, problems } = await inventoryOf({
        'ec2:DescribeNatGateways': gateways,
        'ec2:DescribeRouteTables': { RouteTables },
        'ec2:DescribeVpcEndpoints': { VpcEndpoints },
        [`ec2:${call}`]: (asked: Asked) => refusal(asked, 'UnauthorizedOperation', 403),
      })
      expect(resources.map(({ configuration }) => configuration['RouteTables'])).toEqual([undefined])
      expect(problems).toMatchObject([{ state: 'permission_missing', message: expect.stringContaining(`ec2:${call}`) }])
    },
  )

  test('is needed for its routes to be read', async () => {
    const { calls } = await inventoryOf({})
    expect(calls.filter(({ api }) => /RouteTables|VpcEndpoints/.test(api))).toEqual([])
  })
})

describe('a resource', () => {
  test.each<[string, Answers, Partial<Resource>]>([
    [
      'a scaling group has its ARN, its size, and no instances, which come and go',
      {
        'autoscaling:DescribeAutoScalingGroups': {
          AutoScalingGroups: [
            {
              AutoScalingGroupARN: arn('autoscaling', 'autoScalingGroup:1:autoScalingGroupName/web'),
              AutoScalingGroupName: 'web',
              MinSize: 1,
              MaxSize: 4,
              DesiredCapacity: 2,
              CreatedTime: at,
              Instances: [{ InstanceId: 'i-1', LifecycleState: 'InService' }],
              Tags: [{ Key: 'Team', Value: 'shop', ResourceId: 'web', PropagateAtLaunch: true }],
            },
          ],
        },
      },
      {
        id: arn('autoscaling', 'autoScalingGroup:1:autoScalingGroupName/web'),
        kind: 'scaling_group',
        name: 'web',
        status: 'available',
        region: 'eu-west-1',
        createdAt: at.toISOString(),
        tags: { Team: 'shop' },
        configuration: { MinSize: 1, MaxSize: 4, DesiredCapacity: 2 },
      },
    ],
    [
      'an instance has its short id, and the state that it is about to have',
      {
        'ec2:DescribeInstances': {
          Reservations: [
            {
              Instances: [
                {
                  InstanceId: 'i-0abc',
                  InstanceType: 'm7g.large',
                  State: { Name: 'stopping' },
                  Placement: { AvailabilityZone: 'eu-west-1a', Tenancy: 'default' },
                  LaunchTime: at,
                  Tags: [
                    { Key: 'Name', Value: 'web' },
                    { Key: 'Team', Value: 'shop' },
                  ],
                },
              ],
            },
          ],
        },
      },
      {
        id: 'i-0abc',
        aliases: [arn('ec2', 'instance/i-0abc')],
        kind: 'instance',
        name: 'web',
        type: 'm7g.large',
        status: 'stopped',
        region: 'eu-west-1',
        zone: 'eu-west-1a',
        createdAt: '2026-01-02T03:04:05.000Z',
        tags: { Name: 'web', Team: 'shop' },
      },
    ],
    [
      'a volume names its instance',
      {
        'ec2:DescribeVolumes': {
          Volumes: [
            {
              VolumeId: 'vol-1',
              VolumeType: 'gp3',
              Size: 100,
              Iops: 3000,
              Throughput: 125,
              State: 'in-use',
              Attachments: [{ InstanceId: 'i-0abc', State: 'attached' }],
            },
          ],
        },
      },
      { id: 'vol-1', kind: 'volume', status: 'in-use', sizeGb: 100, iops: 3000, attachedTo: 'i-0abc', tags: {} },
    ],
    [
      'a snapshot has its ARN, as in bills',
      { 'ec2:DescribeSnapshots': { Snapshots: [{ SnapshotId: 'snap-1', State: 'completed', VolumeId: 'vol-1' }] } },
      { id: arn('ec2', 'snapshot/snap-1'), aliases: ['snap-1'], status: 'available', attachedTo: 'vol-1' },
    ],
    [
      'an address without an association is available',
      { 'ec2:DescribeAddresses': { Addresses: [{ AllocationId: 'eipalloc-1', PublicIp: '203.0.113.1' }] } },
      { id: arn('ec2', 'elastic-ip/eipalloc-1'), aliases: ['eipalloc-1', '203.0.113.1'], status: 'available' },
    ],
    [
      'a load balancer has the health of its targets and its tags',
      {
        'elasticloadbalancing:DescribeLoadBalancers': {
          LoadBalancers: [{ LoadBalancerArn: 'arn:lb', LoadBalancerName: 'shop', Type: 'application' }],
        },
        'elasticloadbalancing:DescribeTargetGroups': {
          TargetGroups: [
            { TargetGroupArn: 'arn:tg', TargetType: 'instance', LoadBalancerArns: ['arn:lb'] },
            { TargetGroupArn: 'arn:other', TargetType: 'ip', LoadBalancerArns: [] },
          ],
        },
        'elasticloadbalancing:DescribeTargetHealth': ({ input }) =>
          input['TargetGroupArn'] === 'arn:tg'
            ? { TargetHealthDescriptions: [{ Target: { Id: 'i-0abc' }, TargetHealth: { State: 'unhealthy' } }] }
            : { TargetHealthDescriptions: [] },
        'tag:GetResources': {
          ResourceTagMappingList: [{ ResourceARN: 'arn:lb', Tags: [{ Key: 'Team', Value: 'shop' }] }],
        },
      },
      {
        id: 'arn:lb',
        kind: 'load_balancer',
        type: 'application',
        tags: { Team: 'shop' },
        configuration: {
          LoadBalancerArn: 'arn:lb',
          TargetGroups: [
            { TargetGroupArn: 'arn:tg', TargetType: 'instance', Targets: [{ Id: 'i-0abc', State: 'unhealthy' }] },
          ],
        },
      },
    ],
    [
      'a Classic Load Balancer has its instances, the ARN of bills, and its tags',
      {
        'elasticloadbalancing:DescribeLoadBalancers': ({ input }) =>
          input['Version'] === '2012-06-01'
            ? {
                LoadBalancerDescriptions: [
                  {
                    LoadBalancerName: 'old',
                    CreatedTime: at,
                    Instances: [{ InstanceId: 'i-0abc' }],
                    ListenerDescriptions: [
                      { Listener: { Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 8080 }, PolicyNames: [] },
                    ],
                    Scheme: 'internal',
                    VPCId: 'vpc-1',
                  },
                ],
              }
            : {},
        'tag:GetResources': {
          ResourceTagMappingList: [
            { ResourceARN: arn('elasticloadbalancing', 'loadbalancer/old'), Tags: [{ Key: 'Team', Value: 'shop' }] },
          ],
        },
      },
      {
        id: arn('elasticloadbalancing', 'loadbalancer/old'),
        kind: 'load_balancer',
        name: 'old',
        type: 'classic',
        status: 'available',
        createdAt: at.toISOString(),
        tags: { Team: 'shop' },
        configuration: {
          CreatedTime: at.toISOString(),
          Instances: [{ InstanceId: 'i-0abc' }],
          Listeners: [{ Protocol: 'HTTP', LoadBalancerPort: 80, InstancePort: 8080 }],
          LoadBalancerName: 'old',
          Scheme: 'internal',
          VPCId: 'vpc-1',
        },
      },
    ],
    [
      'a database that is not stopped runs',
      {
        'rds:DescribeDBInstances': {
          DBInstances: [
            {
              DBInstanceArn: arn('rds', 'db:shop'),
              DBInstanceIdentifier: 'shop',
              DBInstanceClass: 'db.r6g.large',
              DBInstanceStatus: 'storage-full',
              AllocatedStorage: 200,
              Engine: 'postgres',
              TagList: [{ Key: 'Team', Value: 'shop' }],
            },
          ],
        },
      },
      { id: arn('rds', 'db:shop'), status: 'running', type: 'db.r6g.large', sizeGb: 200, tags: { Team: 'shop' } },
    ],
    [
      'a bucket has its size by storage class, its lifecycle and its region',
      {
        's3:ListBuckets': { Buckets: [{ Name: 'acme-logs', BucketRegion: 'eu-central-1', CreationDate: at }] },
        's3:GetBucketLifecycleConfiguration': {
          Rules: [
            { ID: 'old', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 30 } },
            { ID: 'part', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 1 } },
            { ID: 'large', Status: 'Enabled', Filter: { ObjectSizeGreaterThan: 1e6 }, Expiration: { Days: 1 } },
          ],
        },
        'cloudwatch:ListMetrics': {
          Metrics: ['StandardStorage', 'GlacierStorage'].map((Value) => ({
            Namespace: 'AWS/S3',
            MetricName: 'BucketSizeBytes',
            Dimensions: [
              { Name: 'BucketName', Value: 'acme-logs' },
              { Name: 'StorageType', Value },
            ],
          })),
        },
        'cloudwatch:GetMetricData': {
          MetricDataResults: [
            {
              Id: 'q0',
              StatusCode: 'Complete',
              Timestamps: [new Date('2026-11-26'), new Date('2026-11-27')],
              Values: [1, 1024 ** 3],
            },
            { Id: 'q1', StatusCode: 'Complete', Timestamps: [new Date('2026-11-26')], Values: [2 * 1024 ** 3] },
          ],
        },
      },
      {
        id: 'acme-logs',
        aliases: ['arn:aws:s3:::acme-logs'],
        region: 'eu-central-1',
        sizeGb: 3,
        configuration: {
          BucketSizeBytes: { StandardStorage: 1024 ** 3, GlacierStorage: 2 * 1024 ** 3 },
          LifecycleRules: [
            { ID: 'old', Status: 'Enabled', Expiration: { Days: 30 }, IsForAll: true },
            { ID: 'part', Status: 'Enabled', Expiration: { Days: 1 }, IsForAll: false },
            { ID: 'large', Status: 'Enabled', Expiration: { Days: 1 }, IsForAll: false },
          ],
        },
      },
    ],
    [
      'a bucket without a lifecycle has no rules',
      {
        's3:ListBuckets': { Buckets: [{ Name: 'acme-logs', BucketRegion: 'eu-central-1' }] },
        's3:GetBucketLifecycleConfiguration': (asked) => refusal(asked, 'NoSuchLifecycleConfiguration', 404),
      },
      { id: 'acme-logs', configuration: { LifecycleRules: [] } },
    ],
    [
      'a log group has the ARN of bills, without its end',
      {
        'logs:DescribeLogGroups': {
          logGroups: [{ arn: arn('logs', 'log-group:/app:*'), logGroupName: '/app', storedBytes: 2 * 1024 ** 3 }],
        },
      },
      { id: arn('logs', 'log-group:/app'), kind: 'log_group', name: '/app', sizeGb: 2 },
    ],
    [
      'an EKS cluster has its node groups',
      {
        'eks:ListClusters': { clusters: ['shop'] },
        'eks:DescribeCluster': { cluster: { arn: arn('eks', 'cluster/shop'), name: 'shop', status: 'ACTIVE' } },
        'eks:ListNodegroups': { nodegroups: ['a'] },
        'eks:DescribeNodegroup': { nodegroup: { nodegroupName: 'a', instanceTypes: ['m7g.large'] } },
      },
      {
        id: arn('eks', 'cluster/shop'),
        status: 'available',
        configuration: { nodegroups: [{ nodegroupName: 'a', instanceTypes: ['m7g.large'] }] },
      },
    ],
    [
      'an ECS service names its cluster',
      {
        'ecs:ListClusters': { clusterArns: ['arn:c'] },
        'ecs:ListServices': { serviceArns: ['arn:s'] },
        'ecs:DescribeServices': {
          services: [{ serviceArn: 'arn:s', serviceName: 's', clusterArn: 'arn:c', desiredCount: 2, status: 'ACTIVE' }],
        },
      },
      {
        id: 'arn:s',
        kind: 'container_service',
        attachedTo: 'arn:c',
        configuration: { desiredCount: 2, clusterArn: 'arn:c', serviceName: 's' },
      },
    ],
    [
      'a table on demand has no capacity',
      {
        'dynamodb:ListTables': { TableNames: ['t'] },
        'dynamodb:DescribeTable': {
          Table: { TableArn: 'arn:t', TableName: 't', BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' } },
        },
      },
      { id: 'arn:t', type: 'PAY_PER_REQUEST' },
    ],
    [
      'a Savings Plan is a commitment that is in use',
      {
        'savingsplans:DescribeSavingsPlans': {
          savingsPlans: [
            {
              savingsPlanArn: 'arn:sp',
              state: 'active',
              savingsPlanType: 'Compute',
              commitment: '1.5',
              currency: 'USD',
            },
            { savingsPlanArn: 'arn:old', state: 'retired' },
          ],
        },
      },
      { id: 'arn:sp', kind: 'commitment', status: 'in-use', configuration: { commitment: '1.5', currency: 'USD' } },
    ],
    [
      'a reservation is a commitment',
      {
        'ec2:DescribeReservedInstances': {
          ReservedInstances: [
            {
              ReservedInstancesId: 'r-1',
              State: 'active',
              InstanceType: 'm5.large',
              InstanceCount: 3,
              FixedPrice: 12.5,
            },
            { ReservedInstancesId: 'r-2', State: 'retired' },
          ],
        },
      },
      {
        id: arn('ec2', 'reserved-instances/r-1'),
        status: 'in-use',
        configuration: { InstanceCount: 3, FixedPrice: 12.5 },
      },
    ],
  ])('%s', async (_, answers, expected) => {
    const { resources, problems } = await inventoryOf(answers)
    expect(problems).toEqual([])
    const found = resources.filter(({ id }) => id === expected.id)
    expect(found).toHaveLength(1)
    const { status = 'available' } = expected
    expect(found[0]).toMatchObject({ ...expected, status })
  })
})

test.each([
  ['primary network interface', [attached(1, '2026-01-01'), attached(0, '2024-05-06')], '2024-05-06'],
  ['root volume, without a primary network interface', [attached(1, '2026-01-01')], '2024-07-08'],
])('an instance that was started again was created with its %s', async (_, NetworkInterfaces, day) => {
  const BlockDeviceMappings = ['/dev/sdf', '/dev/xvda'].map((DeviceName) => ({
    DeviceName,
    Ebs: { AttachTime: new Date(DeviceName === '/dev/xvda' ? '2024-07-08' : '2023-01-01') },
  }))
  const instance = { InstanceId: 'i-1', LaunchTime: at, RootDeviceName: '/dev/xvda' }
  const { resources } = await inventoryOf({
    'ec2:DescribeInstances': {
      Reservations: [{ Instances: [{ ...instance, NetworkInterfaces, BlockDeviceMappings }] }],
    },
  })
  expect(resources.map(({ createdAt }) => createdAt)).toEqual([new Date(day).toISOString()])
})

describe('regions', () => {
  test('are those that the account has switched on; the global parts are read once', async () => {
    const { parts } = await inventoryOf({ 'ec2:DescribeRegions': regions('eu-west-1', 'us-east-1') })
    const names = parts.map(({ part }) => part)
    expect(names).toContain('ec2:instances/eu-west-1')
    expect(names).toContain('ec2:instances/us-east-1')
    expect(names.filter((name) => name.endsWith('/global')).toSorted()).toEqual([
      's3:buckets/global',
      'savingsplans:plans/global',
    ])
    expect(new Set(names).size).toBe(names.length)
  })

  test.each([
    ['UnauthorizedOperation', 403, 'is not authorized, with an explicit deny in a service control policy'],
    ['AuthFailure', 401, 'AWS was not able to validate the provided access credentials'],
  ])('that refuse their first call (%s) are reported once, and not asked again', async (code, status, message) => {
    const { parts, problems } = await inventoryOf({
      'ec2:DescribeRegions': regions('eu-west-1', 'ap-south-1'),
      'ec2:DescribeInstances': (asked) =>
        asked.region === 'ap-south-1' ? refusal(asked, code, status, message) : undefined,
    })
    expect(problems).toEqual([{ state: 'region_disabled', part: 'ap-south-1', message: expect.any(String) }])
    expect(server?.asked.filter(({ region }) => region === 'ap-south-1')).toHaveLength(1)
    expect(parts.map(({ part }) => part)).toContain('dynamodb:tables/eu-west-1')
  })

  test('that cannot be listed end the collection, so that the last inventory stays', async () => {
    await expect(
      inventoryOf({ 'ec2:DescribeRegions': (asked) => refusal(asked, 'UnauthorizedOperation', 403) }),
    ).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('ec2:DescribeRegions') })
  })
})

describe('a part that cannot be read', () => {
  test.each([
    ['rds:DescribeDBInstances', 'AccessDenied', 403, 'permission_missing', /rds:DescribeDBInstances.*template/],
    ['lambda:ListFunctions', 'AccessDeniedException', 403, 'permission_missing', /lambda:ListFunctions/],
    ['dynamodb:ListTables', 'ThrottlingException', 400, 'throttled', /throttles/],
    ['ecs:ListClusters', 'ServerException', 500, 'unavailable', /500/],
    ['logs:DescribeLogGroups', 'OptInRequired', 403, 'api_disabled', /signed up/],
  ] as const)('(%s: %s) is reported and left out', async (call, code, status, state, message) => {
    const { parts, problems } = await inventoryOf({ [call]: (asked: Asked) => refusal(asked, code, status) })
    const [service] = call.split(':')
    expect(problems[0]).toEqual({
      state,
      part: expect.stringMatching(new RegExp(`^${service}:`)),
      message: expect.stringMatching(message),
    })
    const names = parts.map(({ part }) => part)
    expect(problems.filter(({ part }) => names.includes(part))).toEqual([])
    expect(names).toContain('ec2:volumes/eu-west-1')
  })

  test('is repeated three times if AWS fails, with a call counted once', async () => {
    let failures = 0
    const { parts, calls } = await inventoryOf({
      'rds:DescribeDBInstances': (asked) => (failures++ < 3 ? refusal(asked, 'InternalFailure', 500) : undefined),
    })
    expect(failures).toBe(4)
    expect(calls.filter(({ api }) => api === 'rds:DescribeDBInstances')).toHaveLength(1)
    expect(parts.map(({ part }) => part)).toContain('rds:instances/eu-west-1')
  })

  test('does not hide the limit of the collection itself', async () => {
    server = await fakeAccount(() => undefined)
    const limit = new Error('the limit of the collection')
    const { aws, access } = accessTo(server, {
      meter: {
        take: async ({ api }) => {
          if (api === 'ec2:DescribeRegions') throw limit
        },
      },
    })
    await expect(Array.fromAsync(aws.inventory(access))).rejects.toBe(limit)
  })
})

test('every call is counted, granted by the table, and signed with the keys of the role', async () => {
  const { calls } = await inventoryOf({
    's3:ListBuckets': { Buckets: [{ Name: 'acme-logs', BucketRegion: 'eu-west-1' }] },
    'ecs:ListClusters': { clusterArns: ['arn:c'] },
    'ecs:ListServices': { serviceArns: ['arn:s'] },
    'eks:ListClusters': { clusters: ['c'] },
    'eks:ListNodegroups': { nodegroups: ['n'] },
    'dynamodb:ListTables': { TableNames: ['t'] },
    'elasticloadbalancing:DescribeTargetGroups': { TargetGroups: [{ TargetGroupArn: 'arn:tg' }] },
  })
  const asked = server?.asked ?? []
  expect(calls.map(({ api }) => api).toSorted()).toEqual(asked.map(({ call }) => call).toSorted())
  const granted = new Set(readGrants.map(({ permission, call }) => `${permission.split(':')[0]}:${call}`))
  expect(asked.map(({ call }) => call).filter((call) => !granted.has(call) && call !== 'sts:AssumeRole')).toEqual([])
  expect(new Set(asked.map(({ call }) => call)).size).toBeGreaterThan(25)
  for (const { call, request } of asked)
    expect(request.headers.authorization).toContain(call === 'sts:AssumeRole' ? 'AKIAOURS' : 'ASIATHEIRS')
})

test('without an answer of the tagging API, tags are unknown where no other API has them', async () => {
  const answers: Answers = {
    'ec2:DescribeVolumes': { Volumes: [{ VolumeId: 'vol-1' }] },
    'lambda:ListFunctions': { Functions: [{ FunctionName: 'f', FunctionArn: arn('lambda', 'function:f') }] },
    'dynamodb:ListTables': { TableNames: ['t'] },
    'dynamodb:DescribeTable': { Table: { TableName: 't', TableArn: arn('dynamodb', 'table/t') } },
    's3:ListBuckets': { Buckets: [{ Name: 'b', BucketRegion: 'eu-west-1' }] },
    'rds:DescribeDBInstances': { DBInstances: [{ DBInstanceArn: arn('rds', 'db:d'), TagList: [] }] },
  }
  const tags = ({ resources }: { resources: Resource[] }) =>
    Object.fromEntries(resources.map((resource) => [resource.kind, resource.tags]))
  const empty = { volume: {}, function: {}, table: {}, bucket: {}, database: {} }
  expect(tags(await inventoryOf(answers))).toEqual(empty)
  await server?.close()
  const found = await inventoryOf({
    ...answers,
    'tag:GetResources': (asked) => refusal(asked, 'AccessDeniedException', 400),
  })
  expect(tags(found)).toEqual({ ...empty, function: undefined, table: undefined, bucket: undefined })
  expect(found.problems).toMatchObject([{ state: 'permission_missing', part: 'tag:resources/eu-west-1' }])
})

test('no page is lost or counted twice, however AWS cuts the pages and fails', async () => {
  const pagesOf = fc.array(fc.nat(4), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(pagesOf, fc.array(fc.boolean(), { maxLength: 3 }), async (sizes, faults) => {
      const failing = [...faults]
      const { parts, problems } = await inventoryOf({
        'ec2:DescribeVolumes': (asked) => {
          if (failing.shift()) return refusal(asked, 'InternalError', 500)
          const page = Number(asked.input['NextToken'] ?? 0)
          return {
            Volumes: Array.from({ length: sizes[page] ?? 0 }, (_, index) => ({ VolumeId: `vol-${page}-${index}` })),
            ...(page + 1 < sizes.length && { NextToken: String(page + 1) }),
          }
        },
      })
      await server?.close()
      expect(problems).toEqual([])
      const volumes = parts.find(({ part }) => part === 'ec2:volumes/eu-west-1')
      expect(volumes?.resources.map(({ id }) => id)).toEqual(
        sizes.flatMap((size, page) => Array.from({ length: size }, (_, index) => `vol-${page}-${index}`)),
      )
    }),
    { numRuns: 15 },
  )
})

describe('the session of the role', () => {
  test('is kept for the next collection, but only for the same external id', async () => {
    server = await fakeAccount(({ call }) => (call === 'ec2:DescribeRegions' ? regions() : undefined))
    const { aws, access } = accessTo(server)
    const other = { ...access, credentials: { ...access.credentials, externalId: 'co-of-somebody-else' } as never }
    for (const each of [access, access, other]) await Array.fromAsync(aws.inventory(each))
    const assumed = server.asked.filter(({ call }) => call === 'sts:AssumeRole').map(({ input }) => input)
    expect(assumed.map(({ ExternalId }) => ExternalId)).toEqual(['co-3f6d1b0c9a5e4c27', 'co-of-somebody-else'])
    expect(assumed[0]).toMatchObject({ RoleSessionName: 'cloudoptima-collection', DurationSeconds: '3600' })
  })

  test('is renewed 5 minutes before its end', async () => {
    let minutes = 4
    server = await fakeAccount(({ call }) => {
      if (call === 'ec2:DescribeRegions') return regions()
      if (call !== 'sts:AssumeRole') return undefined
      const Expiration = new Date(Date.now() + minutes * 60_000)
      return { Credentials: { AccessKeyId: 'ASIATHEIRS', SecretAccessKey: 's', SessionToken: 't', Expiration } }
    })
    const { aws, access } = accessTo(server)
    const assumed = () => server?.asked.filter(({ call }) => call === 'sts:AssumeRole').length ?? 0
    await Array.fromAsync(aws.inventory(access))
    const before = assumed()
    minutes = 6
    await Array.fromAsync(aws.inventory(access))
    expect(assumed()).toBeGreaterThan(before)
    const renewed = assumed()
    await Array.fromAsync(aws.inventory(access))
    expect(assumed()).toBe(renewed)
  })

  test('that AWS refuses is a Fault that says what to check', async () => {
    await expect(
      inventoryOf({ 'sts:AssumeRole': (asked) => refusal({ ...asked, call: 'sts:' }, 'AccessDenied', 403) }),
    ).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('trust policy') })
  })
})

test('a collection that is over makes no further call', async () => {
  const over = new AbortController()
  server = await fakeAccount(({ call }) => {
    if (call === 'ec2:DescribeRegions') return regions('eu-west-1')
    if (call === 'ec2:DescribeVolumes') over.abort(new Error('over'))
    return undefined
  })
  const { aws, access, problems } = accessTo(server, { signal: over.signal })
  await expect(Array.fromAsync(aws.inventory(access))).rejects.toThrow('over')
  expect(server.asked.map(({ call }) => call)).not.toContain('rds:DescribeDBInstances')
  expect(problems).toEqual([])
})

test('no problem, Fault or log contains a secret', async () => {
  for (const [call, code, status] of [
    ['ec2:DescribeRegions', 'AccessDenied', 403],
    ['ec2:DescribeInstances', 'Throttling', 400],
    ['s3:ListBuckets', 'InternalFailure', 500],
  ] as const) {
    const { text, printed } = await outcomeOf(() =>
      inventoryOf({ [call]: (asked: Asked) => refusal(asked, code, status, 'canary-their-secret') }),
    )
    for (const shown of [text, printed]) expect(shown).not.toMatch(/canary|ASIATHEIRS|AKIAOURS|co-3f6d/)
    await server?.close()
  }
})

const recordings = join(import.meta.dirname, '../../../../../../shared/cases/clouds/aws')
if (!existsSync(recordings)) process.stderr.write('skipped: recorded answers of AWS, because ../shared is missing\n')

/** All recorded answers of an operation that have this list; others are errors, or of an older API of that name. */
function recorded(operation: string, list: string): Record<string, unknown>[] {
  return globSync(`*/${operation}_*.json`, { cwd: recordings }).flatMap((file) => {
    const text = readFileSync(join(recordings, file), 'utf8')
    const { status_code, data } = JSON.parse(text, (_, value) => revived(value)) as {
      status_code: number
      data: Record<string, unknown>
    }
    return status_code === 200 && list in data ? [data] : []
  })
}

function revived(value: unknown): unknown {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/.test(value)) return new Date(value)
  if (typeof value !== 'object' || value === null || !('__class__' in value)) return value
  const { year, month, day, hour, minute, second } = value as unknown as Record<string, number>
  return new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second))
}

/** All recorded answers as the pages of one account. */
const paged =
  (operation: string, list: string, token: string, next: string) =>
  ({ input }: Asked) => {
    const answers = recorded(operation, list)
    const page = Number(input[token] ?? 0)
    return { ...answers[page], [next]: page + 1 < answers.length ? String(page + 1) : undefined }
  }

test.skipIf(!existsSync(recordings)).each([
  ['ec2:volumes', 'ec2.DescribeVolumes', 'Volumes', 'NextToken', 'NextToken'],
  ['ec2:snapshots', 'ec2.DescribeSnapshots', 'Snapshots', 'NextToken', 'NextToken'],
  ['ec2:images', 'ec2.DescribeImages', 'Images', 'NextToken', 'NextToken'],
  ['ec2:nat-gateways', 'ec2.DescribeNatGateways', 'NatGateways', 'NextToken', 'NextToken'],
  ['rds:instances', 'rds.DescribeDBInstances', 'DBInstances', 'Marker', 'Marker'],
  ['rds:snapshots', 'rds.DescribeDBSnapshots', 'DBSnapshots', 'Marker', 'Marker'],
  ['elasticache:clusters', 'elasticache.DescribeCacheClusters', 'CacheClusters', 'Marker', 'Marker'],
  ['logs:groups', 'logs.DescribeLogGroups', 'logGroups', 'nextToken', 'nextToken'],
] as const)('recorded answers of AWS: %s', async (part, operation, list, token, next) => {
  const { parts, problems } = await inventoryOf({
    [operation.replace('.', ':')]: paged(operation, list, token, next),
  })
  expect(problems).toEqual([])
  const found = resourcesOf(parts.filter((each) => each.part === `${part}/eu-west-1`))
  expect(found).toHaveLength(recorded(operation, list).flatMap((answer) => answer[list]).length)
  expect(found.length).toBeGreaterThan(0)
  for (const { id, status, kind, configuration } of found) {
    expect(id).toMatch(/^(arn:aws:|vol-|ami-)/)
    expect(status).toMatch(/^[a-z-]+$/)
    expect(kind).toBe(found[0]?.kind)
    expect(Object.keys(configuration).length).toBeGreaterThan(0)
  }
})
