import type { ReadPermission } from './read-grants.ts'
import type { Role } from './role.ts'
import { type Session, settings } from './session.ts'
import { describeReportDefinitions } from './cur-definitions.ts'

type Probe = (session: Session, role: Role) => Promise<unknown>

/** The simulation tests the first, reading the bucket the others. */
type Untried = 'iam:SimulatePrincipalPolicy' | 's3:ListBucket' | 's3:GetObject'

export type Tried = Exclude<ReadPermission, Untried>

const day = 86_400_000
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)

/**
 * The smallest call that tests each permission, for accounts that refuse the simulation. CloudWatch charges $0.00001
 * for one metric, Cost Explorer $0.01 per request; the others are free.
 */
export const probes: Record<Tried, Probe> = {
  'iam:ListAccountAliases': async (session) => {
    const { IAMClient, ListAccountAliasesCommand } = await import('@aws-sdk/client-iam')
    return await new IAMClient(settings(session)).send(new ListAccountAliasesCommand({}))
  },
  'ce:GetCostAndUsage': async (session) => {
    const { CostExplorerClient, GetCostAndUsageCommand } = await import('@aws-sdk/client-cost-explorer')
    const TimePeriod = { Start: dateOf(Date.now() - 2 * day), End: dateOf(Date.now() - day) }
    return await new CostExplorerClient(settings(session)).send(
      new GetCostAndUsageCommand({ TimePeriod, Granularity: 'DAILY', Metrics: ['UnblendedCost'] }),
    )
  },
  'bcm-data-exports:ListExports': async (session) => {
    const { BCMDataExportsClient, ListExportsCommand } = await import('@aws-sdk/client-bcm-data-exports')
    return await new BCMDataExportsClient(settings(session)).send(new ListExportsCommand({ MaxResults: 1 }))
  },
  'bcm-data-exports:GetExport': async (session, { account }) => {
    const { BCMDataExportsClient, GetExportCommand } = await import('@aws-sdk/client-bcm-data-exports')
    // AWS tells permitted callers that this export does not exist, and denies others.
    const ExportArn = `arn:aws:bcm-data-exports:us-east-1:${account}:export/none-00000000-0000-0000-0000-000000000000`
    return await new BCMDataExportsClient(settings(session)).send(new GetExportCommand({ ExportArn }))
  },
  'cur:DescribeReportDefinitions': describeReportDefinitions,
  'organizations:DescribeOrganization': async (session) => {
    const { OrganizationsClient, DescribeOrganizationCommand } = await import('@aws-sdk/client-organizations')
    return await new OrganizationsClient(settings(session)).send(new DescribeOrganizationCommand({}))
  },
  'organizations:ListAccounts': async (session) => {
    const { OrganizationsClient, ListAccountsCommand } = await import('@aws-sdk/client-organizations')
    return await new OrganizationsClient(settings(session)).send(new ListAccountsCommand({ MaxResults: 1 }))
  },
  // A permitted dry run ends in the error `DryRunOperation`.
  'ec2:DescribeInstances': async (session) => {
    const { EC2Client, DescribeInstancesCommand } = await import('@aws-sdk/client-ec2')
    return await new EC2Client(settings(session, session.region)).send(new DescribeInstancesCommand({ DryRun: true }))
  },
  'ec2:DescribeVolumes': async (session) => {
    const { EC2Client, DescribeVolumesCommand } = await import('@aws-sdk/client-ec2')
    return await new EC2Client(settings(session, session.region)).send(new DescribeVolumesCommand({ DryRun: true }))
  },
  'ec2:DescribeSnapshots': async (session) => {
    const { EC2Client, DescribeSnapshotsCommand } = await import('@aws-sdk/client-ec2')
    return await new EC2Client(settings(session, session.region)).send(
      new DescribeSnapshotsCommand({ DryRun: true, OwnerIds: ['self'] }),
    )
  },
  'ec2:DescribeAddresses': async (session) => {
    const { EC2Client, DescribeAddressesCommand } = await import('@aws-sdk/client-ec2')
    return await new EC2Client(settings(session, session.region)).send(new DescribeAddressesCommand({ DryRun: true }))
  },
  'cloudwatch:GetMetricData': async (session) => {
    const { CloudWatchClient, GetMetricDataCommand } = await import('@aws-sdk/client-cloudwatch')
    const stat = { Metric: { Namespace: 'AWS/EC2', MetricName: 'CPUUtilization' }, Period: 300, Stat: 'Average' }
    const EndTime = new Date()
    return await new CloudWatchClient(settings(session, session.region)).send(
      new GetMetricDataCommand({
        MetricDataQueries: [{ Id: 'cpu', MetricStat: stat }],
        StartTime: new Date(EndTime.getTime() - 300_000),
        EndTime,
      }),
    )
  },
}
