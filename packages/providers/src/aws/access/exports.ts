import { describeReportDefinitions } from './cur-definitions.ts'
import type { ReadPermission } from './read-grants.ts'
import { attempt } from './refusal.ts'
import { type Session, settings } from './session.ts'

/** The destination of a cost export or report. */
export interface Delivery {
  bucket: string
  prefix: string
  region: string
}

/** The deliveries found, and the permissions that were refused meanwhile. */
export interface Deliveries {
  found: Delivery[]
  denied: ReadPermission[]
}

/** Each export takes a call. */
const most = 10

/** Finds the data exports and legacy reports of the account. */
export async function deliveries(session: Session): Promise<Deliveries> {
  const all = await Promise.all([dataExports(session), reports(session)])
  return { found: all.flatMap(({ found }) => found), denied: all.flatMap(({ denied }) => denied) }
}

async function dataExports(session: Session): Promise<Deliveries> {
  const { BCMDataExportsClient, GetExportCommand, ListExportsCommand } =
    await import('@aws-sdk/client-bcm-data-exports')
  const client = new BCMDataExportsClient(settings(session))
  const listed = await attempt('bcm-data-exports:ListExports', () =>
    client.send(new ListExportsCommand({ MaxResults: most })),
  )
  if (listed.kind !== 'answered')
    return { found: [], denied: listed.kind === 'denied' ? ['bcm-data-exports:ListExports'] : [] }
  const arns = (listed.answer.Exports ?? [])
    .flatMap(({ ExportArn }) => (ExportArn === undefined ? [] : [ExportArn]))
    .slice(0, most)
  const read = await Promise.all(
    arns.map((ExportArn) =>
      attempt('bcm-data-exports:GetExport', () => client.send(new GetExportCommand({ ExportArn }))),
    ),
  )
  const found = read.flatMap((got) => {
    const to = got.kind === 'answered' ? got.answer.Export?.DestinationConfigurations?.S3Destination : undefined
    return delivery(to?.S3Bucket, to?.S3Prefix, to?.S3Region)
  })
  return { found, denied: read.some(({ kind }) => kind === 'denied') ? ['bcm-data-exports:GetExport'] : [] }
}

async function reports(session: Session): Promise<Deliveries> {
  const described = await attempt('cur:DescribeReportDefinitions', () => describeReportDefinitions(session))
  if (described.kind !== 'answered')
    return { found: [], denied: described.kind === 'denied' ? ['cur:DescribeReportDefinitions'] : [] }
  return {
    found: described.answer.flatMap(({ S3Bucket, S3Prefix, S3Region }) => delivery(S3Bucket, S3Prefix, S3Region)),
    denied: [],
  }
}

/** Bucket and region become part of a host name, so other forms are dropped. */
function delivery(bucket = '', prefix = '', region = ''): Delivery[] {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && /^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)
    ? [{ bucket, prefix, region }]
    : []
}
