import { Random } from '@cloudoptima/sample'
import { isRunning } from '../load.ts'
import { isArm } from './instance-types.ts'
import { instanceOf, pick } from './instances.ts'
import type { Question } from './operation.ts'
import { type AwsResource, tagsOf } from './resource.ts'

const [startMs, stopMs] = [8000, 20_000]
const postgres = { Engine: 'postgres', EngineVersion: '16.4' }
const single = { MultiAZ: false, BackupRetentionPeriod: 7 }
const gp3 = { Iops: 3000, StorageType: 'gp3' }

/** The state of an instance: the last call decides, and then its bill. */
export function powerOf(resource: AwsResource, now: Date): string {
  const { power } = resource
  if (!power) return isRunning(resource, now) ? 'running' : 'stopped'
  const isOver = now.getTime() - power.since >= (power.isOn ? startMs : stopMs)
  if (power.isOn) return isOver ? 'running' : 'pending'
  return isOver ? 'stopped' : 'stopping'
}

export function instance(resource: AwsResource, { aws }: Question): object {
  return {
    PlatformDetails: 'Linux/UNIX',
    Architecture: isArm(resource.class) ? 'arm64' : 'x86_64',
    RootDeviceType: 'ebs',
    VirtualizationType: 'hvm',
    EnaSupport: true,
    InstanceId: resource.id,
    InstanceType: resource.class,
    State: { Name: powerOf(resource, aws.now()) },
    Placement: { AvailabilityZone: resource.zone, Tenancy: 'default' },
    LaunchTime: resource.createdAt,
    ...(resource.pattern === 'spot' && { InstanceLifecycle: 'spot' }),
    Tags: tagsOf(resource.tags),
  }
}

/** The GB of a disk: its bill counts about a thirtieth of them each day. */
function sizeGb({ unitsOn, firstDay }: AwsResource): number {
  return Math.max(1, Math.round(unitsOn(firstDay) * 30))
}

export function volume(resource: AwsResource, question: Question): object {
  const attached = instanceOf(resource, question.aws, question.aws.now())
  return {
    VolumeId: resource.id,
    VolumeType: resource.fields.SkuMeter?.split('.')[1],
    Size: sizeGb(resource),
    Iops: 3000,
    AvailabilityZone: resource.zone,
    CreateTime: resource.createdAt,
    State: attached ? 'in-use' : 'available',
    Attachments: attached ? [{ InstanceId: attached.id, State: 'attached' }] : [],
    Tags: tagsOf(resource.tags),
  }
}

/** The snapshot of a volume in its region, or of one that is deleted. */
export function snapshot(resource: AwsResource, question: Question): object {
  const VolumeId = pick(question.all('ec2:volume'), resource.key)?.id ?? `vol-${Random.hex(resource.key, 17)}`
  return {
    SnapshotId: resource.id,
    VolumeId,
    VolumeSize: sizeGb(resource),
    StartTime: resource.createdAt,
    State: 'completed',
    Tags: tagsOf(resource.tags),
  }
}

/** A bill of storage alone is that of a stopped database. */
export function database(resource: AwsResource, question: Question): object {
  const isStorage = resource.pattern === 'storage'
  const runs = !isStorage && isRunning(resource, question.aws.now())
  return {
    ...postgres,
    ...gp3,
    ...single,
    DBInstanceIdentifier: resource.id,
    DBInstanceArn: resource.arn,
    DBInstanceClass: isStorage ? 'db.t4g.medium' : resource.class,
    DBInstanceStatus: runs ? 'available' : 'stopped',
    AllocatedStorage: isStorage ? sizeGb(resource) : 100 + (resource.key % 400),
    AvailabilityZone: resource.zone || `${resource.region}a`,
    InstanceCreateTime: resource.createdAt,
    TagList: tagsOf(resource.tags),
  }
}

export function table({ id, arn, key, createdAt }: AwsResource): object {
  const ItemCount = Random.mix(key, 51) % 50_000_000
  return {
    TableName: id,
    TableArn: arn,
    TableStatus: 'ACTIVE',
    CreationDateTime: createdAt,
    ItemCount,
    TableSizeBytes: ItemCount * 400,
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
  }
}
