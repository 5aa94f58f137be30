import type { ActionName, ActionOrder, ActionParameters, ActionState, ActionTarget } from '@cloudoptima/core'
import { afterEach, describe, expect, test } from 'vitest'
import { type Asked, type FakeAccount, account, accessTo, fakeAccount, refusal } from '../collect/testing.ts'

// What simulated and emulated accounts do not show: what AWS refuses, and what it says of odd resources.

let open: FakeAccount | undefined
afterEach(async () => await open?.close())

const region = 'eu-west-1'
const arn = (kind: string, id: string) => `arn:aws:ec2:${region}:${account}:${kind}/${id}`
const targets = {
  instance: { id: 'i-1', kind: 'instance', region },
  volume: { id: 'vol-1', kind: 'volume', region },
  snapshot: { id: arn('snapshot', 'snap-1'), kind: 'snapshot', region },
  image: { id: 'ami-1', kind: 'image', region },
  address: { id: arn('elastic-ip', 'eipalloc-1'), aliases: ['eipalloc-1', '52.1.2.3'], kind: 'address', region },
} satisfies Record<string, ActionTarget>

type Answers = Partial<Record<string, object | ((asked: Asked) => object | undefined)>>

const type = (name: string, more: object = {}) => ({
  InstanceType: name,
  ProcessorInfo: { SupportedArchitectures: ['x86_64'] },
  SupportedVirtualizationTypes: ['hvm'],
  SupportedRootDeviceTypes: ['ebs'],
  EbsInfo: { NvmeSupport: 'required' },
  NetworkInfo: { EnaSupport: 'required', MaximumNetworkInterfaces: 2 },
  ...more,
})
const instance = (more: object = {}) => ({
  InstanceId: 'i-1',
  InstanceType: 'm5.large',
  State: { Name: 'running' },
  Architecture: 'x86_64',
  VirtualizationType: 'hvm',
  RootDeviceType: 'ebs',
  EnaSupport: true,
  Placement: { AvailabilityZone: 'eu-west-1a' },
  ...more,
})
const instances = (...all: object[]) => ({ Reservations: [{ Instances: all }] })
const volumes = (...all: object[]) => ({ Volumes: all })
const volume = (more: object = {}) => ({
  VolumeId: 'vol-1',
  VolumeType: 'gp3',
  Size: 100,
  Iops: 3000,
  Throughput: 125,
  State: 'available',
  AvailabilityZone: 'eu-west-1a',
  ...more,
})
const usual: Answers = {
  'ec2:DescribeInstances': instances(instance()),
  'ec2:DescribeInstanceTypes': { InstanceTypes: [type('m5.large'), type('m6i.large')] },
  'ec2:DescribeInstanceTypeOfferings': { InstanceTypeOfferings: [{ InstanceType: 'm6i.large' }] },
  'ec2:DescribeVolumes': volumes(volume()),
  'ec2:DescribeVolumesModifications': {},
  'ec2:DescribeSnapshots': { Snapshots: [{ SnapshotId: 'snap-1', State: 'completed', VolumeSize: 8 }] },
  'ec2:DescribeImages': { Images: [{ ImageId: 'ami-1', State: 'available', Name: 'shop' }] },
  'ec2:DescribeAddresses': { Addresses: [{ AllocationId: 'eipalloc-1', PublicIp: '52.1.2.3' }] },
  'rbin:ListRules': { Rules: [] },
}

/** An account with these answers; dry runs would succeed. */
async function accountWith(name: ActionName, given: Answers = {}) {
  const answers = { ...usual, ...given }
  open = await fakeAccount((asked) => {
    const { call, input } = asked
    if (input['DryRun'] === 'true' && given[`${call} dry`] === undefined) return refusal(asked, 'DryRunOperation', 412)
    const answer = input['DryRun'] === 'true' ? given[`${call} dry`] : answers[call]
    return typeof answer === 'function' ? answer(asked) : answer
  })
  const { aws, access } = accessTo(open)
  const action = await aws.action(access, name)
  if (!action) throw new Error(`AWS has no ${name}`)
  return { action, asked: open.asked }
}

