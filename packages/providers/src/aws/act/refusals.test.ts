import type { ActionName, ActionParameters, ActionTarget } from '@cloudoptima/core'
import { afterEach, expect, test } from 'vitest'
import { account, accessTo, fakeAccount, type FakeAccount } from '../collect/testing.ts'

// What the plans of actions on databases, functions, logs and groups refuse, before anything is changed.

let open: FakeAccount | undefined
afterEach(async () => await open?.close())

const region = 'eu-west-1'
const database: ActionTarget = { id: `arn:aws:rds:${region}:${account}:db:shop`, kind: 'database', region }
const group: ActionTarget = {
  id: `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:1:autoScalingGroupName/web`,
  kind: 'scaling_group',
  region,
}
const logs: ActionTarget = { id: `arn:aws:logs:${region}:${account}:log-group:/web`, kind: 'log_group', region }

/** What the plan says if AWS describes its resources so. */
async function planned(
  name: ActionName,
  target: ActionTarget,
  answers: Record<string, object>,
  parameters: ActionParameters = {},
) {
  open = await fakeAccount(({ call }) => answers[call])
  const { aws, access } = accessTo(open)
  const action = await aws.action(access, name)
  const before = await action?.readState(target)
  const plan = before && (await action?.plan({ target, parameters, before }))
  const changes = open.asked.filter(({ call }) => !/:(Describe|Get|List|Assume)/.test(call))
  expect(changes).toEqual([])
  return plan
}

const shop = {
  DBInstanceIdentifier: 'shop',
  DBInstanceStatus: 'available',
  DBInstanceClass: 'db.m6g.xlarge',
  Engine: 'postgres',
  EngineVersion: '16.4',
  AvailabilityZone: `${region}a`,
  StorageType: 'gp3',
}
const described = (more: object) => ({ 'rds:DescribeDBInstances': { DBInstances: [{ ...shop, ...more }] } })

test.each<[string, object, RegExp]>([
  ['a member of a cluster', { DBClusterIdentifier: 'orders', Engine: 'aurora-mysql' }, /belongs to the cluster orders/],
  ['a read replica', { ReadReplicaSourceDBInstanceIdentifier: 'main' }, /read replica of main/],
  ['a database with replicas', { ReadReplicaDBInstanceIdentifiers: ['copy'] }, /has the read replica copy/],
  ['SQL Server in two zones', { Engine: 'sqlserver-se', MultiAZ: true }, /SQL Server in two zones/],
  ['a database of another service', { Engine: 'docdb' }, /engine is docdb/],
  ['a protected database', { TagList: [{ Key: 'cloudoptima:protected', Value: 'true' }] }, /is protected/],
  ['a database that is changing', { DBInstanceStatus: 'modifying' }, /is modifying/],
])('%s is not stopped', async (_, more, refusal) => {
  expect(await planned('stop-database', database, described(more))).toEqual({ refusal: expect.stringMatching(refusal) })
})

test('a database that makes its backup counts as available, and its stop tells of the seven days', async () => {
  expect(await planned('stop-database', database, described({ DBInstanceStatus: 'backing-up' }))).toEqual({
    after: { DBInstanceStatus: 'stopped' },
    undo: 'full',
    lost: [],
    losesData: null,
    notes: ['AWS starts the database again after seven days.'],
  })
})

const offer = {
  DBInstanceClass: 'db.m7g.large',
  StorageType: 'gp3',
  AvailabilityZones: [{ Name: `${region}a` }],
  MultiAZCapable: true,
  SupportsStorageEncryption: true,
}

test.each<[string, object, object[], RegExp]>([
  ['that is stopped', { DBInstanceStatus: 'stopped' }, [offer], /Start it first/],
  ['with other changes to come', { PendingModifiedValues: { EngineVersion: '17.1' } }, [offer], /EngineVersion/],
  ['of a Multi-AZ cluster', { DBClusterIdentifier: 'orders' }, [offer], /class of the cluster/],
  ['with cores set by hand', { ProcessorFeatures: [{ Name: 'coreCount', Value: '2' }] }, [offer], /cores and threads/],
  ['whose engine does not run on the class', {}, [], /does not offer db.m7g.large for postgres 16.4/],
  ['in another zone', { AvailabilityZone: `${region}c` }, [offer], /in eu-west-1c/],
  ['with other storage', { StorageType: 'io2' }, [offer], /storage io2/],
  ['in two zones', { MultiAZ: true }, [{ ...offer, MultiAZCapable: false }], /two zones/],
  ['that is encrypted', { StorageEncrypted: true }, [{ ...offer, SupportsStorageEncryption: false }], /encrypted/],
])('a database %s does not take the class', async (_, more, offers, refusal) => {
  const answers = {
    ...described(more),
    'rds:DescribeOrderableDBInstanceOptions': { OrderableDBInstanceOptions: offers },
  }
  const plan = await planned('resize-database', database, answers, { type: 'db.m7g.large' })
  expect(plan).toEqual({ refusal: expect.stringMatching(refusal) })
})

