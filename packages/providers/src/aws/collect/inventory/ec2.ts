import { described, pick, type Row, row, tagsOf } from './row.ts'

const load = () => import('@aws-sdk/client-ec2')
const pageSize = 500

/** The states on the way to another one count as that one. */
const states: Record<string, string> = {
  pending: 'running',
  stopping: 'stopped',
  'shutting-down': 'terminated',
}

/** Of EC2 and EBS. Ids are those of the Cost and Usage Report: short for instances and volumes, ARNs for the rest. */
export const ec2Rows: readonly Row[] = [
  row(
    'ec2:instances',
    load,
    (sdk, at) => sdk.paginateDescribeInstances({ client: at.client(sdk.EC2Client), pageSize }, {}),
    ({ Reservations = [] }, at) =>
      Reservations.flatMap(({ Instances = [] }) => Instances).flatMap((instance) =>
        described(at, {
          id: instance.InstanceId,
          aliases: [at.arn(`instance/${instance.InstanceId}`)],
          kind: 'instance',
          type: instance.InstanceType,
          status: states[instance.State?.Name ?? ''] ?? instance.State?.Name,
          zone: instance.Placement?.AvailabilityZone,
          createdAtDate: instance.LaunchTime,
          tags: tagsOf(instance.Tags),
          configuration: {
            ...pick(instance, 'Architecture', 'EbsOptimized', 'ImageId', 'InstanceLifecycle', 'LaunchTime'),
            ...pick(instance, 'PlatformDetails', 'RootDeviceType', 'State', 'StateTransitionReason', 'VpcId'),
            Tenancy: instance.Placement?.Tenancy,
            Monitoring: instance.Monitoring?.State,
          },
        }),
      ),
  ),
  row(
    'ec2:volumes',
    load,
    (sdk, at) => sdk.paginateDescribeVolumes({ client: at.client(sdk.EC2Client), pageSize }, {}),
    ({ Volumes = [] }, at) =>
      Volumes.flatMap((volume) =>
        described(at, {
          id: volume.VolumeId,
          aliases: [at.arn(`volume/${volume.VolumeId}`)],
          kind: 'volume',
          type: volume.VolumeType,
          status: volume.State,
          zone: volume.AvailabilityZone,
          createdAtDate: volume.CreateTime,
          sizeGb: volume.Size,
          iops: volume.Iops,
          attachedTo: volume.Attachments?.[0]?.InstanceId,
          tags: tagsOf(volume.Tags),
          configuration: pick(volume, 'Attachments', 'Encrypted', 'MultiAttachEnabled', 'SnapshotId', 'Throughput'),
        }),
      ),
  ),
  row(
    'ec2:snapshots',
    load,
    (sdk, at) => sdk.paginateDescribeSnapshots({ client: at.client(sdk.EC2Client), pageSize }, { OwnerIds: ['self'] }),
    ({ Snapshots = [] }, at) =>
      Snapshots.flatMap((snapshot) =>
        described(at, {
          id: snapshot.SnapshotId && at.arn(`snapshot/${snapshot.SnapshotId}`),
          aliases: [snapshot.SnapshotId ?? ''],
          kind: 'snapshot',
          status: snapshot.State === 'completed' ? 'available' : snapshot.State,
          createdAtDate: snapshot.StartTime,
          sizeGb: snapshot.VolumeSize,
          attachedTo: snapshot.VolumeId,
          tags: tagsOf(snapshot.Tags),
          configuration: pick(snapshot, 'Description', 'Encrypted', 'StorageTier', 'RestoreExpiryTime'),
        }),
      ),
  ),
  row(
    'ec2:images',
    load,
    (sdk, at) => sdk.paginateDescribeImages({ client: at.client(sdk.EC2Client), pageSize }, { Owners: ['self'] }),
    ({ Images = [] }, at) =>
      Images.flatMap((image) =>
        described(at, {
          id: image.ImageId,
          aliases: [at.arn(`image/${image.ImageId}`)],
          kind: 'image',
          name: image.Name,
          status: image.State,
          createdAt: image.CreationDate,
          tags: tagsOf(image.Tags),
          configuration: {
            ...pick(image, 'Architecture', 'DeprecationTime', 'LastLaunchedTime', 'PlatformDetails', 'Public'),
            SnapshotIds: image.BlockDeviceMappings?.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
          },
        }),
      ),
  ),
  row(
    'ec2:addresses',
    load,
    async function* (sdk, at) {
      yield await at.client(sdk.EC2Client).send(new sdk.DescribeAddressesCommand({}))
    },
    ({ Addresses = [] }, at) =>
      Addresses.flatMap((address) =>
        described(at, {
          id: address.AllocationId && at.arn(`elastic-ip/${address.AllocationId}`),
          aliases: [address.AllocationId ?? '', address.PublicIp ?? ''],
          kind: 'address',
          status: address.AssociationId === undefined ? 'available' : 'in-use',
          attachedTo: address.InstanceId,
          tags: tagsOf(address.Tags),
          configuration: pick(address, 'AssociationId', 'NetworkInterfaceId', 'PublicIp', 'PublicIpv4Pool'),
        }),
      ),
  ),
  row(
    'ec2:nat-gateways',
    load,
    (sdk, at) => sdk.paginateDescribeNatGateways({ client: at.client(sdk.EC2Client), pageSize }, {}),
    ({ NatGateways = [] }, at) =>
      NatGateways.flatMap((gateway) =>
        described(at, {
          id: gateway.NatGatewayId && at.arn(`natgateway/${gateway.NatGatewayId}`),
          aliases: [gateway.NatGatewayId ?? ''],
          kind: 'nat_gateway',
          type: gateway.ConnectivityType,
          status: gateway.State === 'deleted' ? 'terminated' : gateway.State,
          createdAtDate: gateway.CreateTime,
          tags: tagsOf(gateway.Tags),
          configuration: pick(gateway, 'NatGatewayId', 'SubnetId', 'VpcId'),
        }),
      ),
  ),
  row(
    'ec2:reserved-instances',
    load,
    async function* (sdk, at) {
      yield await at.client(sdk.EC2Client).send(new sdk.DescribeReservedInstancesCommand({}))
    },
    ({ ReservedInstances = [] }, at) =>
      ReservedInstances.filter(({ State }) => State !== 'retired').flatMap((reservation) =>
        described(at, {
          id: reservation.ReservedInstancesId && at.arn(`reserved-instances/${reservation.ReservedInstancesId}`),
          aliases: [reservation.ReservedInstancesId ?? ''],
          kind: 'commitment',
          type: reservation.InstanceType,
          status: reservation.State === 'active' ? 'in-use' : reservation.State,
          zone: reservation.AvailabilityZone,
          createdAtDate: reservation.Start,
          tags: tagsOf(reservation.Tags),
          configuration: {
            ...pick(reservation, 'CurrencyCode', 'Duration', 'End', 'FixedPrice', 'InstanceCount', 'InstanceTenancy'),
            ...pick(reservation, 'OfferingClass', 'OfferingType', 'ProductDescription', 'RecurringCharges', 'Scope'),
            ...pick(reservation, 'Start', 'UsagePrice'),
          },
        }),
      ),
  ),
]
