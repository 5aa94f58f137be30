export interface ActGrant {
  permission: string
  /** `any`: the call has no resource (`*`). A call on two kinds needs both. */
  on: readonly ActedOn[]
  /** In addition to the condition that excludes protected resources. */
  condition?: Record<string, Record<string, string | readonly string[]>> | undefined
  neededFor: string
  /** The names of its calls, where they differ from its own. */
  calls?: readonly string[] | undefined
}

export type ActedOn =
  | 'any'
  | 'instance'
  | 'volume'
  | 'snapshot'
  | 'address'
  | 'image'
  | 'natGateway'
  | 'subnet'
  | 'routeTable'
  | 'listener'
  | 'listenerRule'
  | 'scalingGroup'
  | 'database'
  | 'databaseSnapshot'
  | 'buckets'
  | 'table'
  | 'function'
  | 'loadBalancer'
  | 'cache'
  | 'ecs'
  | 'eks'
  | 'logGroup'
  | 'key'
  | 'retentionRule'

/** IAM denies changes to resources that have this tag with the value `true`. */
export const protectionTag = 'cloudoptima:protected'

function grant(
  permission: string,
  on: ActGrant['on'],
  neededFor: string,
  condition?: ActGrant['condition'],
  calls?: ActGrant['calls'],
): ActGrant {
  return { permission, on, neededFor, condition, calls }
}

/** Any tags but the one that protects a resource. */
function tagging(service: string, verbs: string, ...on: ActedOn[]): ActGrant[] {
  const spared = { 'ForAllValues:StringNotEquals': { 'aws:TagKeys': protectionTag } }
  return verbs.split(' ').map((verb) => grant(`${service}:${verb}`, on, 'changing tags, and undoing it', spared))
}

const byEc2 = { StringLike: { 'kms:ViaService': 'ec2.*.amazonaws.com' } }

/** What EC2 does with a key: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html */
function keyUse(...verbs: string[]): ActGrant[] {
  return verbs.map((verb) => grant(`kms:${verb}`, ['key'], 'restoring encrypted volumes', byEc2))
}

