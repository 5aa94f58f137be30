export interface Grant<Permission = string> {
  permission: Permission
  call: string
  /** `any`: the call has no resource (`*`). */
  on: 'any' | 'role' | 'export' | 'bucket' | 'objects'
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

/** https://docs.aws.amazon.com/service-authorization/latest/reference/ */
export const readGrants = [
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

export type ReadPermission = (typeof readGrants)[number]['permission']

export const readPurposes = Object.fromEntries(readGrants.map(({ permission, neededFor }) => [permission, neededFor]))
