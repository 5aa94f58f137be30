import type { Instance } from '@aws-sdk/client-ec2'
import { byArn, byId, type Place, type Row, row } from './row.ts'

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
    createdAt: createdTime,
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
    gatewayPages,
    (gateways) => gateways,
  )({
    ...byArn('NatGatewayId', 'natgateway/'),
    kind: 'nat_gateway',
    type: 'ConnectivityType',
    status: 'State',
    createdAt: 'CreateTime',
    keep: ['NatGatewayId', 'RouteTables', 'SubnetId', 'VpcId'],
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

/**
 * `LaunchTime` is that of the last start. The primary network interface, else the root volume, is attached since the
 * first one: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceAttachment.html
 */
function createdTime({
  NetworkInterfaces = [],
  BlockDeviceMappings = [],
  RootDeviceName,
  LaunchTime,
}: Instance): Date | undefined {
  const primary = NetworkInterfaces.find(({ Attachment }) => Attachment?.DeviceIndex === 0)
  const root = BlockDeviceMappings.find(({ DeviceName }) => DeviceName !== undefined && DeviceName === RootDeviceName)
  return primary?.Attachment?.AttachTime ?? root?.Ebs?.AttachTime ?? LaunchTime
}

/** With the route tables that lead to the gateway, and the services that each reaches by a gateway endpoint. */
async function* gatewayPages(sdk: Awaited<ReturnType<typeof ec2>>, at: Place) {
  const client = at.client(sdk.EC2Client)
  let tables: Awaited<ReturnType<typeof routeTables>>
  let isRead = false
  for await (const { NatGateways = [] } of sdk.paginateDescribeNatGateways({ client, pageSize }, {})) {
    if (!isRead && NatGateways.length > 0) {
      tables = await routeTables(sdk, at)
      isRead = true
    }
    yield NatGateways.map((gateway) => ({
      ...gateway,
      // Undefined: the role may not read them.
      RouteTables: tables?.filter(({ gateways }) => gateways.includes(gateway.NatGatewayId)).map(({ shown }) => shown),
    }))
  }
}

/** Undefined, and reported, if AWS refuses them. */
async function routeTables(sdk: Awaited<ReturnType<typeof ec2>>, at: Place) {
  const client = at.client(sdk.EC2Client)
  const endpoints = await at.reader.attempt(`ec2:vpc-endpoints/${at.region}`, async () =>
    (await Array.fromAsync(sdk.paginateDescribeVpcEndpoints({ client }, {})))
      .flatMap(({ VpcEndpoints = [] }) => VpcEndpoints)
      .filter(({ VpcEndpointType, State }) => VpcEndpointType === 'Gateway' && State?.toLowerCase() === 'available'),
  )
  const pages = await at.reader.attempt(`ec2:route-tables/${at.region}`, () =>
    Array.fromAsync(sdk.paginateDescribeRouteTables({ client }, {})),
  )
  return (
    endpoints &&
    pages?.flatMap(({ RouteTables = [] }) =>
      RouteTables.map(({ RouteTableId = '', Routes = [] }) => {
        const own = endpoints.filter(({ RouteTableIds = [] }) => RouteTableIds.includes(RouteTableId))
        // `com.amazonaws.eu-west-1.s3`
        const services = own.map(({ ServiceName = '' }) => ServiceName.slice(ServiceName.lastIndexOf('.') + 1))
        return {
          gateways: Routes.map(({ NatGatewayId }) => NatGatewayId),
          shown: { RouteTableId, GatewayEndpoints: [...new Set(services)].toSorted() },
        }
      }),
    )
  )
}
