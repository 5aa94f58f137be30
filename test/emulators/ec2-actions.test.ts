import {
  AllocateAddressCommand,
  AttachVolumeCommand,
  CreateImageCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeAddressesCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
  RunInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type {
  ActionName,
  ActionOrder,
  ActionParameters,
  ActionPlan,
  ActionTarget,
  CloudAction,
  Provider,
} from '@cloudoptima/core'
import { createClouds } from '@cloudoptima/providers/access'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collectionOf, emulators } from './collection.ts'
import { type Front, frontOf } from './front.ts'

// The actions on EC2 against an emulator that nobody here wrote: plan, act, verify, undo. MiniStack is not used: it has
// no dry runs (it carries them out), changes no type of an instance, and restores each volume with 8 GB.

const { moto = '' } = emulators
// Of its own: other tests look at all that theirs has.
const account = '444444444444'
const region = 'eu-west-1'
const zone = 'eu-west-1a'
const tag = (Key: string, Value: string) => ({ Key, Value })
const tagged = (
  ResourceType: 'volume' | 'instance' | 'elastic-ip' | 'snapshot',
  ...Tags: { Key: string; Value: string }[]
) => [{ ResourceType, Tags }]

const shapeless: Partial<Record<string, RegExp>> = {
  gp2: /^(SnapshotId|Iops|Throughput)$/,
  gp3: /^SnapshotId$/,
  io1: /^SnapshotId$/,
}