const reads = 'checking that nothing has changed since the approval'

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html */
export const actGrants: readonly ActGrant[] = [
  grant('ec2:DescribeInstances', ['any'], reads),
  grant('ec2:DescribeVolumes', ['any'], reads),
  grant('ec2:DescribeSnapshots', ['any'], reads),
  grant('ec2:DescribeAddresses', ['any'], reads),
  grant('ec2:DescribeImages', ['any'], reads),
  grant('ec2:DescribeVolumesModifications', ['any'], 'waiting for the change of a volume'),
  grant('ec2:DescribeLaunchTemplateVersions', ['any'], 'checking that no launch template uses an image'),
  grant('ec2:ListSnapshotsInRecycleBin', ['snapshot'], 'undoing the deletion of a snapshot that the Recycle Bin keeps'),
  grant('ec2:ListImagesInRecycleBin', ['image'], 'undoing the deregistration of an image that the Recycle Bin keeps'),
  grant('ec2:DescribeInstanceTypes', ['any'], 'checking that an instance fits its new type'),
  grant('ec2:DescribeInstanceTypeOfferings', ['any'], 'checking that the zone of an instance has its new type'),
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
  grant('rbin:ListRules', ['any'], 'finding out whether the Recycle Bin keeps what is deleted'),
  grant('rbin:GetRule', ['retentionRule'], 'finding out whether the Recycle Bin keeps what is deleted'),
  ...keyUse('DescribeKey', 'Decrypt', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'),
  grant('kms:CreateGrant', ['key'], 'starting instances with encrypted volumes', {
    ...byEc2,
    Bool: { 'kms:GrantIsForAWSResource': 'true' },
  }),
  grant('ec2:ModifyVolume', ['volume'], 'changing the type, size and performance of volumes'),
  grant('ec2:RestoreSnapshotFromRecycleBin', ['snapshot'], 'undoing the deletion of a snapshot'),
  grant('ec2:DeregisterImage', ['image'], 'deregistering unused images'),
  grant('ec2:RestoreImageFromRecycleBin', ['image'], 'undoing the deregistration of an image'),
  grant('ec2:ReleaseAddress', ['address'], 'releasing unused addresses'),
  grant('ec2:AllocateAddress', ['address'], 'undoing the release of an address'),
  grant(
    'ec2:CreateTags',
    ['volume', 'snapshot', 'address', 'natGateway'],
    'copying the tags of the original to new snapshots and to what is restored',
    { StringEquals: { 'ec2:CreateAction': ['CreateSnapshot', 'CreateVolume', 'AllocateAddress', 'CreateNatGateway'] } },
  ),
  grant('rds:DescribeDBInstances', ['any'], reads),
  grant('rds:DescribeDBSnapshots', ['any'], reads),
  grant('logs:DescribeLogGroups', ['any'], reads),
  grant('rds:DescribeOrderableDBInstanceOptions', ['any'], 'checking that AWS offers the new class of a database'),
  grant('rds:StopDBInstance', ['database'], 'stopping idle databases'),
  grant('rds:StartDBInstance', ['database'], 'starting databases again'),
  grant('rds:ModifyDBInstance', ['database'], 'changing the class of oversized databases'),
  grant('rds:DeleteDBSnapshot', ['databaseSnapshot'], 'deleting old database snapshots'),
  grant('logs:PutRetentionPolicy', ['logGroup'], 'setting how long logs are kept'),
  grant('logs:DeleteRetentionPolicy', ['logGroup'], 'undoing a retention of logs'),
  grant('lambda:GetFunctionConfiguration', ['function'], reads),
  grant('lambda:ListAliases', ['function'], 'checking whether published versions of a function are in use'),
  grant('lambda:UpdateFunctionConfiguration', ['function'], 'setting the memory of functions'),
  grant('s3:GetLifecycleConfiguration', ['buckets'], reads, undefined, ['GetBucketLifecycleConfiguration']),
  grant('s3:PutLifecycleConfiguration', ['buckets'], 'setting rules for the lifecycle of buckets', undefined, [
    'PutBucketLifecycleConfiguration',
    'DeleteBucketLifecycle',
  ]),
  grant('ec2:DescribeNatGateways', ['any'], reads),
  grant('ec2:DescribeRouteTables', ['any'], 'finding the routes to a NAT gateway'),
  grant('ec2:DeleteNatGateway', ['natGateway'], 'deleting unused NAT gateways'),
  grant('ec2:CreateNatGateway', ['natGateway', 'subnet', 'address'], 'undoing the deletion of a NAT gateway'),
  grant('ec2:ReplaceRoute', ['routeTable'], 'leading routes to a restored NAT gateway'),
  grant('ec2:CreateRoute', ['routeTable'], 'restoring routes to a NAT gateway'),
  ...'LoadBalancers LoadBalancerAttributes Listeners ListenerAttributes ListenerCertificates Rules Tags'
    .split(' ')
    .map((parts) =>
      grant(`elasticloadbalancing:Describe${parts}`, ['any'], 'keeping the definition of a load balancer'),
    ),
  grant('elasticloadbalancing:DeleteLoadBalancer', ['loadBalancer'], 'deleting unused load balancers'),
  ...'CreateLoadBalancer ModifyLoadBalancerAttributes SetSecurityGroups CreateListener'
    .split(' ')
    .map((call) => grant(`elasticloadbalancing:${call}`, ['loadBalancer'], 'undoing the deletion of a load balancer')),
  ...'AddListenerCertificates ModifyListenerAttributes CreateRule'
    .split(' ')
    .map((call) => grant(`elasticloadbalancing:${call}`, ['listener'], 'undoing the deletion of a load balancer')),
  grant(
    'elasticloadbalancing:AddTags',
    ['loadBalancer', 'listener', 'listenerRule'],
    'copying the tags of the original to a restored load balancer',
    { StringEquals: { 'elasticloadbalancing:CreateAction': ['CreateLoadBalancer', 'CreateListener', 'CreateRule'] } },
  ),
  grant('autoscaling:DescribeAutoScalingGroups', ['any'], reads),
  grant('autoscaling:DescribeLaunchConfigurations', ['any'], 'checking that no scaling group uses an image'),
  grant('autoscaling:UpdateAutoScalingGroup', ['scalingGroup'], 'setting the size of scaling groups'),
  grant('tag:GetResources', ['any'], 'reading tags before they are changed'),
  grant('tag:TagResources', ['any'], 'setting tags; each service checks its own permission too'),
  grant('tag:UntagResources', ['any'], 'undoing changes of tags; each service checks its own permission too'),
  ...tagging('ec2', 'CreateTags DeleteTags', 'instance', 'volume', 'snapshot', 'address', 'image', 'natGateway'),
  ...tagging('rds', 'AddTagsToResource RemoveTagsFromResource', 'database', 'databaseSnapshot'),
  ...tagging('s3', 'GetBucketTagging PutBucketTagging', 'buckets'),
  ...tagging('dynamodb', 'TagResource UntagResource', 'table'),
  ...tagging('lambda', 'TagResource UntagResource', 'function'),
  ...tagging('elasticloadbalancing', 'AddTags RemoveTags', 'loadBalancer'),
  ...tagging('elasticache', 'AddTagsToResource RemoveTagsFromResource', 'cache'),
  ...tagging('ecs', 'TagResource UntagResource', 'ecs'),
  ...tagging('eks', 'TagResource UntagResource', 'eks'),
  ...tagging('logs', 'TagResource UntagResource', 'logGroup'),
]
