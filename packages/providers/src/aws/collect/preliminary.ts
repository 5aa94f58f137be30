import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BillDelivery, Calendar, Fault } from '@cloudoptima/core'
import type { DateInterval, MetricValue, ResultByTime } from '@aws-sdk/client-cost-explorer'
import { Failure } from './failure.ts'
import type { Reader } from './reader.ts'

/** The current and the previous month from Cost Explorer, by day, service and account. */
export async function* preliminary(reader: Reader): AsyncGenerator<BillDelivery> {
  const today = Calendar.dayOf(reader.access.now())
  const payerId = await payerOf(reader)
  const month = Calendar.monthOf(today)
  for (const period of [month, Calendar.addMonths(month, -1)])
    yield {
      id: `cost-explorer/${period}`,
      period,
      // Only a paid call could tell whether the costs changed. AWS refreshes them at least once a day.
      version: today,
      preliminary: { accountId: reader.account, payerId },
      fetch: async (folder) => {
        const path = join(folder, `cost-explorer-${period}.csv`)
        const rows = await writeCosts(reader, period, path)
        if (rows === 0) throw new Fault('conflict', `Cost Explorer has no costs of ${period} yet.`)
        return [{ name: `cost-explorer/${period}.csv`, path }]
      },
    }
}

/** The management account of the organization; an account without an organization pays for itself. */
export async function payerOf(reader: Reader): Promise<string> {
  const { OrganizationsClient, DescribeOrganizationCommand } = await import('@aws-sdk/client-organizations')
  const client = reader.client('organizations', OrganizationsClient)
  const described = await reader.attempt('organizations:organization', async () => {
    try {
      return await client.send(new DescribeOrganizationCommand({}))
    } catch (error) {
      if (error instanceof Failure && error.awsCode === 'AWSOrganizationsNotInUseException') return undefined
      throw error
    }
  })
  return described?.Organization?.MasterAccountId ?? reader.account
}

type Names = ReadonlyMap<string | undefined, string | undefined>

/** The costs of one service in one account on one day. */
interface Line {
  account: string
  month: DateInterval
  day: DateInterval
  service: string
  subAccount: string
  subAccountName: string | undefined
  billed: MetricValue
  effective: MetricValue
}

/** FOCUS columns that the product requires, and the service and the account of the charge. */
const columns: Record<string, (line: Line) => string | undefined> = {
  // The amounts stay the text of AWS, which is exact.
  BilledCost: ({ billed }) => billed.Amount,
  EffectiveCost: ({ effective }) => effective.Amount,
  BillingCurrency: ({ billed }) => billed.Unit,
  // The account of a member has its own partition, so that it never replaces the bill of its payer.
  BillingAccountId: ({ account }) => account,
  BillingPeriodStart: ({ month }) => timeOf(month.Start),
  BillingPeriodEnd: ({ month }) => timeOf(month.End),
  ChargePeriodStart: ({ day }) => timeOf(day.Start),
  ChargePeriodEnd: ({ day }) => timeOf(day.End),
  ChargeCategory: ({ service }) => (service === 'Tax' ? 'Tax' : 'Usage'),
  ProviderName: () => 'AWS',
  InvoiceIssuerName: () => 'AWS',
  ServiceName: ({ service }) => service,
  SubAccountId: ({ subAccount }) => subAccount,
  SubAccountName: ({ subAccountName }) => subAccountName,
}

async function writeCosts(reader: Reader, period: Calendar.Month, path: string): Promise<number> {
  const { CostExplorerClient, GetCostAndUsageCommand } = await import('@aws-sdk/client-cost-explorer')
  const client = reader.client('ce', CostExplorerClient)
  const month = { Start: `${period}-01`, End: `${Calendar.addMonths(period, 1)}-01` }
  await writeFile(path, csvOf([Object.keys(columns)]))
  let rows = 0
  let token: string | undefined
  do {
    const page = await client.send(
      new GetCostAndUsageCommand({
        TimePeriod: month,
        Granularity: 'DAILY',
        GroupBy: [
          { Type: 'DIMENSION', Key: 'SERVICE' },
          { Type: 'DIMENSION', Key: 'LINKED_ACCOUNT' },
        ],
        Metrics: ['UnblendedCost', 'AmortizedCost', 'NetAmortizedCost'],
        ...(token !== undefined && { NextPageToken: token }),
      }),
    )
    const { ResultsByTime = [], DimensionValueAttributes = [] } = page
    const names = new Map(DimensionValueAttributes.map(({ Value, Attributes }) => [Value, Attributes?.['description']]))
    const lines = ResultsByTime.flatMap((day) => linesOf(day, { account: reader.account, month }, names))
    await appendFile(path, csvOf(lines.map((line) => Object.values(columns).map((valueOf) => valueOf(line) ?? ''))))
    rows += lines.length
    token = page.NextPageToken
  } while (token !== undefined)
  return rows
}

function linesOf({ TimePeriod: day, Groups = [] }: ResultByTime, given: Pick<Line, 'account' | 'month'>, names: Names) {
  return Groups.flatMap(({ Keys: [service = '', subAccount = given.account] = [], Metrics = {} }): Line[] => {
    const { UnblendedCost: billed, AmortizedCost = billed, NetAmortizedCost: effective = AmortizedCost } = Metrics
    if (!billed?.Amount || !effective || !day) return []
    return [{ ...given, day, service, subAccount, subAccountName: names.get(subAccount), billed, effective }]
  })
}

const timeOf = (day = ''): string => `${day.slice(0, 10)}T00:00:00Z`

function csvOf(rows: Iterable<readonly string[]>): string {
  const quoted = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  return [...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('')
}
