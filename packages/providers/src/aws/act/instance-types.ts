import type { Instance, InstanceTypeInfo } from '@aws-sdk/client-ec2'
import type { Ec2 } from './account.ts'

/** The descriptions of instance types in a region; a type that does not exist there is missing. */
export async function instanceTypes({ sdk, client }: Ec2, ...Values: string[]): Promise<Map<string, InstanceTypeInfo>> {
  const Filters = [{ Name: 'instance-type', Values }]
  const { InstanceTypes = [] } = await client.send(new sdk.DescribeInstanceTypesCommand({ Filters }))
  return new Map(InstanceTypes.map((type) => [type.InstanceType ?? '', type]))
}

export async function isOfferedIn({ sdk, client }: Ec2, zone: string, type: string): Promise<boolean> {
  const Filters = [
    { Name: 'location', Values: [zone] },
    { Name: 'instance-type', Values: [type] },
  ]
  const asked = { LocationType: 'availability-zone' as const, Filters }
  const { InstanceTypeOfferings = [] } = await client.send(new sdk.DescribeInstanceTypeOfferingsCommand(asked))
  return InstanceTypeOfferings.length > 0
}

/** What the operating system of an instance must be able to do for another type. */
export function driversFor(from: InstanceTypeInfo | undefined, to: InstanceTypeInfo): string[] {
  const isNew = to.EbsInfo?.NvmeSupport === 'required' && from?.EbsInfo?.NvmeSupport !== 'required'
  return isNew ? ['The operating system needs the NVMe driver, and finds its disks under other names.'] : []
}

/** Why an instance cannot have a type: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resize-limitations.html */
export function misfitOf(instance: Instance, type: InstanceTypeInfo): string | undefined {
  const name = type.InstanceType
  const lacks = (supported: readonly string[] | undefined, own: string | undefined) =>
    own !== undefined && supported !== undefined && !supported.includes(own)
  const { Architecture, VirtualizationType, CurrentInstanceBootMode, NetworkInterfaces = [] } = instance
  if (lacks(type.ProcessorInfo?.SupportedArchitectures, Architecture))
    return `${name} does not run ${Architecture}, for which the instance is made. Choose a type with this architecture.`
  if (lacks(type.SupportedVirtualizationTypes, VirtualizationType))
    return `${name} does not support ${VirtualizationType} virtualization. Choose another type.`
  if (lacks(type.SupportedRootDeviceTypes, instance.RootDeviceType))
    return `${name} does not start from a root device of the kind ${instance.RootDeviceType}. Choose another type.`
  if (lacks(type.SupportedBootModes, CurrentInstanceBootMode))
    return `${name} does not boot by ${CurrentInstanceBootMode}. Choose another type.`
  if (type.NetworkInfo?.EnaSupport === 'required' && instance.EnaSupport === false)
    return `${name} needs enhanced networking (ENA). Install its driver and enable it for the instance first.`
  const most = type.NetworkInfo?.MaximumNetworkInterfaces
  if (most !== undefined && NetworkInterfaces.length > most)
    return `${name} has at most ${most} network interfaces; the instance has ${NetworkInterfaces.length}.`
  return undefined
}