describe.skipIf(moto === '')('an action on EC2 of moto', () => {
  let front: Front
  let ec2: EC2Client
  let aws: Provider
  const roleArn = `arn:aws:iam::${account}:role/CloudOptimaAct`
  const { access } = collectionOf({ cloud: 'aws', roleArn, externalId: 'co-3f6d1b0c9a5e4c27' })

  beforeAll(async () => {
    // moto lists the versions of one launch template only, and finds no images by their snapshots. This account has
    // neither launch templates nor, for this question, images; the deletion itself is refused then.
    front = await frontOf(moto, ({ service, operation, body }) => {
      // moto has no Recycle Bin.
      if (service === 'rbin') return JSON.stringify({ Rules: [] })
      const lacks = operation === 'DescribeLaunchTemplateVersions' || body.includes('block-device-mapping.snapshot-id')
      if (lacks) return `<${operation}Response></${operation}Response>`
      // Of an image that moto does not know, it says that it is paravirtual.
      if (operation === 'DescribeInstances') return (reply) => reply.replaceAll('>paravirtual<', '>hvm<')
      return undefined
    })
    const own = { accessKeyId: 'AKIAOURS', secretAccessKey: 'test' }
    aws = createClouds({ endpoints: { aws: front.url }, awsCredentials: own }).aws
    const sts = new STSClient({ endpoint: moto, region: 'us-east-1', credentials: own })
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'customer' }))
    ec2 = new EC2Client({
      endpoint: moto,
      region,
      credentials: {
        accessKeyId: Credentials?.AccessKeyId ?? '',
        secretAccessKey: Credentials?.SecretAccessKey ?? '',
        sessionToken: Credentials?.SessionToken ?? '',
      },
    })
  })
  afterAll(async () => await front.close())

  /** All that the region has, without times and the reasons of the last change, and with the old id of a new thing. */
  async function world(newId = 'none', oldId = ''): Promise<string> {
    const all = await Promise.all([
      ec2.send(new DescribeInstancesCommand({})),
      ec2.send(new DescribeVolumesCommand({})),
      ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'] })),
      ec2.send(new DescribeImagesCommand({ Owners: ['self'] })),
      ec2.send(new DescribeAddressesCommand({})),
    ])
    // The public address changes with a stop. moto does not write as AWS does that it is AWS's own.
    const volatile = /Time$|^(\$metadata|StateTransitionReason|StateReason|PublicIp|PublicIpAddress|PublicDnsName)$/
    // A restored volume is made of another snapshot, and moto keeps the performance of gp3 in a volume of gp2.
    const lost = (fields: object) => ('VolumeType' in fields ? shapeless[String(fields.VolumeType)] : undefined)
    const sorted = (value: unknown): unknown => {
      if (Array.isArray(value))
        return value.map(sorted).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      if (typeof value !== 'object' || value === null) return value
      const fields = Object.entries(value).filter(([name]) => !volatile.test(name) && !lost(value)?.test(name))
      return Object.fromEntries(fields.toSorted().map(([name, field]) => [name, sorted(field)]))
    }
    return JSON.stringify(sorted(JSON.parse(JSON.stringify(all).replaceAll(newId, oldId))), undefined, 1)
  }

  async function actionOf(name: ActionName): Promise<CloudAction> {
    const action = await aws.action(access, name)
    if (!action) throw new Error(`AWS has no ${name}`)
    return action
  }

  async function planOf(name: ActionName, target: ActionTarget, parameters: ActionParameters = {}) {
    const action = await actionOf(name)
    const before = (await action.readState(target)) ?? {}
    return { action, before, plan: await action.plan({ target, parameters, before }) }
  }

  async function run(action: CloudAction, order: ActionOrder, step: 'act' | 'undo'): Promise<string[]> {
    const said: string[] = []
    for (let calls = 0; calls < 30; calls++) {
      const answer = await action[step](order)
      order.memory = answer.memory
      if (answer.state === 'done') return said
      if (answer.state === 'refused') throw new Error(answer.message)
      said.push(answer.says)
      await sleep(20)
    }
    throw new Error(`${step} does not end: ${said.join(' ')}`)
  }

  type Feasible = Extract<ActionPlan, { after: unknown }>
  const isFeasible = (plan: ActionPlan): plan is Feasible => plan !== 'done already' && 'after' in plan

  /** Plans and carries out; the order, and the plan. */
  async function carriedOut(name: ActionName, target: ActionTarget, parameters: ActionParameters = {}) {
    const { action, before, plan } = await planOf(name, target, parameters)
    if (!isFeasible(plan)) throw new Error(`no plan: ${JSON.stringify(plan)}`)
    const token = randomUUID().replaceAll('-', '')
    const order: ActionOrder = { target, parameters, before, after: plan.after, token, memory: {} }
    const said = await run(action, order, 'act')
    expect(await action.verify(order)).toEqual([])
    expect((await action.readState(target)) ?? null).toEqual(plan.after)
    return { action, order, plan, said }
  }

  async function machine(...tags: { Key: string; Value: string }[]): Promise<{ id: string; rootId: string }> {
    const started = await ec2.send(
      new RunInstancesCommand({
        ImageId: 'ami-12c6146b',
        InstanceType: 'm5.large',
        MinCount: 1,
        MaxCount: 1,
        Placement: { AvailabilityZone: zone },
        ...(tags.length > 0 && { TagSpecifications: tagged('instance', ...tags) }),
      }),
    )
    const [instance] = started.Instances ?? []
    return { id: instance?.InstanceId ?? '', rootId: instance?.BlockDeviceMappings?.[0]?.Ebs?.VolumeId ?? '' }
  }
  const instance = (id: string): ActionTarget => ({ id, kind: 'instance', region })
  const volume = (id = ''): ActionTarget => ({ id, kind: 'volume', region, zone })
  const arn = (kind: string, id = '') => `arn:aws:ec2:${region}:${account}:${kind}/${id}`

  test.each([
    ['stop-instance', {}, false, { State: 'stopped', InstanceType: 'm5.large' }],
    ['start-instance', {}, true, { State: 'running', InstanceType: 'm5.large' }],
    ['resize-instance', { type: 'm6i.xlarge' }, false, { State: 'running', InstanceType: 'm6i.xlarge' }],
    ['resize-instance', { type: 'm6i.xlarge' }, true, { State: 'stopped', InstanceType: 'm6i.xlarge' }],
  ] as const)('%s %o (stopped: %s) leads there and back', async (name, parameters, isStopped, after) => {
    const { id } = await machine(tag('Team', 'shop'))
    if (isStopped) await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }))
    const all = await world()
    const { action, order } = await carriedOut(name, instance(id), parameters)
    expect(order.after).toEqual(after)
    expect(await world()).not.toBe(all)
    await run(action, order, 'undo')
    expect(await world()).toBe(all)
  })

  test('an instance does not take a type that does not fit it, and is left alone if it is protected', async () => {
    const [{ id }, { id: spared }] = [await machine(), await machine(tag('cloudoptima:protected', 'true'))]
    const all = await world()
    const refusals = [
      await planOf('resize-instance', instance(id), { type: 'm99.large' }),
      await planOf('resize-instance', instance(id), { type: 'm7g.large' }),
      await planOf('stop-instance', instance(spared)),
    ]
    expect(refusals.map(({ plan }) => plan)).toEqual([
      { refusal: 'AWS has no instance type m99.large in eu-west-1. Choose another type.' },
      { refusal: expect.stringMatching(/^m7g.large does not run x86_64/) },
      { refusal: 'It is protected. Remove its tag cloudoptima:protected first.' },
    ])
    expect((await planOf('start-instance', instance(id))).plan).toBe('done already')
    expect(await world()).toBe(all)
  })

  const shapes = {
    gp3: { VolumeType: 'gp3', Size: 40, Iops: 4000, Throughput: 250 },
    io1: { VolumeType: 'io1', Size: 50, Iops: 600 },
    'encrypted gp2': { VolumeType: 'gp2', Size: 20, Encrypted: true, KmsKeyId: 'alias/shop' },
  } as const

  test.each(Object.entries(shapes))(
    'delete-volume keeps a snapshot, from which the undo restores %s',
    async (_, shape) => {
      const TagSpecifications = tagged('volume', tag('Team', 'shop'), tag('Name', 'data'))
      const { VolumeId } = await ec2.send(
        new CreateVolumeCommand({ AvailabilityZone: zone, ...shape, TagSpecifications }),
      )
      const all = await world()
      const { action, order, plan } = await carriedOut('delete-volume', volume(VolumeId))
      expect(plan).toMatchObject({ undo: 'partial', lost: ['the id of the volume'] })
      const { Snapshots = [] } = await ec2.send(
        new DescribeSnapshotsCommand({ Filters: [{ Name: 'tag:cloudoptima:order', Values: [order.token] }] }),
      )
      expect(Snapshots).toMatchObject([{ VolumeId, VolumeSize: shape.Size, State: 'completed' }])
      await run(action, order, 'undo')
      const { id } = action.restored?.(order) ?? {}
      expect(id).not.toBe(VolumeId)
      expect(await world(id, VolumeId)).toBe(all)
    },
  )

  test('delete-volume detaches a volume of a stopped instance, and the undo attaches it at the same device', async () => {
    const { id: InstanceId, rootId } = await machine()
    const { VolumeId } = await ec2.send(
      new CreateVolumeCommand({ AvailabilityZone: zone, Size: 30, VolumeType: 'gp3' }),
    )
    await ec2.send(new AttachVolumeCommand({ InstanceId, VolumeId, Device: '/dev/sdh' }))
    expect((await planOf('delete-volume', volume(VolumeId))).plan).toEqual({
      refusal: `It is attached to ${InstanceId}, which is running. Detach it or stop the instance first.`,
    })
    await ec2.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }))
    expect((await planOf('delete-volume', volume(rootId))).plan).toEqual({
      refusal: expect.stringMatching(/^It is the root volume/),
    })
    const { action, order, said } = await carriedOut('delete-volume', volume(VolumeId))
    expect(said).toContain(`The volume is detached from ${InstanceId}.`)
    await run(action, order, 'undo')
    const target = action.restored?.(order)
    expect(target && (await action.readState(target))).toEqual(order.before)
    expect(order.before).toMatchObject({ Size: 30, Attachments: [{ InstanceId, Device: '/dev/sdh' }] })
  })

  test('an undo of a deletion that ended half-way attaches the volume again, and leaves no snapshot', async () => {
    const { id: InstanceId } = await machine()
    const { VolumeId } = await ec2.send(
      new CreateVolumeCommand({ AvailabilityZone: zone, Size: 30, VolumeType: 'gp2' }),
    )
    await ec2.send(new AttachVolumeCommand({ InstanceId, VolumeId, Device: '/dev/sdh' }))
    await ec2.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }))
    const all = await world()
    const target = volume(VolumeId)
    const { action, before } = await planOf('delete-volume', target)
    const order: ActionOrder = { target, parameters: {}, before, after: null, token: 'b'.repeat(32), memory: {} }
    await action.act(order)
    await action.act(order)
    expect(await world()).not.toBe(all)
    await run(action, order, 'undo')
    expect(await world()).toBe(all)
  })

  test('change-volume leads there and back, except for a larger size', async () => {
    const { VolumeId } = await ec2.send(
      new CreateVolumeCommand({ AvailabilityZone: zone, Size: 100, VolumeType: 'gp2' }),
    )
    const all = await world()
    const { action, order, plan } = await carriedOut('change-volume', volume(VolumeId), { type: 'gp3', iops: 5000 })
    expect(plan).toMatchObject({
      after: { VolumeType: 'gp3', Size: 100, Iops: 5000, Throughput: 125 },
      undo: 'full',
      lost: [],
    })
    await run(action, order, 'undo')
    expect(await world()).toBe(all)
    const grown = await carriedOut('change-volume', volume(VolumeId), { sizeGb: 200 })
    expect(grown.plan).toMatchObject({ undo: 'partial', lost: ['the smaller size'] })
    await run(grown.action, grown.order, 'undo')
    expect(await grown.action.readState(volume(VolumeId))).toEqual({ VolumeType: 'gp2', Size: 200 })
    expect((await planOf('change-volume', volume(VolumeId), { sizeGb: 20 })).plan).toEqual({
      refusal: 'AWS does not make a volume smaller. Leave its size.',
    })
  })

  test('a snapshot of an image is deleted after its image alone; nothing brings them back without a Recycle Bin', async () => {
    const { id } = await machine()
    const { ImageId = '' } = await ec2.send(new CreateImageCommand({ InstanceId: id, Name: `shop-${id}` }))
    const image: ActionTarget = { id: ImageId, kind: 'image', region }
    const [made] = (await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }))).Images ?? []
    const SnapshotId = made?.BlockDeviceMappings?.[0]?.Ebs?.SnapshotId
    const snapshot: ActionTarget = {
      id: arn('snapshot', SnapshotId),
      aliases: [SnapshotId ?? ''],
      kind: 'snapshot',
      region,
    }
    await expect(carriedOut('delete-snapshot', snapshot)).rejects.toThrow(
      /^AWS refused ec2:DeleteSnapshot \(InvalidSnapshot.InUse\)/,
    )
    const { plan } = await carriedOut('deregister-image', image)
    expect(plan).toMatchObject({ after: null, undo: 'none' })
    const deleted = await carriedOut('delete-snapshot', snapshot)
    expect(deleted.plan).toMatchObject({ after: null, undo: 'none', lost: ['the data of the snapshot'] })
    expect((await planOf('delete-snapshot', snapshot)).plan).toBe('done already')
  })

  test('a protected snapshot stays', async () => {
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: zone, Size: 1 }))
    const TagSpecifications = tagged('snapshot', tag('cloudoptima:protected', 'true'))
    const { SnapshotId } = await ec2.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications }))
    const { plan } = await planOf('delete-snapshot', { id: arn('snapshot', SnapshotId), kind: 'snapshot', region })
    expect(plan).toEqual({ refusal: expect.stringMatching(/^It is protected/) })
  })

  test('release-address gives the address back, and the undo gets the same one with its tags', async () => {
    const TagSpecifications = tagged('elastic-ip', tag('Team', 'shop'))
    const allocated = await ec2.send(new AllocateAddressCommand({ Domain: 'vpc', TagSpecifications }))
    const { AllocationId = '', PublicIp = '' } = allocated
    const addresses = async () => (await ec2.send(new DescribeAddressesCommand({ PublicIps: [PublicIp] }))).Addresses
    const all = await addresses()
    expect(all).toMatchObject([{ AllocationId, PublicIp, Tags: [tag('Team', 'shop')] }])
    const id = arn('elastic-ip', AllocationId)
    const target: ActionTarget = { id, aliases: [AllocationId, PublicIp], kind: 'address', region }
    const { action, order, plan } = await carriedOut('release-address', target)
    expect(plan).toMatchObject({
      undo: 'partial',
      lost: ['the id of the allocation', expect.stringContaining(PublicIp)],
    })
    await run(action, order, 'undo')
    const restored = action.restored?.(order)
    const newId = restored?.aliases?.[0] ?? ''
    expect(newId).toMatch(/^eipalloc-/)
    expect(restored).toEqual({ ...target, id: arn('elastic-ip', newId), aliases: [newId, PublicIp] })
    expect(JSON.parse(JSON.stringify(await addresses()).replaceAll(newId, AllocationId))).toEqual(all)
  })
})