async function planOf(name: ActionName, target: ActionTarget, given: Answers, parameters: ActionParameters = {}) {
  const { action } = await accountWith(name, given)
  const before = (await action.readState(target)) ?? {}
  return await action.plan({ target, parameters, before })
}

const tags = (Key: string, Value: string) => ({ Tags: [{ Key, Value }] })
const stop = async (more: object) =>
  await planOf('stop-instance', targets.instance, { 'ec2:DescribeInstances': instances(instance(more)) })

describe('a plan refuses', () => {
  test.each([
    ['a protected instance', tags('cloudoptima:protected', 'true'), /^It is protected\. Remove/],
    [
      'a member of a scaling group',
      tags('aws:autoscaling:groupName', 'web'),
      /Auto Scaling group web\. Change the size/,
    ],
    ['a node of Karpenter', tags('karpenter.sh/nodepool', 'spot'), /Karpenter node pool spot/],
    [
      'a managed instance',
      { Operator: { Managed: true, Principal: 'eks.amazonaws.com' } },
      /managed by eks\.amazonaws/,
    ],
    ['a Spot Instance', { InstanceLifecycle: 'spot' }, /Spot/],
    [
      'an instance without a disk of EBS',
      { RootDeviceType: 'instance-store' },
      /instance store, and so it cannot stop/,
    ],
    ['an instance on its way', { State: { Name: 'pending' } }, /^It is pending\. Try again/],
  ])('to stop %s', async (_, more, message) => {
    expect(await stop(more)).toEqual({ refusal: expect.stringMatching(message) })
  })

  test.each([
    [
      'that the zone does not have',
      {},
      { 'ec2:DescribeInstanceTypeOfferings': {} },
      /does not offer m6i\.large in eu-west-1a/,
    ],
    ['for which it lacks a driver', { EnaSupport: false }, {}, /needs enhanced networking/],
    ['with fewer network interfaces', { NetworkInterfaces: [{}, {}, {}] }, {}, /at most 2 network interfaces/],
    ['with hibernation', { HibernationOptions: { Configured: true } }, {}, /can hibernate/],
    ['of another virtualization', { VirtualizationType: 'paravirtual' }, {}, /does not support paravirtual/],
  ] as const)('a type %s', async (_, more, given, message) => {
    const all = { 'ec2:DescribeInstances': instances(instance(more)), ...given }
    const plan = await planOf('resize-instance', targets.instance, all, { type: 'm6i.large' })
    expect(plan).toEqual({ refusal: expect.stringMatching(message) })
  })

  test.each([
    ['of Kubernetes', tags('kubernetes.io/created-for/pv/name', 'pvc-1'), /persistent volume pvc-1/],
    ['on its way', { State: 'creating' }, /^It is creating/],
    ['of several instances', { Attachments: [{ InstanceId: 'i-1' }, { InstanceId: 'i-2' }] }, /several instances/],
    ['with too many tags', { Tags: Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: '' })) }, /50 tags/],
  ])('to delete a volume %s', async (_, more, message) => {
    const plan = await planOf('delete-volume', targets.volume, { 'ec2:DescribeVolumes': volumes(volume(more)) })
    expect(plan).toEqual({ refusal: expect.stringMatching(message) })
  })

  test.each([
    ['a magnetic volume', { VolumeType: 'standard' }, { type: 'gp3' }, {}, /no magnetic volume/],
    ['to magnetic', {}, { type: 'standard' }, {}, /to the type standard/],
    ['to less than its size', {}, { sizeGb: 50 }, {}, /smaller/],
    ['to operations that its size does not allow', {}, { iops: 60_000 }, {}, /3000 to 50000, and not 60000/],
    ['to a throughput that its operations do not allow', {}, { throughputMb: 1000 }, {}, /125 to 750, and not 1000/],
    ['the operations of gp2', {}, { type: 'gp2', iops: 3000 }, {}, /cannot be chosen. Leave iops out/],
    ['a volume that is being changed', {}, { iops: 4000 }, { ModificationState: 'optimizing' }, /still changes it/],
  ] as const)('to change %s', async (_, more, parameters, last, message) => {
    const given = {
      'ec2:DescribeVolumes': volumes(volume(more)),
      'ec2:DescribeVolumesModifications': { VolumesModifications: [last] },
    }
    const plan = await planOf('change-volume', targets.volume, given, parameters)
    expect(plan).toEqual({ refusal: expect.stringMatching(message) })
  })

  test.each([
    ['a snapshot of an image', 'delete-snapshot', targets.snapshot, {}, /image ami-1 is made of it/],
    [
      'an image that a launch template names',
      'deregister-image',
      targets.image,
      { 'ec2:DescribeLaunchTemplateVersions': { LaunchTemplateVersions: [{ LaunchTemplateName: 'web' }] } },
      /launch template web uses it/,
    ],
    [
      'an image of a version that a group names',
      'deregister-image',
      targets.image,
      {
        'autoscaling:DescribeAutoScalingGroups': {
          AutoScalingGroups: [
            { AutoScalingGroupName: 'old', LaunchTemplate: { LaunchTemplateId: 'lt-0', Version: '$Latest' } },
            { AutoScalingGroupName: 'web', LaunchTemplate: { LaunchTemplateId: 'lt-1', Version: '3' } },
          ],
        },
        'ec2:DescribeLaunchTemplateVersions': ({ input }: Asked) =>
          input['LaunchTemplateId'] === 'lt-1' && input['LaunchTemplateVersion.1'] === '3'
            ? { LaunchTemplateVersions: [{ LaunchTemplateData: { ImageId: 'ami-1' } }] }
            : {},
      },
      /group web launches from it/,
    ],
    [
      'an image of the launch configuration of a group',
      'deregister-image',
      targets.image,
      {
        'autoscaling:DescribeAutoScalingGroups': {
          AutoScalingGroups: [{ AutoScalingGroupName: 'web', LaunchConfigurationName: 'web-7' }],
        },
        'autoscaling:DescribeLaunchConfigurations': {
          LaunchConfigurations: [{ LaunchConfigurationName: 'web-7', ImageId: 'ami-1' }],
        },
      },
      /group web launches from it/,
    ],
    [
      'a protected image',
      'deregister-image',
      targets.image,
      {
        'ec2:DescribeImages': {
          Images: [{ ImageId: 'ami-1', State: 'available', DeregistrationProtection: 'enabled' }],
        },
      },
      /deregistration protection is enabled/,
    ],
    [
      'an address that is used',
      'release-address',
      targets.address,
      {
        'ec2:DescribeAddresses': { Addresses: [{ AllocationId: 'eipalloc-1', AssociationId: 'a', InstanceId: 'i-1' }] },
      },
      /associated with i-1/,
    ],
  ] as const)('%s', async (_, name, target, given, message) => {
    expect(await planOf(name, target, given)).toEqual({ refusal: expect.stringMatching(message) })
  })

  test('what AWS refuses in a dry run, in the words of AWS', async () => {
    const why = "The instance 'i-1' may not be stopped. Modify its 'disableApiStop' instance attribute and try again."
    const plan = await planOf('stop-instance', targets.instance, {
      'ec2:StopInstances dry': (asked: Asked) => refusal(asked, 'OperationNotPermitted', 400, why),
    })
    expect(plan).toEqual({ refusal: `AWS refused ec2:StopInstances (OperationNotPermitted): ${why}` })
  })
})

