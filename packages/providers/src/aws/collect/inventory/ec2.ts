import { byArn, byId, type Row, row } from './row.ts'

const ec2 = () => import('@aws-sdk/client-ec2')
const pageSize = 500

/** Of EC2 and EBS. */
export const ec2Rows: readonly Row[] = [
  row(
    'ec2:instances',
    ec2,
    (sdk, at) => sdk.paginateDescribeInstances({ client: at.client(sdk.EC2Client), pageSize }, {}),
    ({ Reservations }) => Reservations?.flatMap(({ Instances = [] }) => Instances),
  )({
    ...byId('InstanceId', 'instance/'),
    kind: 'instance',
    type: 'InstanceType',
    status: ({ State }) => State?.Name,
    zone: ({ Placement }) => Placement?.AvailabilityZone,
    createdAt: 'LaunchTime',
    keep: [
      ...(['Architecture', 'EbsOptimized', 'ImageId', 'InstanceLifecycle', 'LaunchTime', 'Monitoring'] as const),
      ...(['Placement', 'PlatformDetails', 'RootDeviceType', 'State', 'StateTransitionReason', 'VpcId'] as const),
    ],
  }),
  row(
    'ec2:volumes',
    ec2,
    (sdk, at) => sdk.paginateDescribeVolumes({ client: at.client(sdk.EC2Client), pageSize }, {}),
    ({ Volumes }) => Volumes,
  )({
    ...byId('VolumeId', 'volume/'),
    kind: 'volume',
    type: 'VolumeType',
    status: 'State',
    zone: 'AvailabilityZone',
    createdAt: 'CreateTime',
    sizeGb: 'Size',
    iops: 'Iops',
    attachedTo: ({ Attachments }) => Attachments?.[0]?.InstanceId,
    keep: ['Attachments', 'Encrypted', 'MultiAttachEnabled', 'SnapshotId', 'Throughput'],
  }),
  row(
    'ec2:snapshots',
    ec2,
    (sdk, at) => sdk.paginateDescribeSnapshots({ client: at.client(sdk.EC2Client), pageSize }, { OwnerIds: ['self'] }),
    ({ Snapshots }) => Snapshots,
  )({
    ...byArn('SnapshotId', 'snapshot/'),
    kind: 'snapshot',
    status: 'State',
    createdAt: 'StartTime',
    sizeGb: 'VolumeSize',
    attachedTo: 'VolumeId',
    keep: ['Description', 'Encrypted', 'StorageTier'],
  }),
  row(
    'ec2:images',
    ec2,
    (sdk, at) => sdk.paginateDescribeImages({ client: at.client(sdk.EC2Client), pageSize }, { Owners: ['self'] }),
    ({ Images }) => Images,
  )({
    ...byId('ImageId', 'image/'),
    kind: 'image',
    name: 'Name',
    status: 'State',
    createdAt: 'CreationDate',
    keep: ['Architecture', 'DeprecationTime', 'LastLaunchedTime', 'PlatformDetails', 'Public'],
    more: ({ BlockDeviceMappings = [] }) => ({
      SnapshotIds: BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
    }),
  }),
  row(
    'ec2:addresses',
    ec2,
    async function* (sdk, at) {
      yield await at.client(sdk.EC2Client).send(new sdk.DescribeAddressesCommand({}))
    },
    ({ Addresses }) => Addresses,
  )({
    ...byArn('AllocationId', 'elastic-ip/'),
    kind: 'address',
    aliases: ({ AllocationId, PublicIp }) => [AllocationId, PublicIp],
    status: ({ AssociationId }) => (AssociationId === undefined ? 'available' : 'in-use'),
    // Empty if nothing uses the address.
    attachedTo: ({ InstanceId }) => InstanceId || undefined,
    keep: ['AssociationId', 'NetworkInterfaceId', 'PublicIp'],
  }),
  row(
    'ec2:nat-gateways',
    ec2,
    (sdk, at) => sdk.paginateDescribeNatGateways({ client: at.client(sdk.EC2Client), pageSize }, {}),
    ({ NatGateways }) => NatGateways,
  )({
    ...byArn('NatGatewayId', 'natgateway/'),
    kind: 'nat_gateway',
    type: 'ConnectivityType',
    status: 'State',
    createdAt: 'CreateTime',
    keep: ['NatGatewayId', 'SubnetId', 'VpcId'],
  }),
  row(
    'ec2:reserved-instances',
    ec2,
    async function* (sdk, at) {
      yield await at.client(sdk.EC2Client).send(new sdk.DescribeReservedInstancesCommand({}))
    },
    ({ ReservedInstances }) => ReservedInstances?.filter(({ State }) => State !== 'retired'),
  )({
    ...byArn('ReservedInstancesId', 'reserved-instances/'),
    kind: 'commitment',
    type: 'InstanceType',
    status: 'State',
    zone: 'AvailabilityZone',
    createdAt: 'Start',
    keep: [
      ...(['CurrencyCode', 'Duration', 'End', 'FixedPrice', 'InstanceCount', 'InstanceTenancy'] as const),
      ...(['OfferingClass', 'OfferingType', 'ProductDescription', 'RecurringCharges', 'Scope'] as const),
      ...(['Start', 'UsagePrice'] as const),
    ],
  }),
]
