import type { S3Client } from '@aws-sdk/client-s3'
import { describeReportDefinitions } from './cur-definitions.ts'
import { probes } from './probes.ts'
import type { ReadPermission } from './read-grants.ts'
import { attempt } from './refusal.ts'
import { type Session, settings } from './session.ts'

/** The destination of a cost export or report. */
export interface Delivery {
  bucket: string
  prefix: string
  region: string
}

export interface Deliveries {
  found: Delivery[]
  denied: ReadPermission[]
}

/** Each export takes a call. */
const most = 10

export async function deliveries(session: Session): Promise<Deliveries> {
  const all = await Promise.all([dataExports(session), reports(session)])
  return { found: all.flatMap(({ found }) => found), denied: all.flatMap(({ denied }) => denied) }
}

async function dataExports(session: Session): Promise<Deliveries> {
  const listed = await attempt('bcm-data-exports:ListExports', () => probes['bcm-data-exports:ListExports'](session))
  if (listed.kind !== 'answered')
    return { found: [], denied: listed.kind === 'denied' ? ['bcm-data-exports:ListExports'] : [] }
  const { BCMDataExportsClient, GetExportCommand } = await import('@aws-sdk/client-bcm-data-exports')
  const client = new BCMDataExportsClient(settings(session))
  const read = await Promise.all(
    (listed.answer.Exports ?? [])
      .slice(0, most)
      .map(({ ExportArn }) =>
        attempt('bcm-data-exports:GetExport', () => client.send(new GetExportCommand({ ExportArn }))),
      ),
  )
  const found = read.flatMap((got) =>
    delivery(got.kind === 'answered' ? got.answer.Export?.DestinationConfigurations?.S3Destination : undefined),
  )
  return { found, denied: read.some(({ kind }) => kind === 'denied') ? ['bcm-data-exports:GetExport'] : [] }
}

async function reports(session: Session): Promise<Deliveries> {
  const described = await attempt('cur:DescribeReportDefinitions', () => describeReportDefinitions(session))
  return {
    found: described.kind === 'answered' ? (described.answer.ReportDefinitions ?? []).flatMap(delivery) : [],
    denied: described.kind === 'denied' ? ['cur:DescribeReportDefinitions'] : [],
  }
}

interface Destination {
  S3Bucket?: string | undefined
  S3Prefix?: string | undefined
  S3Region?: string | undefined
}

/** Bucket and region become part of a host name, so other forms are dropped. */
export function delivery({
  S3Bucket: bucket = '',
  S3Prefix: prefix = '',
  S3Region: region = '',
}: Destination = {}): Delivery[] {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && /^[a-z]{2,4}(-[a-z]+)+-\d$/.test(region)
    ? [{ bucket, prefix, region }]
    : []
}

/** By real calls, because the simulation ignores bucket policies. */
export async function missingOnBuckets(session: Session, deliveries: readonly Delivery[]): Promise<ReadPermission[]> {
  const tried = await Promise.all(deliveries.map((delivery) => missing(session, delivery)))
  return tried.toSorted((a, b) => a.length - b.length)[0] ?? []
}

async function missing(session: Session, { bucket, prefix, region }: Delivery): Promise<ReadPermission[]> {
  const { S3Client, ListObjectsV2Command } = await import('@aws-sdk/client-s3')
  const client = new S3Client({ ...settings(session, region), forcePathStyle: session.endpoint !== undefined })
  const listed = await attempt('s3:ListObjectsV2', () =>
    client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })),
  )
  const key = listed.kind === 'answered' ? listed.answer.Contents?.[0]?.Key : undefined
  const isRead = await canRead(client, bucket, key ?? `${prefix}/cloudoptima-verification`)
  return [
    ...(listed.kind === 'denied' ? (['s3:ListBucket'] as const) : []),
    ...(isRead ? [] : (['s3:GetObject'] as const)),
  ]
}

/** A missing object is `rejected` for callers that may list the bucket, and `denied` for others. */
async function canRead(client: S3Client, bucket: string, key: string) {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3')
  const got = await attempt('s3:GetObject', async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: 'bytes=0-0' }))
    await Body?.transformToByteArray()
  })
  return got.kind !== 'denied'
}
