export interface ActGrant {
  permission: string
  /** `any`: the call has no resource (`*`). A call on two kinds needs both. */
  on: readonly ('any' | 'instance' | 'volume' | 'snapshot' | 'address')[]
  /** In addition to the condition that excludes protected resources. */
  condition?: Record<string, Record<string, string | readonly string[]>> | undefined
  neededFor: string
}

/** IAM denies changes to resources that have this tag with the value `true`. */
export const protectionTag = 'cloudoptima:protected'

function grant(permission: string, on: ActGrant['on'], neededFor: string, condition?: ActGrant['condition']): ActGrant {
  return { permission, on, neededFor, condition }
}

const reads = 'checking that nothing has changed since the approval'

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html */
export const actGrants: readonly ActGrant[] = [
  grant('ec2:DescribeInstances', ['any'], reads),
  grant('ec2:DescribeVolumes', ['any'], reads),
  grant('ec2:DescribeSnapshots', ['any'], reads),
  grant('ec2:DescribeAddresses', ['any'], reads),
  grant('ec2:StopInstances', ['instance'], 'stopping idle instances, also before a change of their type'),
  grant('ec2:StartInstances', ['instance'], 'starting instances again'),
  grant(
    'ec2:ModifyInstanceAttribute',
    ['instance'],
    'changing the type of oversized instances, and no other attribute',
    { StringEquals: { 'ec2:Attribute': 'InstanceType' } },
  ),
  grant('ec2:CreateSnapshot', ['volume', 'snapshot'], 'backing up a volume before its deletion'),
  grant('ec2:DeleteSnapshot', ['snapshot'], 'deleting unused snapshots'),
  grant('ec2:DetachVolume', ['volume', 'instance'], 'detaching volumes of stopped instances'),
  grant('ec2:AttachVolume', ['volume', 'instance'], 'undoing a detachment'),
  grant('ec2:DeleteVolume', ['volume'], 'deleting unused volumes'),
  grant('ec2:CreateVolume', ['volume', 'snapshot'], 'undoing a deletion from the snapshot'),
  grant('ec2:ReleaseAddress', ['address'], 'releasing unused addresses'),
  grant(
    'ec2:CreateTags',
    ['volume', 'snapshot'],
    'copying the tags of the original to new snapshots and restored volumes',
    { StringEquals: { 'ec2:CreateAction': ['CreateSnapshot', 'CreateVolume'] } },
  ),
  grant(
    'ec2:CreateTags',
    ['instance', 'volume', 'snapshot', 'address'],
    'marking changed resources, with our own tags only',
    { 'ForAllValues:StringLike': { 'aws:TagKeys': 'cloudoptima:*' }, Null: { 'aws:TagKeys': 'false' } },
  ),
]