test('a retention that AWS does not have is refused with the next one', async () => {
  const answers = { 'logs:DescribeLogGroups': { logGroups: [{ logGroupName: '/web' }] } }
  const plan = await planned('set-log-retention', logs, answers, { days: 31 })
  expect(plan).toEqual({ refusal: 'AWS does not keep events for 31 days. Choose 60 days.' })
})

const web = {
  AutoScalingGroupName: 'web',
  MinSize: 2,
  MaxSize: 4,
  DesiredCapacity: 3,
  Instances: [1, 2, 3].map((n) => ({ InstanceId: `i-${n}`, LifecycleState: 'InService' })),
}

test.each<[string, object, ActionParameters, RegExp]>([
  ['below its minimum', {}, { desired: 1 }, /minimum is 2/],
  ['above its maximum', {}, { desired: 5 }, /maximum is 4/],
  ['of Kubernetes', { Tags: [{ Key: 'eks:nodegroup-name', Value: 'blue' }] }, { desired: 2 }, /EKS node group blue/],
  [
    'that may not end instances',
    { SuspendedProcesses: [{ ProcessName: 'Terminate' }] },
    { desired: 2 },
    /Terminate is suspended/,
  ],
  [
    'whose instances have weights',
    { Instances: web.Instances.map((one) => ({ ...one, WeightedCapacity: '4' })) },
    { desired: 2 },
    /counts units of capacity/,
  ],
  ['whose size is in vCPUs', { DesiredCapacityType: 'vcpu' }, { desired: 2 }, /counts units of capacity/],
  [
    'whose instances are protected',
    { Instances: web.Instances.map((one) => ({ ...one, ProtectedFromScaleIn: true })) },
    { desired: 2 },
    /3 of its instances are protected/,
  ],
])('a group %s is not scaled', async (_, more, parameters, refusal) => {
  const answers = { 'autoscaling:DescribeAutoScalingGroups': { AutoScalingGroups: [{ ...web, ...more }] } }
  const plan = await planned('scale-group', group, answers, parameters)
  expect(plan).toEqual({ refusal: expect.stringMatching(refusal) })
})

test.each<[number, number | undefined, string | null]>([
  [30, undefined, 'Events that are older than 30 days are deleted for ever.'],
  [30, 90, 'Events that are older than 30 days are deleted for ever.'],
  [90, 30, null],
])('a retention of %i days instead of %s loses events: %s', async (days, retentionInDays, losesData) => {
  const answers = { 'logs:DescribeLogGroups': { logGroups: [{ logGroupName: '/web', retentionInDays }] } }
  const plan = await planned('set-log-retention', logs, answers, { days })
  expect(plan).toMatchObject({ undo: losesData === null ? 'full' : 'partial', losesData })
})

test.each<[ActionParameters, string | null]>([
  [{ desired: 2 }, 'The group terminates 1 instances; the data on their own disks is lost.'],
  [{ desired: 4 }, null],
  [{ maximum: 3 }, null],
])('a group that is scaled to %j loses: %s', async (parameters, losesData) => {
  const answers = { 'autoscaling:DescribeAutoScalingGroups': { AutoScalingGroups: [web] } }
  expect(await planned('scale-group', group, answers, parameters)).toMatchObject({ losesData })
})

test.each<[ActionName, ActionTarget, Record<string, object>]>([
  ['stop-database', database, described({ TagList: [{ Key: 'Team', Value: 'shop' }] })],
  ['resize-database', database, described({ TagList: [{ Key: 'Team', Value: 'shop' }] })],
  [
    'scale-group',
    group,
    {
      'autoscaling:DescribeAutoScalingGroups': {
        AutoScalingGroups: [{ ...web, Tags: [{ Key: 'Team', Value: 'shop' }] }],
      },
    },
  ],
])('%s reads the tags that its resource has now', async (name, target, answers) => {
  open = await fakeAccount(({ call }) => answers[call])
  const { aws, access } = accessTo(open)
  const action = await aws.action(access, name)
  expect(await action?.tags?.(target)).toEqual({ Team: 'shop' })
})

test('a Classic Load Balancer is not deleted: its API is another one', async () => {
  const id = `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/old`
  const asked = planned('delete-load-balancer', { id, kind: 'load_balancer', region }, {})
  await expect(asked).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('Classic') })
})
