import { describeReportDefinitions, type ReportDefinition } from '../access/cur-definitions.ts'
import { delivery, type Delivery } from '../access/deliveries.ts'
import type { SdkError } from '../access/refusal.ts'
import { retried } from '../../collect/retry.ts'
import { type Failure, failureOf } from './failure.ts'
import type { Reader } from './reader.ts'

/** An export of costs into a bucket of the customer. */
export interface CostExport {
  name: string
  kind: keyof typeof kinds
  isHealthy: boolean
  bucket: string
  region: string
  /** The folder of the export, with a slash at its end. Nothing else of the bucket is read. */
  folder: string
}

/** The best first: FOCUS 1.2 and CUR 2.0 have columns that the others lack. */
const kinds = { 'focus-1.2': 0, 'cur-2.0': 1, 'focus-1.0': 2, 'cur-legacy': 3 }

/** The exports of the account's costs, the best first; those that do not work last. */
export async function costExports(reader: Reader): Promise<CostExport[]> {
  const exports = await reader.attempt('bcm-data-exports:exports', async () => await dataExports(reader))
  const reports = await reader.attempt('cur:reports', async () => await legacyReports(reader))
  const found = [...(exports ?? []), ...(reports ?? [])]
  // Without an answer it is unknown whether there is an export.
  if (found.length === 0 && exports && reports) reader.report({ state: 'no_export', part: 'exports', message: advice })
  return found.toSorted((a, b) => Number(b.isHealthy) - Number(a.isHealthy) || kinds[a.kind] - kinds[b.kind])
}

const advice =
  'This account has no export of its costs. In the management account, open Billing and Cost Management, Data ' +
  'Exports, create a standard export of FOCUS 1.2 (Parquet, overwrite) into a bucket, and name the bucket in the ' +
  'CloudFormation stack of the role (ExportBucket). AWS delivers the first files within a day.'

async function dataExports(reader: Reader): Promise<CostExport[]> {
  const { BCMDataExportsClient, GetExportCommand, paginateListExports } =
    await import('@aws-sdk/client-bcm-data-exports')
  const client = reader.client('bcm-data-exports', BCMDataExportsClient)
  const found: CostExport[] = []
  for await (const { Exports = [] } of paginateListExports({ client }, {}))
    for (const { ExportArn, ExportName = '', ExportStatus } of Exports) {
      const isHealthy = ExportStatus?.StatusCode !== 'UNHEALTHY'
      const got = await reader.attempt(ExportName, async () => await client.send(new GetExportCommand({ ExportArn })))
      const { DataQuery, DestinationConfigurations } = got?.Export ?? {}
      const kind = kindOf(DataQuery?.QueryStatement ?? '')
      if (!kind) continue
      if (!isHealthy)
        reader.report(incomplete(ExportName, 'AWS cannot deliver it. Open it in Data Exports: it says why.'))
      // A part of the bill would pass for all of it.
      if (/\bwhere\b/i.test(DataQuery?.QueryStatement ?? ''))
        reader.report(incomplete(ExportName, 'It selects some of the rows. Create an export of all rows.'))
      else found.push(...placed(ExportName, kind, isHealthy, delivery(DestinationConfigurations?.S3Destination)))
    }
  return found
}

function kindOf(query: string): CostExport['kind'] | undefined {
  const table = /\bfrom\s+"?(\w+)/i.exec(query)?.[1]?.toUpperCase() ?? ''
  if (table.startsWith('FOCUS_1_0_AWS')) return 'focus-1.0'
  if (/^FOCUS_\d_\d_AWS/.test(table)) return 'focus-1.2'
  return table === 'COST_AND_USAGE_REPORT' ? 'cur-2.0' : undefined
}

async function legacyReports(reader: Reader): Promise<CostExport[]> {
  const reports: ReportDefinition[] = []
  let token: string | undefined
  do {
    const { ReportDefinitions = [], NextToken } = await reportPage(reader, token)
    reports.push(...ReportDefinitions)
    token = NextToken
  } while (token !== undefined)
  return reports.flatMap((report) => placed(report.ReportName ?? '', 'cur-legacy', true, delivery(report)))
}

async function reportPage(reader: Reader, token: string | undefined) {
  const api = 'cur:DescribeReportDefinitions'
  const { meter, signal } = reader.access
  return await retried(
    async () => {
      await meter.take({ api })
      const session = await reader.session()
      return await describeReportDefinitions(session, token).catch((error: unknown) => {
        throw failureOf(api, error as SdkError)
      })
    },
    (error) => ['throttled', 'unavailable'].includes((error as Partial<Failure>).state ?? ''),
    signal,
  )
}

function placed(name: string, kind: CostExport['kind'], isHealthy: boolean, where: Delivery[]): CostExport[] {
  return where.map(({ bucket, region, prefix }) => {
    const base = prefix.replaceAll(/^\/+|\/+$/g, '')
    return { name, kind, isHealthy, bucket, region, folder: `${base === '' ? '' : `${base}/`}${name}/` }
  })
}

function incomplete(name: string, message: string) {
  return { state: 'bill_incomplete' as const, part: name, message: `Export ${name}: ${message}` }
}
