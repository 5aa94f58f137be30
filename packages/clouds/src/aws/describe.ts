import { Random } from '@cloudoptima/sample'
import { exists, isRunning } from '../load.ts'
import { isArm } from './instance-types.ts'
import { instanceOf, pick } from './instances.ts'
import type { Question } from './operation.ts'
import { type AwsResource, tagsOf } from './resource.ts'

const [startMs, stopMs, createMs, snapshotMs, databaseMs] = [8000, 20_000, 4000, 25_000, 90_000]
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
export function sizeGb({ unitsOn, firstDay, madeOf }: AwsResource): number {
  return madeOf?.sizeGb ?? Math.max(1, Math.round(unitsOn(firstDay) * 30))
}

export function volumeShape(volume: AwsResource): NonNullable<AwsResource['shape']> {
  const type = volume.fields.SkuMeter?.split('.')[1] ?? ''
  return volume.shape ?? { type, sizeGb: sizeGb(volume), iops: 3000, throughput: 125 }
}

/** Whether a call made the resource less than so many milliseconds ago. */
const isNew = ({ madeAt = -Infinity }: AwsResource, now: Date, ms: number) => now.getTime() - madeAt < ms

export function volume(resource: AwsResource, { aws }: Question): object {
  const attached = instanceOf(resource, aws, aws.now())
  const { type, sizeGb: Size, iops: Iops } = volumeShape(resource)
  const settled = attached ? 'in-use' : 'available'
  return {
    VolumeId: resource.id,
    VolumeType: type,
    Size,
    Iops,
    ...(resource.shape && type === 'gp3' && { Throughput: resource.shape.throughput }),
    AvailabilityZone: resource.zone,
    CreateTime: resource.createdAt,
    State: isNew(resource, aws.now(), createMs) ? 'creating' : settled,
    Attachments: attached ? [{ InstanceId: attached.id, Device: '/dev/sdf', State: 'attached' }] : [],
    Tags: tagsOf(resource.tags),
  }
}

/** The snapshot of a volume in its region, or of one that is deleted. */
export function snapshot(resource: AwsResource, { aws, account, region }: Question): object {
  const isNear = (each: AwsResource) => each.account === account && each.region === region && exists(each, aws.now())
  const volumes = aws.resources.filter((each) => each.type === 'ec2:volume' && !each.madeAt && isNear(each))
  const pending = isNew(resource, aws.now(), snapshotMs)
  return {
    SnapshotId: resource.id,
    VolumeId: resource.madeOf?.volumeId ?? pick(volumes, resource.key)?.id ?? `vol-${Random.hex(resource.key, 17)}`,
    VolumeSize: sizeGb(resource),
    StartTime: resource.createdAt,
    State: pending ? 'pending' : 'completed',
    Progress: pending ? '40%' : '100%',
    Tags: tagsOf(resource.tags),
  }
}

export function publicIp({ key }: AwsResource): string {
  return `52.${[1, 2, 3].map((part) => Random.mix(key, part) % 256).join('.')}`
}

export function address(resource: AwsResource): object {
  return { AllocationId: resource.id, PublicIp: publicIp(resource), Domain: 'vpc', Tags: tagsOf(resource.tags) }
}

/** The state of a database. A bill of storage alone is that of a stopped one. */
export function databaseStatus(resource: AwsResource, now: Date): string {
  const { pattern, power, modifiedAt = -Infinity } = resource
  if (now.getTime() - modifiedAt < databaseMs) return 'modifying'
  if (!power) return pattern !== 'storage' && isRunning(resource, now) ? 'available' : 'stopped'
  const isOver = now.getTime() - power.since >= databaseMs
  if (power.isOn) return isOver ? 'available' : 'starting'
  return isOver ? 'stopped' : 'stopping'
}

export function database(resource: AwsResource, { aws }: Question): object {
  const { modifiedAt, pattern } = resource
  const isStorage = pattern === 'storage'
  return {
    ...postgres,
    ...gp3,
    ...single,
    DBInstanceIdentifier: resource.id,
    DBInstanceArn: resource.arn,
    DBInstanceClass: isStorage && modifiedAt === undefined ? 'db.t4g.medium' : resource.class,
    DBInstanceStatus: databaseStatus(resource, aws.now()),
    AllocatedStorage: isStorage ? sizeGb(resource) : 100 + (resource.key % 400),
    AvailabilityZone: resource.zone || `${resource.region}a`,
    InstanceCreateTime: resource.createdAt,
    TagList: tagsOf(resource.tags),
  }
}

/** The memory of a function in MB. */
export const memoryOf = ({ key, memoryMb }: AwsResource): number => memoryMb ?? 128 * 2 ** (key % 5)

/** The days of a log group; undefined: its events are kept for ever. */
export function retentionOf({ key, retentionDays }: AwsResource): number | undefined {
  if (retentionDays !== undefined) return retentionDays ?? undefined
  return key % 3 === 0 ? 30 : undefined
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
