import { Random } from '@cloudoptima/sample'
import { exists, isRunning } from '../load.ts'
import { type Aws, list, type Operation, type Question } from './operation.ts'
import type { AwsResource } from './resource.ts'

const token = ['NextToken', 'NextToken'] as const
const attachedShare = 0.85

const tagsOf = ({ tags, name }: AwsResource) =>
  Object.entries({ Name: name, ...tags }).map(([Key, Value]) => ({ Key, Value }))

function pick<Item>(choices: readonly Item[], key: number): Item | undefined {
  return choices[key % choices.length]
}

/** The instance of a volume, in its zone; some volumes have none, and some have outlived it. */
export function instanceOf({ key, zone, account }: AwsResource, aws: Aws, time: Date): AwsResource | undefined {
  if (Random.uniform(Random.mix(key, 41)) > attachedShare) return undefined
  const inZone = aws.resources.filter((each) => each.type === 'ec2:instance' && each.zone === zone)
  const chosen = pick(
    inZone.filter((each) => each.account === account),
    key,
  )
  return chosen && exists(chosen, time) ? chosen : undefined
}

/** The disk of a volume or snapshot: its bill counts a thirtieth of its GB each day. */
function sizeGb({ unitsOn, firstDay, endDay }: AwsResource): number {
  return Math.max(1, Math.round(unitsOn(Math.min(firstDay, endDay - 1)) * 30))
}

function instance({ aws }: Question, resource: AwsResource): object {
  const runs = isRunning(resource, aws.now())
  return {
    InstanceId: resource.id,
    InstanceType: resource.class,
    State: runs ? { Code: 16, Name: 'running' } : { Code: 80, Name: 'stopped' },
    Placement: { AvailabilityZone: resource.zone, Tenancy: 'default' },
    LaunchTime: resource.createdAt,
    Architecture: 'x86_64',
    PlatformDetails: 'Linux/UNIX',
    RootDeviceType: 'ebs',
    EbsOptimized: true,
    Monitoring: { State: 'disabled' },
    ...(resource.pattern === 'spot' && { InstanceLifecycle: 'spot' }),
    Tags: tagsOf(resource),
  }
}

function volume({ aws }: Question, resource: AwsResource): object {
  const attached = instanceOf(resource, aws, aws.now())
  return {
    VolumeId: resource.id,
    VolumeType: 'gp3',
    Size: sizeGb(resource),
    Iops: 3000,
    Throughput: 125,
    Encrypted: true,
    AvailabilityZone: resource.zone,
    CreateTime: resource.createdAt,
    State: attached ? 'in-use' : 'available',
    Attachments: attached ? [{ InstanceId: attached.id, VolumeId: resource.id, State: 'attached' }] : [],
    Tags: tagsOf(resource),
  }
}

function snapshot({ all }: Question, resource: AwsResource): object {
  return {
    SnapshotId: resource.id,
    // Of a deleted volume, if the region has none.
    VolumeId: pick(all('ec2:volume'), resource.key)?.id ?? `vol-${Random.hex(resource.key, 17)}`,
    VolumeSize: sizeGb(resource),
    State: 'completed',
    StorageTier: 'standard',
    Encrypted: true,
    StartTime: resource.createdAt,
    Tags: tagsOf(resource),
  }
}

/** A list of the resources of a type. */
function each(key: string, type: string, described: (question: Question, resource: AwsResource) => object): Operation {
  return list(key, token, (question) => question.all(type).map((resource) => described(question, resource)))
}

/** Of EC2 and EBS. */
export const compute: Record<string, Operation> = {
  'ec2:DescribeRegions': ({ aws: { estate } }) => ({ Regions: estate.regions.map((RegionName) => ({ RegionName })) }),
  'ec2:DescribeInstances': each('Reservations', 'ec2:instance', (question, resource) => ({
    ReservationId: `r-${Random.hex(resource.key, 17)}`,
    OwnerId: question.account,
    Instances: [instance(question, resource)],
  })),
  'ec2:DescribeVolumes': each('Volumes', 'ec2:volume', volume),
  'ec2:DescribeSnapshots': each('Snapshots', 'ec2:snapshot', snapshot),
  'ec2:DescribeNatGateways': each('NatGateways', 'ec2:natgateway', (_, resource) => ({
    NatGatewayId: resource.id,
    ConnectivityType: 'public',
    State: 'available',
    CreateTime: resource.createdAt,
    Tags: tagsOf(resource),
  })),
  'ec2:DescribeImages': () => ({ Images: [] }),
  'ec2:DescribeAddresses': () => ({ Addresses: [] }),
  'ec2:DescribeReservedInstances': () => ({ ReservedInstances: [] }),
}
