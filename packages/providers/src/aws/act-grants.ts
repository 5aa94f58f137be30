/** What a remediation may do: the permission, on which kinds of resources, and under which condition. */
export interface ActGrant {
  /** By IAM's name. */
  permission: string
  /** `any`: the call knows no resources (`*`). A call that joins two kinds needs both. */
  on: readonly ('any' | 'instance' | 'volume' | 'snapshot' | 'address')[]
  /** IAM's condition block, beside the one that spares protected resources. */
  condition?: Record<string, Record<string, string | readonly string[]>>
  neededFor: string
}

/** A resource with this tag, set to `true`, is never touched: the customer's word, kept by IAM. */
export const protectionTag = 'cloudoptima:protected'

const reads = 'seeing that nothing has changed since the change was approved'

/**
 * All that the act role grants, and no remediation needs more. Resource types and condition keys:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export const actGrants: readonly ActGrant[] = [
  { permission: 'ec2:DescribeInstances', on: ['any'], neededFor: reads },
  { permission: 'ec2:DescribeVolumes', on: ['any'], neededFor: reads },
  { permission: 'ec2:DescribeSnapshots', on: ['any'], neededFor: reads },
  { permission: 'ec2:DescribeAddresses', on: ['any'], neededFor: reads },
  {
    permission: 'ec2:StopInstances',
    on: ['instance'],
    neededFor: 'stopping idle instances, and before a change of type',
  },
  { permission: 'ec2:StartInstances', on: ['instance'], neededFor: 'starting instances again' },
  {
    permission: 'ec2:ModifyInstanceAttribute',
    on: ['instance'],
    condition: { StringEquals: { 'ec2:Attribute': 'InstanceType' } },
    neededFor: 'changing the type of oversized instances, and no other attribute',
  },
  {
    permission: 'ec2:CreateSnapshot',
    on: ['volume', 'snapshot'],
    neededFor: 'keeping what a volume holds before it is deleted',
  },
  { permission: 'ec2:DeleteSnapshot', on: ['snapshot'], neededFor: 'deleting snapshots that nothing needs' },
  { permission: 'ec2:DetachVolume', on: ['volume', 'instance'], neededFor: 'detaching volumes of stopped instances' },
  { permission: 'ec2:AttachVolume', on: ['volume', 'instance'], neededFor: 'taking back a detachment' },
  { permission: 'ec2:DeleteVolume', on: ['volume'], neededFor: 'deleting volumes that no instance uses' },
  {
    permission: 'ec2:CreateVolume',
    on: ['volume', 'snapshot'],
    neededFor: 'taking back a deletion, from the snapshot',
  },
  { permission: 'ec2:ReleaseAddress', on: ['address'], neededFor: 'releasing addresses that nothing uses' },
  {
    permission: 'ec2:CreateTags',
    on: ['volume', 'snapshot'],
    condition: { StringEquals: { 'ec2:CreateAction': ['CreateSnapshot', 'CreateVolume'] } },
    neededFor: 'giving snapshots and restored volumes the tags of the original as they are made',
  },
  {
    permission: 'ec2:CreateTags',
    on: ['instance', 'volume', 'snapshot', 'address'],
    condition: { 'ForAllValues:StringLike': { 'aws:TagKeys': 'cloudoptima:*' }, Null: { 'aws:TagKeys': 'false' } },
    neededFor: 'marking what was changed, with tags of our own only',
  },
]
