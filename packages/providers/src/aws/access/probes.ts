import type * as Ec2 from '@aws-sdk/client-ec2'
import { describeReportDefinitions } from './cur-definitions.ts'
import type { RequiredPermission } from './read-grants.ts'
import { type Role, type Session, settings } from './session.ts'

export type Probe = (session: Session, role: Role) => Promise<unknown>

/** The simulation tests the first, reading the bucket the others. */
type Untried = 'iam:SimulatePrincipalPolicy' | 's3:ListBucket' | 's3:GetObject'

export type Tried = Exclude<RequiredPermission, Untried>

const dayMs = 86_400_000
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)

// A permitted dry run ends in the error `DryRunOperation`.
const dryRun = { DryRun: true }

function onEc2(call: (client: Ec2.EC2Client, sdk: typeof Ec2) => Promise<unknown>): Probe {
  return async (session) => {
    const sdk = await import('@aws-sdk/client-ec2')
    return await call(new sdk.EC2Client(settings(session, session.region)), sdk)
  }
}

/** The smallest call for each permission. CloudWatch charges $0.00001, Cost Explorer $0.01, the others nothing. */
export const probes = {
  'iam:ListAccountAliases': async (session: Session) => {
    const { IAMClient, ListAccountAliasesCommand } = await import('@aws-sdk/client-iam')
    return await new IAMClient(settings(session)).send(new ListAccountAliasesCommand({}))
  },
  'ce:GetCostAndUsage': async (session: Session) => {
    const { CostExplorerClient, GetCostAndUsageCommand } = await import('@aws-sdk/client-cost-explorer')
    const TimePeriod = { Start: dateOf(Date.now() - 2 * dayMs), End: dateOf(Date.now() - dayMs) }
    return await new CostExplorerClient(settings(session)).send(
      new GetCostAndUsageCommand({ TimePeriod, Granularity: 'DAILY', Metrics: ['UnblendedCost'] }),
    )
  },
  'bcm-data-exports:ListExports': async (session: Session) => {
    const { BCMDataExportsClient, ListExportsCommand } = await import('@aws-sdk/client-bcm-data-exports')
    return await new BCMDataExportsClient(settings(session)).send(new ListExportsCommand({ MaxResults: 10 }))
  },
  'bcm-data-exports:GetExport': async (session: Session, { account }: Role) => {
    const { BCMDataExportsClient, GetExportCommand } = await import('@aws-sdk/client-bcm-data-exports')
    // AWS tells permitted callers that this export does not exist, and denies others.
    const ExportArn = `arn:aws:bcm-data-exports:us-east-1:${account}:export/none-00000000-0000-0000-0000-000000000000`
    return await new BCMDataExportsClient(settings(session)).send(new GetExportCommand({ ExportArn }))
  },
  'cur:DescribeReportDefinitions': async (session: Session) => await describeReportDefinitions(session),
  'organizations:DescribeOrganization': async (session: Session) => {
    const { OrganizationsClient, DescribeOrganizationCommand } = await import('@aws-sdk/client-organizations')
    return await new OrganizationsClient(settings(session)).send(new DescribeOrganizationCommand({}))
  },
  'organizations:ListAccounts': async (session: Session) => {
    const { OrganizationsClient, ListAccountsCommand } = await import('@aws-sdk/client-organizations')
    return await new OrganizationsClient(settings(session)).send(new ListAccountsCommand({ MaxResults: 1 }))
  },
  'ec2:DescribeInstances': onEc2((client, sdk) => client.send(new sdk.DescribeInstancesCommand(dryRun))),
  'ec2:DescribeVolumes': onEc2((client, sdk) => client.send(new sdk.DescribeVolumesCommand(dryRun))),
  'ec2:DescribeSnapshots': onEc2((client, sdk) =>
    client.send(new sdk.DescribeSnapshotsCommand({ ...dryRun, OwnerIds: ['self'] })),
  ),
  'ec2:DescribeAddresses': onEc2((client, sdk) => client.send(new sdk.DescribeAddressesCommand(dryRun))),
  'cloudwatch:GetMetricData': async (session: Session) => {
    const { CloudWatchClient, GetMetricDataCommand } = await import('@aws-sdk/client-cloudwatch')
    const MetricStat = { Metric: { Namespace: 'AWS/EC2', MetricName: 'CPUUtilization' }, Period: 300, Stat: 'Average' }
    const [StartTime, EndTime] = [new Date(Date.now() - 300_000), new Date()]
    return await new CloudWatchClient(settings(session, session.region)).send(
      new GetMetricDataCommand({ MetricDataQueries: [{ Id: 'cpu', MetricStat }], StartTime, EndTime }),
    )
  },
} satisfies Record<Tried, Probe>