describe('a plan says', () => {
  test('what a stop loses', async () => {
    const plan = await planOf('stop-instance', targets.instance, {
      'ec2:DescribeInstances': instances(
        instance({ NetworkInterfaces: [{ Association: { IpOwnerId: 'amazon', PublicIp: '3.4.5.6' } }] }),
      ),
      'ec2:DescribeInstanceTypes': { InstanceTypes: [type('m5.large', { InstanceStorageSupported: true })] },
    })
    const lost = [expect.stringContaining('public IP address'), 'the data on instance store volumes']
    const losesData = 'The data on its instance store volumes is lost.'
    const after = { State: 'stopped', InstanceType: 'm5.large' }
    expect(plan).toEqual({ after, undo: 'partial', lost, losesData, notes: [] })
  })

  test.each([
    ['without an instance store', [type('m5.large', { InstanceStorageSupported: false })], null],
    ['with one', [type('m5.large', { InstanceStorageSupported: true })], /^The data on its instance store/],
    ['of which AWS says nothing', [type('m5.large', { InstanceStorageSupported: undefined })], /^AWS does not tell/],
    ['that AWS does not know', [], /^AWS does not tell/],
  ])('whether a stop loses data: a type %s', async (_, InstanceTypes, losesData) => {
    const plan = await planOf('stop-instance', targets.instance, { 'ec2:DescribeInstanceTypes': { InstanceTypes } })
    expect(plan).toMatchObject({
      undo: losesData === null ? 'full' : 'partial',
      losesData: losesData && (expect.stringMatching(losesData) as string),
    })
  })

  test('which permission the credentials lack', async () => {
    const plan = await planOf('stop-instance', targets.instance, {
      'ec2:StopInstances dry': (asked: Asked) => refusal(asked, 'UnauthorizedOperation', 403),
    })
    const notes = [expect.stringContaining('The role lacks the permission ec2:StopInstances.')]
    expect(plan).toMatchObject({ after: { State: 'stopped', InstanceType: 'm5.large' }, notes })
    expect(JSON.stringify(plan)).not.toContain('canary')
  })

  test('that a volume of gp2 loses operations when it becomes gp3', async () => {
    const big = volumes(volume({ VolumeType: 'gp2', Size: 2000, Iops: 6000, Throughput: undefined }))
    const plan = await planOf('change-volume', targets.volume, { 'ec2:DescribeVolumes': big }, { type: 'gp3' })
    expect(plan).toMatchObject({
      after: { VolumeType: 'gp3', Size: 2000, Iops: 3000, Throughput: 125 },
      undo: 'full',
      notes: expect.arrayContaining(['It has 6000 operations a second now, and 3000 afterwards.']),
    })
  })

  const rule = (given: object) => ({
    'ec2:DescribeImages': {},
    'ec2:DescribeSnapshots': { Snapshots: [{ SnapshotId: 'snap-1', State: 'completed', ...tags('Team', 'shop') }] },
    'rbin:ListRules': { Rules: [{ Identifier: 'r1' }] },
    'rbin:GetRule': { Status: 'available', RetentionPeriod: { RetentionPeriodValue: 14 }, ...given },
  })
  test.each([
    ['a rule for all', {}, 'full'],
    ['a rule for its tag', { ResourceTags: [{ ResourceTagKey: 'Team', ResourceTagValue: 'shop' }] }, 'full'],
    ['a rule for another tag', { ResourceTags: [{ ResourceTagKey: 'Team', ResourceTagValue: 'it' }] }, 'none'],
    ['a rule for all but its tag', { ExcludeResourceTags: [{ ResourceTagKey: 'Team' }] }, 'none'],
    ['a rule that is not in force yet', { Status: 'pending' }, 'none'],
  ])('whether the Recycle Bin keeps a snapshot: %s', async (_, given, undo) => {
    const plan = await planOf('delete-snapshot', targets.snapshot, rule(given))
    const notes = undo === 'full' ? ['The Recycle Bin keeps it for 14 days. So long an undo restores it.'] : []
    const losesData = undo === 'full' ? null : 'The data of the snapshot is lost.'
    const lost = undo === 'full' ? [] : ['the data of the snapshot']
    expect(plan).toEqual({ after: null, undo, lost, losesData, notes })
  })

  test('that the rules of the Recycle Bin may not be read', async () => {
    const plan = await planOf('deregister-image', targets.image, {
      'rbin:ListRules': (asked: Asked) => refusal(asked, 'AccessDeniedException', 403),
    })
    const notes = expect.arrayContaining([expect.stringContaining('the permission rbin:ListRules')])
    expect(plan).toMatchObject({ undo: 'none', notes })
  })
})

