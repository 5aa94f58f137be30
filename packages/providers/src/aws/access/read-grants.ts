/** One permission, the calls that need it, and its purpose. */
export interface Grant {
  permission: string
  calls: readonly string[]
  /** `any`: the call has no resource (`*`). */
  on: 'any' | 'role' | 'export' | 'bucket' | 'objects'
  neededFor: string
}

/** All calls that read a customer's account: https://docs.aws.amazon.com/service-authorization/latest/reference/ */
export const readGrants = [
  {
    permission: 'iam:SimulatePrincipalPolicy',
    calls: ['SimulatePrincipalPolicy'],
    on: 'role',
    neededFor: 'checking the permissions of this role without using them',
  },
  {
    permission: 'iam:ListAccountAliases',
    calls: ['ListAccountAliases'],
    on: 'any',
    neededFor: 'showing the account by its name',
  },
  {
    permission: 'ce:GetCostAndUsage',
    calls: ['GetCostAndUsage'],
    on: 'any',
    neededFor: 'reading costs without an export',
  },
  {
    permission: 'bcm-data-exports:ListExports',
    calls: ['ListExports'],
    on: 'any',
    neededFor: 'finding the cost exports (FOCUS, CUR 2.0)',
  },
  {
    permission: 'bcm-data-exports:GetExport',
    calls: ['GetExport'],
    on: 'export',
    neededFor: 'finding the bucket of a cost export',
  },
  {
    permission: 'cur:DescribeReportDefinitions',
    calls: ['DescribeReportDefinitions'],
    on: 'any',
    neededFor: 'finding Cost and Usage Reports (legacy)',
  },
  {
    permission: 's3:ListBucket',
    calls: ['ListObjectsV2'],
    on: 'bucket',
    neededFor: 'finding the files of the cost export',
  },
  {
    permission: 's3:GetObject',
    calls: ['GetObject'],
    on: 'objects',
    neededFor: 'reading the files of the cost export',
  },
  {
    permission: 'organizations:DescribeOrganization',
    calls: ['DescribeOrganization'],
    on: 'any',
    neededFor: 'finding the management account of the organization',
  },
  {
    permission: 'organizations:ListAccounts',
    calls: ['ListAccounts'],
    on: 'any',
    neededFor: 'showing the accounts of the organization by their names',
  },
  {
    permission: 'ec2:DescribeInstances',
    calls: ['DescribeInstances'],
    on: 'any',
    neededFor: 'finding idle and oversized instances',
  },
  {
    permission: 'ec2:DescribeVolumes',
    calls: ['DescribeVolumes'],
    on: 'any',
    neededFor: 'finding unused volumes',
  },
  {
    permission: 'ec2:DescribeSnapshots',
    calls: ['DescribeSnapshots'],
    on: 'any',
    neededFor: 'finding unused snapshots',
  },
  {
    permission: 'ec2:DescribeAddresses',
    calls: ['DescribeAddresses'],
    on: 'any',
    neededFor: 'finding unused addresses',
  },
  {
    permission: 'cloudwatch:GetMetricData',
    calls: ['GetMetricData'],
    on: 'any',
    neededFor: 'measuring how busy resources are',
  },
] as const satisfies readonly Grant[]

export type ReadPermission = (typeof readGrants)[number]['permission']
