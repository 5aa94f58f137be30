/** A permission for remediation. */
export interface ActGrant {
  permission: string
  /** `any`: the call has no resource (`*`). A call on two kinds needs both. */
  on: readonly ('any' | 'instance' | 'volume' | 'snapshot' | 'address')[]
  /** In addition to the condition that excludes protected resources. */
  condition?: Record<string, Record<string, string | readonly string[]>>
  neededFor: string
}

/** IAM denies changes to resources that have this tag with the value `true`. */
export const protectionTag = 'cloudoptima:protected'

const reads = 'checking that nothing has changed since the approval'

/**
 * All permissions of the act role:
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
    neededFor: 'stopping idle instances, also before a change of their type',
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
    neededFor: 'backing up a volume before its deletion',
  },
  { permission: 'ec2:DeleteSnapshot', on: ['snapshot'], neededFor: 'deleting unused snapshots' },
  { permission: 'ec2:DetachVolume', on: ['volume', 'instance'], neededFor: 'detaching volumes of stopped instances' },
  { permission: 'ec2:AttachVolume', on: ['volume', 'instance'], neededFor: 'undoing a detachment' },
  { permission: 'ec2:DeleteVolume', on: ['volume'], neededFor: 'deleting unused volumes' },
  {
    permission: 'ec2:CreateVolume',
    on: ['volume', 'snapshot'],
    neededFor: 'undoing a deletion from the snapshot',
  },
  { permission: 'ec2:ReleaseAddress', on: ['address'], neededFor: 'releasing unused addresses' },
  {
    permission: 'ec2:CreateTags',
    on: ['volume', 'snapshot'],
    condition: { StringEquals: { 'ec2:CreateAction': ['CreateSnapshot', 'CreateVolume'] } },
    neededFor: 'copying the tags of the original to new snapshots and restored volumes',
  },
  {
    permission: 'ec2:CreateTags',
    on: ['instance', 'volume', 'snapshot', 'address'],
    condition: { 'ForAllValues:StringLike': { 'aws:TagKeys': 'cloudoptima:*' }, Null: { 'aws:TagKeys': 'false' } },
    neededFor: 'marking changed resources, with our own tags only',
  },
]
