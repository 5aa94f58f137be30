/** One permission: the API call that needs it, and what for. */
export interface Grant {
  /** By IAM's name: `ce:GetCostAndUsage`. */
  permission: string
  /** The operation that our code calls, by its API's name. Several may need the same permission. */
  calls: readonly string[]
  /** `any`: the call knows no resources (`*`). */
  on: 'any' | 'role' | 'export' | 'bucket' | 'objects'
  neededFor: string
}

/**
 * Everything that is read in a customer's account, and all that the read role grants. Which permission a call needs and on what:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/
 */
export const readGrants = [
  {
    permission: 'iam:SimulatePrincipalPolicy',
    calls: ['SimulatePrincipalPolicy'],
    on: 'role',
    neededFor: 'checking the permissions of this role without making the calls',
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
    neededFor: 'reading costs where no export delivers them',
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
    neededFor: 'finding the bucket that a cost export is delivered to',
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
    neededFor: 'knowing which account pays for the others',
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
    neededFor: 'finding volumes that no instance uses',
  },
  {
    permission: 'ec2:DescribeSnapshots',
    calls: ['DescribeSnapshots'],
    on: 'any',
    neededFor: 'finding snapshots that nothing needs',
  },
  {
    permission: 'ec2:DescribeAddresses',
    calls: ['DescribeAddresses'],
    on: 'any',
    neededFor: 'finding addresses that nothing uses',
  },
  {
    permission: 'cloudwatch:GetMetricData',
    calls: ['GetMetricData'],
    on: 'any',
    neededFor: 'measuring how busy resources are',
  },
] as const satisfies readonly Grant[]

/** A permission of the read role. */
export type ReadPermission = (typeof readGrants)[number]['permission']