const orderOf = (target: ActionTarget, before: ActionState, after: ActionState | null, memory = {}): ActionOrder => ({
  target,
  parameters: {},
  before,
  after,
  memory,
  token: 'a'.repeat(32),
})

describe('a step', () => {
  const runs = { State: 'running' }
  const isStopped = { 'ec2:DescribeInstances': instances(instance({ State: { Name: 'stopped' } })) }

  test('does not wait for capacity to carry out, and waits for it to undo', async () => {
    const given = {
      ...isStopped,
      'ec2:StartInstances': (asked: Asked) => refusal(asked, 'InsufficientInstanceCapacity', 500),
    }
    const { action } = await accountWith('start-instance', given)
    expect(await action.act(orderOf(targets.instance, { State: 'stopped' }, runs))).toMatchObject({ state: 'refused' })
    await open?.close()
    const stopping = await accountWith('stop-instance', given)
    const undone = await stopping.action.undo(orderOf(targets.instance, runs, { State: 'stopped' }))
    expect(undone).toMatchObject({ state: 'going on', waitSeconds: 300 })
  })

  test('gives up a start that ends in an error, such as a key that EC2 may not use', async () => {
    const StateReason = { Code: 'Client.InternalError', Message: 'Client error on launch' }
    const failed = instances(instance({ State: { Name: 'stopped' }, StateReason }))
    const { action, asked } = await accountWith('start-instance', { 'ec2:DescribeInstances': failed })
    const step = await action.act(orderOf(targets.instance, { State: 'stopped' }, runs, { isStarted: true }))
    expect(step).toMatchObject({ state: 'refused', message: expect.stringContaining('Client error on launch') })
    expect(asked.map(({ call }) => call)).not.toContain('ec2:StartInstances')
  })

  test('is a Fault to try again if AWS throttles or does not answer, and one call alone', async () => {
    const given = { 'ec2:StopInstances': (asked: Asked) => refusal(asked, 'RequestLimitExceeded', 503) }
    const { action, asked } = await accountWith('stop-instance', given)
    const order = orderOf(targets.instance, runs, { State: 'stopped' })
    await expect(action.act(order)).rejects.toMatchObject({ code: 'rate_limited' })
    expect(asked.filter(({ call }) => call === 'ec2:StopInstances')).toHaveLength(1)
    await open?.close()
    const denied = await accountWith('stop-instance', {
      'ec2:StopInstances': (asked_: Asked) => refusal(asked_, 'UnauthorizedOperation', 403),
    })
    await expect(denied.action.act(order)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('ec2:StopInstances'),
    })
  })

  test('waits when AWS has changed the volume too often, to undo alone', async () => {
    const given = { 'ec2:ModifyVolume': (asked: Asked) => refusal(asked, 'VolumeModificationRateExceeded', 400) }
    const { action } = await accountWith('change-volume', given)
    const [gp2, gp3] = [
      { VolumeType: 'gp2', Size: 100 },
      { VolumeType: 'gp3', Size: 100, Iops: 4000, Throughput: 125 },
    ]
    expect(await action.undo(orderOf(targets.volume, gp2, gp3))).toMatchObject({ state: 'going on', waitSeconds: 3600 })
    expect(await action.act(orderOf(targets.volume, gp2, gp3))).toMatchObject({ state: 'refused' })
  })

  test('deletes no volume that somebody has attached meanwhile', async () => {
    const Attachments = [{ InstanceId: 'i-2', State: 'attached' }]
    const { action, asked } = await accountWith('delete-volume', {
      'ec2:DescribeVolumes': volumes(volume({ State: 'in-use', Attachments })),
    })
    const step = await action.act(orderOf(targets.volume, { Attachments: [] }, null))
    expect(step).toMatchObject({ state: 'refused', message: expect.stringContaining('attached the volume to i-2') })
    expect(asked.map(({ call }) => call).filter((call) => !/Describe|Assume/.test(call))).toEqual([])
  })

  test('names the snapshot that it keeps of a volume as bills do', async () => {
    const order = orderOf(targets.volume, { Attachments: [] }, null)
    const Tags = [{ Key: 'cloudoptima:order', Value: order.token }]
    const { action } = await accountWith('delete-volume', {
      'ec2:DescribeVolumes': volumes(),
      'ec2:DescribeSnapshots': { Snapshots: [{ SnapshotId: 'snap-1', State: 'completed', Tags }] },
    })
    expect(await action.act(order)).toEqual({ state: 'done', memory: { kept: [arn('snapshot', 'snap-1')] } })
  })

  test('allocates another address if AWS has given the old one away', async () => {
    const taken = (asked: Asked) =>
      asked.input['Address'] === undefined
        ? { AllocationId: 'eipalloc-2', PublicIp: '52.9.9.9' }
        : refusal(asked, 'InvalidAddress.NotFound', 400)
    const { action } = await accountWith('release-address', {
      'ec2:DescribeAddresses': {},
      'ec2:AllocateAddress': taken,
    })
    const order = orderOf(targets.address, { PublicIp: '52.1.2.3', Tags: {} }, null)
    const first = await action.undo(order)
    expect(first).toMatchObject({ state: 'going on', memory: { isTaken: true } })
    expect(await action.undo({ ...order, memory: first.memory })).toMatchObject({
      state: 'going on',
      says: 'The address 52.9.9.9 is allocated.',
    })
    const memory = { allocationId: 'eipalloc-2', publicIp: '52.9.9.9' }
    const aliases = ['eipalloc-2', '52.9.9.9']
    expect(action.restored?.({ ...order, memory })).toEqual({
      ...targets.address,
      id: arn('elastic-ip', 'eipalloc-2'),
      aliases,
    })
  })

  test('restores a snapshot from the Recycle Bin, and says if it is not there', async () => {
    const deleted = { 'ec2:DescribeSnapshots': (asked: Asked) => refusal(asked, 'InvalidSnapshot.NotFound', 400) }
    const kept = { ...deleted, 'ec2:ListSnapshotsInRecycleBin': { Snapshots: [{ SnapshotId: 'snap-1' }] } }
    const { action, asked } = await accountWith('delete-snapshot', kept)
    const order = orderOf(targets.snapshot, { State: 'completed' }, null)
    expect(await action.undo(order)).toMatchObject({ state: 'going on' })
    expect(asked.at(-1)).toMatchObject({ call: 'ec2:RestoreSnapshotFromRecycleBin', input: { SnapshotId: 'snap-1' } })
    await open?.close()
    const lost = await accountWith('delete-snapshot', deleted)
    expect(await lost.action.undo(order)).toMatchObject({
      state: 'refused',
      message: expect.stringMatching(/no Recycle Bin/),
    })
  })
})

test.each<[ActionName, ActionTarget, Answers]>([
  ['stop-instance', targets.instance, { 'ec2:DescribeInstances': instances(instance(tags('Team', 'shop'))) }],
  ['resize-instance', targets.instance, { 'ec2:DescribeInstances': instances(instance(tags('Team', 'shop'))) }],
  ['delete-volume', targets.volume, { 'ec2:DescribeVolumes': volumes(volume(tags('Team', 'shop'))) }],
  ['change-volume', targets.volume, { 'ec2:DescribeVolumes': volumes(volume(tags('Team', 'shop'))) }],
  ['delete-snapshot', targets.snapshot, { 'ec2:DescribeSnapshots': { Snapshots: [tags('Team', 'shop')] } }],
  ['deregister-image', targets.image, { 'ec2:DescribeImages': { Images: [tags('Team', 'shop')] } }],
  ['release-address', targets.address, { 'ec2:DescribeAddresses': { Addresses: [tags('Team', 'shop')] } }],
])('%s reads the tags that its resource has now', async (name, target, given) => {
  const { action } = await accountWith(name, given)
  expect(await action.tags?.(target)).toEqual({ Team: 'shop' })
})
