export interface Grant<Permission = string> {
  permission: Permission
  call: string
  /** `any`: the call has no resource, or lists all of them (`*`). */
  on: 'any' | 'role' | 'export' | 'bucket' | 'objects' | 'buckets'
  neededFor: string
}

function grant<Permission extends string>(
  permission: Permission,
  on: Grant['on'],
  neededFor: string,
  call = permission.split(':')[1] ?? '',
): Grant<Permission> {
  return { permission, call, on, neededFor }
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/
const required = [
  grant('iam:SimulatePrincipalPolicy', 'role', 'checking the permissions of this role without using them'),
  grant('iam:ListAccountAliases', 'any', 'showing the account by its name'),
  grant('ce:GetCostAndUsage', 'any', 'reading costs without an export'),
  grant('bcm-data-exports:ListExports', 'any', 'finding the cost exports (FOCUS, CUR 2.0)'),
  grant('bcm-data-exports:GetExport', 'export', 'finding the bucket of a cost export'),
  grant('cur:DescribeReportDefinitions', 'any', 'finding Cost and Usage Reports (legacy)'),
  grant('s3:ListBucket', 'bucket', 'finding the files of the cost export', 'ListObjectsV2'),
  grant('s3:GetObject', 'objects', 'reading the files of the cost export'),
  grant('organizations:DescribeOrganization', 'any', 'finding the management account of the organization'),
  grant('organizations:ListAccounts', 'any', 'showing the accounts of the organization by their names'),
  grant('ec2:DescribeInstances', 'any', 'finding idle and oversized instances'),
  grant('ec2:DescribeVolumes', 'any', 'finding unused volumes'),
  grant('ec2:DescribeSnapshots', 'any', 'finding unused snapshots'),
  grant('ec2:DescribeAddresses', 'any', 'finding unused addresses'),
  grant('cloudwatch:GetMetricData', 'any', 'measuring how busy resources are'),
]

const optional = [
  grant('cloudwatch:ListMetrics', 'any', 'finding the metrics of memory, disks and buckets'),
  grant('ec2:DescribeRegions', 'any', 'finding the regions of the account'),
  grant('ec2:DescribeImages', 'any', 'finding unused images'),
  grant('ec2:DescribeNatGateways', 'any', 'finding unused NAT gateways'),
  grant('ec2:DescribeRouteTables', 'any', 'finding traffic of NAT gateways that gateway endpoints would carry'),
  grant('ec2:DescribeVpcEndpoints', 'any', 'finding networks without gateway endpoints'),
  grant('ec2:DescribeReservedInstances', 'any', 'finding reserved instances that end or are not used'),
  grant('elasticloadbalancing:DescribeLoadBalancers', 'any', 'finding unused load balancers'),
  grant('elasticloadbalancing:DescribeTargetGroups', 'any', 'finding load balancers without targets'),
  grant('elasticloadbalancing:DescribeTargetHealth', 'any', 'finding load balancers without healthy targets'),
  grant('autoscaling:DescribeAutoScalingGroups', 'any', 'finding scaling groups'),
  grant('rds:DescribeDBInstances', 'any', 'finding idle and oversized databases'),
  grant('rds:DescribeDBSnapshots', 'any', 'finding old database snapshots'),
  grant('rds:DescribeReservedDBInstances', 'any', 'finding reserved databases that end or are not used'),
  grant('elasticache:DescribeCacheClusters', 'any', 'finding idle and oversized caches'),
  grant('elasticache:DescribeReservedCacheNodes', 'any', 'finding reserved cache nodes that end or are not used'),
  grant('dynamodb:ListTables', 'any', 'finding tables'),
  grant('dynamodb:DescribeTable', 'any', 'finding oversized tables'),
  grant('lambda:ListFunctions', 'any', 'finding oversized functions'),
  grant('ecs:ListClusters', 'any', 'finding ECS clusters'),
  grant('ecs:DescribeClusters', 'any', 'finding unused ECS clusters'),
  grant('ecs:ListServices', 'any', 'finding container services'),
  grant('ecs:DescribeServices', 'any', 'finding oversized container services'),
  grant('eks:ListClusters', 'any', 'finding Kubernetes clusters'),
  grant('eks:DescribeCluster', 'any', 'finding outdated Kubernetes clusters'),
  grant('eks:ListNodegroups', 'any', 'finding the nodes of Kubernetes clusters'),
  grant('eks:DescribeNodegroup', 'any', 'finding oversized nodes of Kubernetes clusters'),
  grant('logs:DescribeLogGroups', 'any', 'finding logs that are kept for ever'),
  grant('s3:ListAllMyBuckets', 'any', 'finding buckets', 'ListBuckets'),
  grant(
    's3:GetLifecycleConfiguration',
    'buckets',
    'finding buckets without a lifecycle',
    'GetBucketLifecycleConfiguration',
  ),
  grant('savingsplans:DescribeSavingsPlans', 'any', 'finding Savings Plans that end or are not used'),
  grant('tag:GetResources', 'any', 'showing resources with their tags'),
]

/** All calls that read a customer's account. */
export const readGrants = [...required, ...optional]

/** The account is usable without them: the collection names each part that it cannot read. */
export const optionalPermissions: ReadonlySet<string> = new Set(optional.map(({ permission }) => permission))

export type RequiredPermission = (typeof required)[number]['permission']
export type ReadPermission = (typeof readGrants)[number]['permission']

export const readPurposes = Object.fromEntries(readGrants.map(({ permission, neededFor }) => [permission, neededFor]))
